// SPDX-License-Identifier: Apache-2.0
#include "core/identity/json.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

TEST_CASE("JSON becomes a tree of plain values") {
  const Json json = parse_json(R"({"a":[1,-2,true,null,"x\u00e9",1.5],"b":{"c":{}}})").value();
  const Json::Array& list = *json.find("a")->array();
  REQUIRE(list.size() == 6);
  CHECK(*list[1].integer() == -2);
  CHECK(list[2].value == Json{true}.value);
  CHECK(std::holds_alternative<std::nullptr_t>(list[3].value));
  CHECK(*list[4].text() == "x\xc3\xa9");
  CHECK(std::get<double>(list[5].value) == 1.5);
  CHECK(json.find("b")->find("c")->object()->empty());
  CHECK(json.text("a") == nullptr);
  CHECK(json.find("a")->find("x") == nullptr);
  CHECK(*parse_json("7").value().integer() == 7);
}

TEST_CASE("JSON that has two readings is refused") {
  for (const char* bad : {"",
                          " ",
                          "{",
                          "{}{}",
                          "[1,]",
                          R"({"a":1,"a":1})",
                          R"({"a":1,"\u0061":2})",
                          "01",
                          "+1",
                          "'a'",
                          "nul",
                          "18446744073709551616",
                          "9223372036854775808",
                          "-9223372036854775809",
                          "1e999",
                          "\"\xff\"",
                          "\"\n\"",
                          R"("\ud800")",
                          "\xef\xbb\xbf{}",
                          "{1:2}",
                          "[1 2]",
                          "//\n1"}) {
    INFO(bad);
    CHECK_FALSE(parse_json(bad));
  }
}

TEST_CASE("JSON caps hold before memory is spent") {
  const JsonCaps caps{.bytes = 100, .depth = 3, .values = 5};
  CHECK(parse_json("[[[1]]]", caps));
  CHECK(parse_json("[[[[]]]]", caps).error().code == ErrorCode::too_large);
  CHECK(parse_json("[1,2,3,4]", caps));
  CHECK(parse_json("[1,2,3,4,5]", caps).error().code == ErrorCode::too_large);
  CHECK(parse_json(std::string(101, ' '), caps).error().code == ErrorCode::too_large);
  CHECK_FALSE(parse_json(std::string(60000, '[')));
}
