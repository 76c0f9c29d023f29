// SPDX-License-Identifier: Apache-2.0
// What the refusals say; which statements get which is in tests/conformance/sql/evasions.txt.
#include "protocols/postgres/masked_use.h"

#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "protocols/postgres/refusal.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

std::optional<access::Decision> refusal(std::string_view sql,
                                        std::shared_ptr<const Catalog> catalog) {
  std::optional<access::Decision> found;
  process::run_on_deep_stack([&] {
    found =
        classify(sql, NameContext{std::move(catalog), std::nullopt, "hoop_abc", "app"})[0].refusal;
    return 0;
  });
  return found;
}

}  // namespace

TEST_CASE("a refusal names the column and a way out, and repeats no literal") {
  const auto decision =
      refusal("select id from customers where email = 'planted@example.com'", test::demo_catalog());
  REQUIRE(decision);
  CHECK(decision->effect == access::Effect::deny);
  CHECK(decision->rule == "builtin/SQL_MASKED_PREDICATE");
  CHECK(decision->message.find("planted") == std::string::npos);
  CHECK_THAT(decision->message, Catch::Matchers::ContainsSubstring("(email)"));
  CHECK_FALSE(decision->hint.empty());
}

TEST_CASE("every refusal has a code, a message of one line and a hint") {
  for (int code = 0; code <= static_cast<int>(RefusalCode::write_back); ++code) {
    const auto decision = refuse(static_cast<RefusalCode>(code), std::string(500, 'x'));
    INFO(decision.rule);
    CHECK(decision.rule.starts_with("builtin/SQL_"));
    CHECK(decision.message.size() <= 240);
    CHECK(refuse(static_cast<RefusalCode>(code)).message.size() <= 120);
    CHECK_FALSE(decision.hint.empty());
  }
}

TEST_CASE("without masks nothing is refused for their sake") {
  for (const char* sql :
       {"select upper(email) from customers where email like 'a%'", "copy customers to stdout",
        "select c from customers c", "create view v as select 1", "select leak()",
        "do $$ begin end $$", "explain select * from customers"}) {
    INFO(sql);
    CHECK_FALSE(refusal(sql, test::unmasked_catalog()));
    CHECK(refusal(sql, test::demo_catalog()));
  }
}
