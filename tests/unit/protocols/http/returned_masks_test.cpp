// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/returned_masks.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

constexpr const char* kFormType = "application/x-www-form-urlencoded";

bool comes_back(std::string_view type, std::string_view body, std::size_t piece) {
  ReturnedMasks masks(type);
  bool found = false;
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size())))
    found = masks.carries_mask(as_bytes(body.substr(0, piece))) || found;
  return found;
}

TEST_CASE("a mask is found in whatever spelling it comes back, and however that is cut") {
  struct Case {
    const char *type, *body;
  };
  for (const Case& one : {
           Case{"application/json", R"({"a":"[redacted]"})"},
           Case{"application/json", R"({"a":"\u005Bredacted]"})"},
           Case{"application/json", R"({"a":"****\u00e9\u00e8ab"})"},
           Case{"application/json", R"({"a":"****\ud83d\ude00abc"})"},
           Case{"application/json", R"({"a":"\"****1234\""})"},
           Case{"", R"({"a":"a***@b.example"})"},
           Case{"text/markdown", "\\[redacted]"},
           Case{"text/markdown", "\\u[redacted]"},
           Case{"text/markdown", "\\****1234"},
           Case{"text/plain", "hmac:0123456789abcdef0123456789abcdef"},
           Case{kFormType, "a=%5Bredacted%5d&b=1"},
           Case{kFormType, "a=[redacted]"},
           Case{kFormType, "a=%2A%2a%2A%2A1234&b"},
           Case{kFormType, "b=c***%40d.example"},
           Case{kFormType, "%5Bredacted%5D=1"},
       }) {
    for (const std::size_t piece : {1UL, 2UL, 3UL, 5UL, 8UL, 13UL, 1000UL}) {
      INFO(one.body << " in pieces of " << piece);
      CHECK(comes_back(one.type, one.body, piece));
    }
  }
}

TEST_CASE("what only looks like a mask passes") {
  struct Case {
    const char *type, *body;
  };
  for (const Case& one : {
           Case{"application/json", R"({"a":"redacted","b":"**bold**","c":"a\\nb\u0041"})"},
           Case{"application/json", R"({"a":"\u005"})"},
           Case{"application/json", "\\"},
           Case{"application/json", R"({"a":"%5Bredacted%5D"})"},
           Case{kFormType, "a=%5Bred%&b=%5"},
           Case{kFormType, "a=%25%35Bredacted]"},
           Case{kFormType, "a=\\u005Bredacted]"},
       }) {
    for (const std::size_t piece : {1UL, 2UL, 3UL, 1000UL}) {
      INFO(one.body << " in pieces of " << piece);
      CHECK_FALSE(comes_back(one.type, one.body, piece));
    }
  }
}

TEST_CASE("a mask is found in a path, in parameters and in fields") {
  const auto in_target = [](std::string_view text) {
    const auto target = read_request_target(text);
    REQUIRE(target);
    return carries_mask(*target);
  };
  CHECK(in_target("/people/%5Bredacted%5D/x"));
  CHECK(in_target("/people/****1.b2"));
  CHECK(in_target("/?a=%5Bredacted%5D"));
  CHECK(in_target("/?%5Bredacted%5D"));
  CHECK(in_target("/?a=[redacted]"));
  CHECK_FALSE(in_target("/people/redacted?a=1"));
  CHECK(carries_mask(http::Headers{{"X-A", "1"}, {"X-B", "a***@b.example"}}));
  CHECK_FALSE(carries_mask(http::Headers{{"Accept", "*/*"}}));
}

}  // namespace
}  // namespace hoop::http_target
