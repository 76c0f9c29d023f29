// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/name_table.h"

#include "tests/support/catch.h"

using hoop::postgres::NameTable;

namespace {

using Table = NameTable<const int>;
using Certainty = Table::Found::Certainty;

std::shared_ptr<const int> thing(int number) { return std::make_shared<const int>(number); }

}  // namespace

TEST_CASE("a name stands for what its own segment made of it, before the server has answered") {
  Table table;
  table.propose("s", thing(1), 1);
  const auto found = table.find("s", 1);
  CHECK(found.certainty == Certainty::known);
  CHECK(*found.thing == 1);
}

TEST_CASE("across a Sync an unanswered name is uncertain until it is answered") {
  Table table;
  table.propose("s", thing(1), 1);
  CHECK(table.find("s", 2).certainty == Certainty::unanswered);
  table.confirm("s", thing(1));
  CHECK(table.find("s", 2).certainty == Certainty::known);
  CHECK(*table.find("s", 2).thing == 1);
}

TEST_CASE("a failed message leaves the name as it was") {
  Table table;
  table.propose("s", thing(1), 1);
  table.confirm("s", thing(1));
  table.propose("s", thing(2), 2);
  table.withdraw("s");
  CHECK(*table.find("s", 3).thing == 1);
  table.propose("new", thing(3), 3);
  table.withdraw("new");
  CHECK(table.find("new", 4).thing == nullptr);
  CHECK(table.size() == 1);
}

TEST_CASE("a closed name stands for nothing") {
  Table table;
  table.propose("s", thing(1), 1);
  table.propose("s", nullptr, 1);
  CHECK(table.find("s", 1).thing == nullptr);
  table.confirm("s", thing(1));
  table.confirm("s", nullptr);
  CHECK(table.find("s", 2).thing == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE("forgetting keeps what is still unanswered") {
  Table table;
  table.propose("a", thing(1), 1);
  table.confirm("a", thing(1));
  table.propose("b", thing(2), 2);
  table.forget_confirmed();
  CHECK(table.find("a", 2).thing == nullptr);
  CHECK(*table.find("b", 2).thing == 2);
  table.confirm("b", thing(2));
  CHECK(*table.find("b", 3).thing == 2);
}
