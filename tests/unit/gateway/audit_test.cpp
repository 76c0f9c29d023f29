// SPDX-License-Identifier: Apache-2.0
#include "gateway/audit.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::gateway;

TEST_CASE("audit records come back newest first, and cannot be changed or deleted") {
  Database database = Database::open_in_memory().value();
  Audit audit = Audit::open(database).value();
  CHECK(audit.newest(10).value().empty());
  const AuditRecord first{
      0, SystemTime(std::chrono::milliseconds(5)), "os:root", "user.add", "ann", "groups: ops"};
  const AuditRecord second{0,      SystemTime(std::chrono::milliseconds(7)),
                           "root", "session.kill",
                           "s_x",  "it's \"late\"\n"};
  REQUIRE(audit.add(first));
  REQUIRE(audit.add(second));
  const auto all = audit.newest(10).value();
  REQUIRE(all.size() == 2);
  CHECK(all[0].number == 2);
  CHECK(all[0].words == second.words);
  CHECK(all[0].at == second.at);
  CHECK(all[1].number == 1);
  CHECK(all[1].what == "ann");
  CHECK(audit.newest(1).value().size() == 1);
  CHECK_FALSE(database.run("DELETE FROM audit"));
  CHECK_FALSE(database.run("UPDATE audit SET by = 'nobody'"));
  CHECK(Audit::open(database).value().newest(10).value() == all);
}
