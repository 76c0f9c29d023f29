// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_target.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

using Catch::Matchers::ContainsSubstring;

RequestTarget target_of(std::string_view text) {
  auto read = read_request_target(text);
  if (!read) FAIL(read.error().message);
  return std::move(*read);
}

TEST_CASE("a path is judged decoded, and forwarded in one spelling") {
  struct Case {
    const char *sent, *forwarded, *judged;
  };
  for (const Case& one : {Case{"/", "/", "/"}, Case{"/a", "/a", "/a"}, Case{"/a/", "/a/", "/a"},
                          Case{"/%61%2Db%7E", "/a-b~", "/a-b~"}, Case{"/a%20b", "/a%20b", "/a b"},
                          Case{"/%c3%a9", "/%C3%A9", "/é"}, Case{"/100%25", "/100%25", "/100%"},
                          Case{"/a%3Fb%23c", "/a%3Fb%23c", "/a?b#c"}, Case{"/a+b", "/a+b", "/a+b"},
                          Case{"/.../..a", "/.../..a", "/.../..a"}}) {
    INFO(one.sent);
    const RequestTarget target = target_of(one.sent);
    CHECK(target.path == one.forwarded);
    CHECK(target.plain == one.judged);
    CHECK(target.text() == one.forwarded);
  }
}

TEST_CASE("what is written is read as the same again") {
  for (const char* sent : {"/", "/a/", "/%61/%C3%A9?x=%41&&y=1;z=2&=&a&b=",
                           "/a!$&'()*+,=:@b?q=a?b/c&q=[]|{}", "/a%25zz?%FF=%0A", "/?&", "/?"}) {
    INFO(sent);
    const RequestTarget once = target_of(sent);
    const RequestTarget twice = target_of(once.text());
    CHECK(twice.text() == once.text());
    CHECK(twice.path == once.path);
    CHECK(twice.plain == once.plain);
    REQUIRE(twice.parameters.size() == once.parameters.size());
    for (std::size_t i = 0; i < once.parameters.size(); ++i) {
      CHECK(twice.parameters[i].name == once.parameters[i].name);
      CHECK(twice.parameters[i].value == once.parameters[i].value);
    }
  }
}

TEST_CASE("parameters are taken apart as a form is") {
  const RequestTarget target = target_of("/?a=1&b+c=d+e%2B&a=2&f&=g&h=i=j&k=1;l=2");
  std::string all;
  for (const auto& one : target.parameters) all += "(" + one.name + ":" + one.value + ")";
  CHECK(all == "(a:1)(b c:d e+)(a:2)(f:)(:g)(h:i=j)(k:1;l=2)");
  CHECK(target.text() == "/?a=1&b+c=d+e%2B&a=2&f&=g&h=i=j&k=1%3Bl=2");
}

TEST_CASE("a path that two servers could read differently is none") {
  struct Case {
    const char *sent, *words;
  };
  for (const Case& one :
       {Case{"a", "no path"}, Case{"", "no path"}, Case{"/a/../b", "dot segment"},
        Case{"/%2e", "dot segment"}, Case{"/a//b", "empty segment"}, Case{"//", "empty segment"},
        Case{"/a%2Fb", "encoded slash"}, Case{"/a%5Cb", "backslash"}, Case{"/a;b", "';'"},
        Case{"/a%3Bb", "';'"}, Case{"/a%0Ab", "control"}, Case{"/a%00", "control"},
        Case{"/a%FF", "UTF-8"}, Case{"/%C0%AE", "UTF-8"}, Case{"/%252e", "twice"},
        Case{"/%25%32%65", "twice"}, Case{"/?%00", "NUL"}}) {
    INFO(one.sent);
    const auto read = read_request_target(one.sent);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == ErrorCode::malformed);
    CHECK_THAT(read.error().message, ContainsSubstring(one.words));
  }
}

TEST_CASE("parameters have a number that is not too large") {
  std::string query = "/?a";
  for (int i = 0; i < 255; ++i) query += "&a";
  CHECK(target_of(query).parameters.size() == 256);
  CHECK_FALSE(read_request_target(query + "&a"));
}

TEST_CASE("a base path holds itself and what is below it") {
  CHECK(is_below("/api", "/api"));
  CHECK(is_below("/api/a", "/api"));
  CHECK_FALSE(is_below("/apia", "/api"));
  CHECK_FALSE(is_below("/", "/api"));
  CHECK_FALSE(is_below("/API/a", "/api"));
  CHECK_FALSE(is_below("/a/api", "/api"));
  CHECK(is_below("/", ""));
  CHECK(is_below("/anything", ""));
}

TEST_CASE("each byte of a segment stands in it, or is percent-encoded") {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  const std::string encoded = encode_segment(all);
  CHECK(encoded.find_first_of("/?#%;\\ \"<>[]^`{|}") == encoded.find('%'));
  CHECK(encoded.find("abcxyz") == std::string::npos);
  CHECK(encoded.find("abcdefghijklmnopqrstuvwxyz") != std::string::npos);
  CHECK(encode_segment("a;b") == "a%3Bb");
}

}  // namespace
}  // namespace hoop::http_target
