// SPDX-License-Identifier: Apache-2.0
#include "core/config/toml_reader.h"

#include "tests/support/catch.h"

using namespace hoop;
using config::TomlTable;

namespace {

std::string complaint_of(std::string_view text, void (*read)(const TomlTable&)) {
  auto table = TomlTable::parse("a.toml", text);
  if (!table) return table.error().message;
  read(*table);
  auto done = table->finish();
  if (done) return "";
  return done.error().hint.empty() ? done.error().message
                                   : done.error().message + " | " + done.error().hint;
}

}  // namespace

TEST_CASE("toml: values come back typed") {
  auto table = TomlTable::parse("a.toml",
                                "n = 10_000\ns = 'x'\nb = true\nd = '30m'\nl = ['a', 'b']\nm = { k "
                                "= 'v' }\n[[t]]\nz = 1\n[[t]]\nz = 2\n");
  REQUIRE(table);
  CHECK(table->integer("n", 0, 20'000) == 10'000);
  CHECK(table->text("s") == "x");
  CHECK(table->boolean("b") == true);
  CHECK(table->duration("d") == std::chrono::minutes(30));
  CHECK(table->text_list("l") == std::vector<std::string>{"a", "b"});
  CHECK(table->text_map("m") == std::map<std::string, std::string>{{"k", "v"}});
  const auto rows = table->tables("t");
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].integer("z", 0, 9) == 2);
  rows[0].ignore("z");
  CHECK(table->finish().has_value());
}

TEST_CASE("toml: every complaint names file, line and column") {
  CHECK(complaint_of("a = ", [](const TomlTable&) {}).starts_with("a.toml:1:"));
  CHECK(complaint_of("\na = 1", [](const TomlTable& t) { t.text("a"); }) ==
        "a.toml:2:5: 'a' must be a string, but is an integer");
  CHECK(complaint_of("a = 'x'", [](const TomlTable& t) { t.integer("a", 0, 1); }) ==
        "a.toml:1:5: 'a' must be an integer, but is a string");
  CHECK(complaint_of("a = 7", [](const TomlTable& t) { t.integer("a", 0, 5); }) ==
        "a.toml:1:5: 'a' must be from 0 to 5");
  CHECK(complaint_of("a = 'x'", [](const TomlTable& t) { t.boolean("a"); }) ==
        "a.toml:1:5: 'a' must be true or false, but is a string");
  CHECK(complaint_of("a = ''", [](const TomlTable& t) { t.required_text("a"); }) ==
        "a.toml:1:5: 'a' must not be empty");
  CHECK(complaint_of("a = 'x\\u0000y'", [](const TomlTable& t) { t.text("a"); }).empty());
  CHECK(complaint_of("a = \"x\\u0000y\"", [](const TomlTable& t) { t.text("a"); }) ==
        "a.toml:1:5: 'a' holds a NUL character");
  CHECK(complaint_of("a = [1]", [](const TomlTable& t) { t.text_list("a"); }) ==
        "a.toml:1:5: 'a' must hold strings only, but has an integer");
  CHECK(complaint_of("a = { b = 1 }", [](const TomlTable& t) { t.text_map("a"); }) ==
        "a.toml:1:5: 'a.b' must be a string, but is an integer");
  CHECK(complaint_of("[a]", [](const TomlTable& t) { t.tables("a"); }) ==
        "a.toml:1:1: 'a' must be written as [[a]], but is a table");
  CHECK(complaint_of("a = 1", [](const TomlTable& t) { t.table("a"); }) ==
        "a.toml:1:5: 'a' must be a table, but is an integer");
  CHECK(complaint_of("a = '5 hours'", [](const TomlTable& t) { t.duration("a"); }) ==
        "a.toml:1:5: '5 hours' is not a duration | write it like 90s, 30m, 2h or 1d");
}

TEST_CASE("toml: an unknown key is an error, with the nearest known key as the hint") {
  const auto read = [](const TomlTable& t) {
    if (auto inner = t.table("gateway")) inner->text("listen");
  };
  CHECK(complaint_of("[gateway]\nlisten = 'x'\nlissten = 'y'\n", read) ==
        "a.toml:3:1: unknown key 'lissten' | did you mean 'listen'?");
  CHECK(complaint_of("[gateways]\n", read) ==
        "a.toml:1:2: unknown key 'gateways' | did you mean 'gateway'?");
  CHECK(complaint_of("zzz = 1\n", read) == "a.toml:1:1: unknown key 'zzz' | known here: gateway");
}

TEST_CASE("toml: the first complaint is the one that is told") {
  CHECK(complaint_of("a = 1\nb = 2", [](const TomlTable& t) {
          t.text("a");
          t.text("b");
        }).starts_with("a.toml:1:5"));
}

TEST_CASE("toml: one table may stand for an array of one") {
  const auto count = [](const char* text) {
    const auto table = TomlTable::parse("a.toml", text);
    REQUIRE(table);
    return table->table_or_tables("a").size();
  };
  CHECK(count("") == 0);
  CHECK(count("a = { b = 1 }") == 1);
  CHECK(count("[a]\nb = 1") == 1);
  CHECK(count("a = [{ b = 1 }, { b = 2 }]") == 2);
  CHECK(count("[[a]]\nb = 1\n[[a]]\nb = 2") == 2);
  CHECK(complaint_of("a = 1", [](const TomlTable& t) { t.table_or_tables("a"); }) ==
        "a.toml:1:5: 'a' must be a table, but is an integer");
  CHECK(complaint_of("a = [1]", [](const TomlTable& t) { t.table_or_tables("a"); }) ==
        "a.toml:1:5: 'a' must hold tables only, but has an integer");
}
