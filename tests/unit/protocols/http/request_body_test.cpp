// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_body.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr const char* kJson = "application/json";
constexpr const char* kForm = "application/x-www-form-urlencoded";

/// "json: a=1 b=2"
std::string facts_of(std::string_view type, std::string_view body) {
  const auto facts = read_request_body(type, body);
  if (!facts) return "refused: " + facts.error().message;
  std::string out(to_string(facts->kind));
  for (std::size_t i = 0; i < facts->fields.size(); ++i)
    out += (i == 0 ? ": " : " ") + facts->fields[i];
  return out;
}

TEST_CASE("each value of JSON is named by the way to it") {
  CHECK(facts_of(kJson, R"({"a":1,"b":{"c":"x","d":[true,null]},"e":[{"f":2},{"f":3}]})") ==
        "json: a=1 b.c=x b.d[]=true b.d[]=null e[].f=2 e[].f=3");
  CHECK(facts_of(kJson, "5") == "json: =5");
  CHECK(facts_of(kJson, R"(["a","b"])") == "json: []=a []=b");
  CHECK(facts_of(kJson, R"([[1],[[2]]])") == "json: [][]=1 [][][]=2");
  CHECK(facts_of(kJson, R"({"a":[],"b":{},"c":[{},[]]})") == "json: a=[] b={} c[]={} c[]=[]");
  CHECK(facts_of(kJson, "{}") == "json: ={}");
  CHECK(facts_of(kJson, R"({"a":{"b":1},"c":2})") == "json: a.b=1 c=2");
  CHECK(facts_of(kJson, R"({"\u0061":"\u0062"})") == "json: a=b");
}

TEST_CASE("numbers stand there as they were written, where they are not whole ones") {
  CHECK(facts_of(kJson, "[1,-1,1.50,1e3,18446744073709551616]") ==
        "json: []=1 []=-1 []=1.50 []=1e3 []=18446744073709551616");
}

TEST_CASE("JSON is JSON whatever its type says, and nothing else is") {
  CHECK(facts_of("text/plain", R"({"a":1})") == "json: a=1");
  CHECK(facts_of("", R"({"a":1})") == "json: a=1");
  CHECK(facts_of(kJson, R"({"a":1} )") == "json: a=1");
  for (const char* body : {"{", "{\"a\":1}{\"a\":2}", "{a:1}", "{'a':1}", "{\"a\":01}", "// x\n{}",
                           "{\"a\":NaN}", "{\"a\":1,}", "\"\xff\"", "a=1"}) {
    INFO(body);
    CHECK(facts_of(kJson, body) == "opaque");
  }
  CHECK(facts_of(kJson, std::string_view("{\"a\":1}\0", 8)) == "opaque");
  CHECK(facts_of(kJson, "") == "none");
  CHECK(facts_of("multipart/form-data; boundary=b", "--b\r\n\r\n--b--") == "opaque");
}

TEST_CASE("a name that stands twice in one object is refused, however it is escaped") {
  CHECK_THAT(facts_of(kJson, R"({"a":1,"a":2})"), ContainsSubstring("twice"));
  CHECK_THAT(facts_of(kJson, R"({"a":1,"\u0061":2})"), ContainsSubstring("twice"));
  CHECK_THAT(facts_of(kJson, R"({"x":[{"a":1,"b":1,"a":2}]})"), ContainsSubstring("twice"));
  CHECK(facts_of(kJson, R"({"a":{"a":1},"b":{"a":2}})") == "json: a.a=1 b.a=2");
}

TEST_CASE("JSON has a depth, a number of values and a length that are not too large") {
  CHECK(facts_of(kJson, std::string(64, '[') + std::string(64, ']')).starts_with("json"));
  CHECK_THAT(facts_of(kJson, std::string(65, '[') + std::string(65, ']')),
             ContainsSubstring("deeper than 64"));
  const auto array_of = [](int count, const char* value) {
    std::string out = "[";
    for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + std::string(value);
    return out + "]";
  };
  CHECK(facts_of(kJson, array_of(10'000, "1")).starts_with("json"));
  for (const char* value : {"1", "[]", "{}"}) {
    INFO(value);
    CHECK_THAT(facts_of(kJson, array_of(10'001, value)), ContainsSubstring("10,000 values"));
  }
  // A megabyte that would become gigabytes.
  const std::string wide = "{\"" + std::string(500'000, 'n') + "\":" + array_of(9'000, "1") + "}";
  CHECK_THAT(facts_of(kJson, wide), ContainsSubstring("too long"));
}

TEST_CASE("a form is one where it is said to be") {
  CHECK(facts_of(kForm, "a=1&b=x+y%21&c") == "form: a=1 b=x y! c=");
  CHECK(facts_of("Application/X-WWW-Form-URLencoded; charset=UTF-8", "a=1") == "form: a=1");
  CHECK(facts_of("text/plain", "a=1&b=2") == "opaque");
  for (const char* body : {"a=1&a=2", "a=%zz", "a=%00", "a=%FF", "a=1;b=2"}) {
    INFO(body);
    CHECK(facts_of(kForm, body) == "opaque");
  }
}

TEST_CASE("what is JSON and a form is judged as both") {
  CHECK(facts_of(kForm, R"({"a":"&role=admin&"})") ==
        "form: a=&role=admin& {\"a\":\"= role=admin \"}=");
  CHECK(facts_of(kForm, R"("x&role=admin&y")") == "form: =x&role=admin&y \"x= role=admin y\"=");
  // It has no values, so that it is what somebody has forgotten to call JSON.
  CHECK(facts_of(kForm, R"({"a":1})") == "json: a=1");
  CHECK(facts_of(kForm, R"({"a":"b=c"})") == R"(form: a=b=c {"a":"b=c"})");
}

TEST_CASE("a character set in which letters are others leaves nothing to be judged") {
  for (const char* set : {"utf-7", "utf-16", "ibm037", "\"utf-7\"", "utf-8; charset=utf-7"}) {
    INFO(set);
    CHECK(facts_of(std::string(kJson) + "; charset=" + set, R"({"a":1})") == "opaque");
    CHECK(facts_of(std::string(kForm) + "; charset=" + set, "a=1") == "opaque");
  }
  CHECK(facts_of("application/json; charset=\"utf-8\"", R"({"a":1})") == "json: a=1");
}

}  // namespace
}  // namespace hoop::http_target
