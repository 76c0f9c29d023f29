// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/reply_fields.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

std::string returned(const http::Headers& fields, bool has_credential = false,
                     bool is_rewritten = false) {
  std::string out;
  const ReturnRules rules{"https://api.example:8443", "http://127.0.0.1:40123", has_credential,
                          is_rewritten};
  for (const auto& field : returned_fields(fields, rules))
    out += field.name + ": " + field.value + "\n";
  return out;
}

TEST_CASE("a cookie is kept for the endpoint: without a domain, and without TLS") {
  struct Case {
    const char *set, *kept;
  };
  for (const Case& one : {
           Case{"a=1", "a=1"},
           Case{"a=1; Domain=api.example; Path=/; Secure; HttpOnly", "a=1; Path=/; HttpOnly"},
           Case{"a=1;domain=x;SECURE;Partitioned;path=/a", "a=1; path=/a"},
           Case{"a=1; SameSite=None; Secure", "a=1"},
           Case{"a=1; SameSite=Lax", "a=1; SameSite=Lax"},
           Case{"a=1; SameSite=Strict; Max-Age=3", "a=1; SameSite=Strict; Max-Age=3"},
           Case{"a=secure; domain", "a=secure"},
           Case{"domain=x", "domain=x"},
           Case{"a=1;; ;", "a=1"},
           Case{"", ""},
           Case{";", ""},
           Case{"a=\"b;Secure\"; Path=/", "a=\"b; Secure\"; Path=/"},
       }) {
    INFO(one.set);
    CHECK(local_cookie(one.set) == one.kept);
    CHECK(local_cookie(one.kept) == one.kept);
  }
}

TEST_CASE("URLs of the target lead to the endpoint, and no others do") {
  struct Case {
    const char *sent, *got;
  };
  for (const Case& one : {
           Case{"https://api.example:8443/a", "http://127.0.0.1:40123/a"},
           Case{"https://api.example:8443", "http://127.0.0.1:40123"},
           Case{"https://api.example:8443?a", "http://127.0.0.1:40123?a"},
           Case{"https://api.example:84430/a", "https://api.example:84430/a"},
           Case{"https://api.example/a", "https://api.example/a"},
           Case{"https://api.example:8443.evil.example/", "https://api.example:8443.evil.example/"},
           Case{"https://api.example:8443@evil.example/", "https://api.example:8443@evil.example/"},
           Case{"http://api.example:8443/a", "http://api.example:8443/a"},
           Case{"//api.example:8443/a", "http://127.0.0.1:40123/a"},
           Case{"//api.example:84431/a", "//api.example:84431/a"},
           Case{"/a", "/a"},
           Case{"/a?next=https://api.example:8443/b", "/a?next=http://127.0.0.1:40123/b"},
       }) {
    INFO(one.sent);
    CHECK(returned({{"Location", one.sent}}) == "Location: " + std::string(one.got) + "\n");
  }
  CHECK(returned({{"Link", "<https://api.example:8443/?p=2>; rel=next, <https://cdn.example>"}}) ==
        "Link: <http://127.0.0.1:40123/?p=2>; rel=next, <https://cdn.example>\n");
  CHECK(returned({{"Refresh", "3; url=https://api.example:8443/a"}}) ==
        "Refresh: 3; url=http://127.0.0.1:40123/a\n");
  CHECK(returned({{"X-Note", "https://api.example:8443/a"}}) ==
        "X-Note: https://api.example:8443/a\n");
}

TEST_CASE("fields of the connection and of other origins do not come back") {
  CHECK(returned({{"Connection", "x-hop"},
                  {"X-Hop", "1"},
                  {"Keep-Alive", "1"},
                  {"Transfer-Encoding", "chunked"},
                  {"Content-Length", "1"},
                  {"Trailer", "x"},
                  {"Upgrade", "h2c"},
                  {"Alt-Svc", "h3=1"},
                  {"Strict-Transport-Security", "1"},
                  {"Access-Control-Allow-Origin", "*"},
                  {"X-Hoopctl-Session", "s"},
                  {"Content-Type", "a/b"}}) == "Content-Type: a/b\n");
}

TEST_CASE("what the target says of logins is for the program only where it logs in itself") {
  const http::Headers fields{{"WWW-Authenticate", "Basic"}, {"Authentication-Info", "x"}};
  CHECK(returned(fields) == "WWW-Authenticate: Basic\nAuthentication-Info: x\n");
  CHECK(returned(fields, true).empty());
}

TEST_CASE("nothing vouches for bytes that have been changed") {
  const http::Headers fields{{"ETag", "x"},         {"Digest", "x"},
                             {"Content-MD5", "x"},  {"Accept-Ranges", "bytes"},
                             {"Content-Range", ""}, {"x-amz-checksum-crc32", "x"}};
  CHECK(returned(fields, false, true).empty());
  CHECK(returned(fields).find("ETag: x") == 0);
}

}  // namespace
}  // namespace hoop::http_target
