// SPDX-License-Identifier: Apache-2.0
#include "core/access/field_path.h"

#include "tests/support/catch.h"

namespace hoop::access {
namespace {

using Kind = FieldStep::Kind;

FieldStep member(std::string name) { return {Kind::name, false, std::move(name)}; }

}  // namespace

TEST_CASE("a field's path is read as RFC 9535 has it") {
  const std::vector<std::pair<std::string, std::vector<FieldStep>>> rows = {
      {"$", {}},
      {"$.a", {member("a")}},
      {"$.a.b_1.\xc3\xa9", {member("a"), member("b_1"), member("\xc3\xa9")}},
      {"$['a'].b", {member("a"), member("b")}},
      {"$[\"a'b\"]['']", {member("a'b"), member("")}},
      {"$['it\\'s'][\"a\\\"b\"]['\\\\']", {member("it's"), member("a\"b"), member("\\")}},
      {"$['a.b[*]']", {member("a.b[*]")}},
      {"$[*].a.*", {{}, member("a"), {}}},
      {"$..ssn", {{Kind::name, true, "ssn"}}},
      {"$.a..['s-n'].b", {member("a"), {Kind::name, true, "s-n"}, member("b")}},
      {"$..*", {{Kind::any, true, ""}}},
      {"$..[*].a", {{Kind::any, true, ""}, member("a")}},
  };
  for (const auto& [path, steps] : rows) {
    INFO(path);
    const auto read = parse_field_path(path);
    REQUIRE(read);
    CHECK(*read == steps);
    CHECK(check_field_path(path));
  }
}

TEST_CASE("a path that is none says what would be one") {
  struct Row {
    std::string path, what, hint;
  };
  const std::vector<Row> rows = {
      {"", "does not begin with '$'", "$.customer.email"},
      {"customer.email", "does not begin with '$'", "$..email"},
      {"@.a", "does not begin with '$'", ""},
      {"$a", "goes on without", "$.customer.email"},
      {"$ .a", "goes on without", ""},
      {"$.", "a '.' without a name", ""},
      {"$..", "a '.' without a name", ""},
      {"$...a", "a '.' without a name", ""},
      {"$.a.", "a '.' without a name", ""},
      {"$.a.[*]", "a '.' without a name", ""},
      {"$.customer-id", "the name 'customer-id' without quotes", "['customer-id']"},
      {"$.1st", "the name '1st' without quotes", "['1st']"},
      {"$.a b", "the name 'a b' without quotes", "['a b']"},
      {"$.a'b", "without quotes", "['name']"},
      {"$.**", "goes on without", ""},
      {"$.rows[0]", "the index of an element", "[*]"},
      {"$.rows[-1]", "the index of an element", "[*]"},
      {"$[0:2]", "the index of an element", "[*]"},
      {"$[?@.a]", "brackets that hold neither", "['name']"},
      {"$[name]", "brackets that hold neither", "['name']"},
      {"$[", "brackets that hold neither", ""},
      {"$['a','b']", "no ']' behind a name", ""},
      {"$['a'", "no ']' behind a name", ""},
      {"$['a", "without its closing quote", ""},
      {"$['\\u0061']", "escapes neither", "the character itself"},
      {"$['a\\", "escapes neither", ""},
      {"$[\"\\'\"]", "escapes neither", ""},
      {"$.\xff", "is not UTF-8", ""},
  };
  for (const auto& [path, what, hint] : rows) {
    INFO(path);
    const auto read = parse_field_path(path);
    REQUIRE_FALSE(read);
    INFO(read.error().message << "\n" << read.error().hint);
    CHECK(read.error().code == ErrorCode::config);
    CHECK(read.error().message.find(what) != std::string::npos);
    CHECK(read.error().hint.find(hint) != std::string::npos);
  }
  CHECK_FALSE(check_field_path("$." + std::string(5000, 'a')));
  std::string deep = "$";
  for (int i = 0; i < 129; ++i) deep += ".a";
  CHECK_FALSE(check_field_path(deep));
  CHECK(check_field_path(deep.substr(0, deep.size() - 2)));
}

}  // namespace hoop::access
