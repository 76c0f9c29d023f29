// SPDX-License-Identifier: Apache-2.0
#include "core/access/http_names.h"

#include <string>

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::access;

TEST_CASE("http names: a credential stands in no header that frames, routes or encodes") {
  for (const char* good : {"X-Api-Key", "Authorization", "Cookie", "x_api_key", "api.key"}) {
    INFO(good);
    CHECK(is_credential_header(good));
  }
  for (const char* bad : {"",
                          "X Key",
                          "X:Key",
                          "Host",
                          "host",
                          "Content-Length",
                          "content_length",
                          "Transfer-Encoding",
                          "TRANSFER_ENCODING",
                          "Connection",
                          "Keep-Alive",
                          "Upgrade",
                          "TE",
                          "Trailer",
                          "Expect",
                          "Proxy-Authorization",
                          "proxy_connection",
                          "Sec-WebSocket-Key",
                          "Content-Type",
                          "Accept-Encoding",
                          "X-\xc3\xa4"}) {
    INFO(bad);
    CHECK_FALSE(is_credential_header(bad));
  }
  CHECK_FALSE(is_credential_header(std::string(129, 'x')));
}

TEST_CASE("http names: a value is one line of text") {
  for (const char* good : {"k", "two words", "gr\xc3\xbc\xc3\x9f"}) CHECK(is_http_value(good));
  for (const char* bad : {"", " k", "k ", "a\nb", "a\rb", "a\tb", "a\x7f", "\xff"}) {
    INFO(bad);
    CHECK_FALSE(is_http_value(bad));
  }
  CHECK_FALSE(is_http_value(std::string("a\0b", 3)));
}

TEST_CASE("http names: a base path is read alike by everyone") {
  for (const char* good : {"", "/api", "/api/v1.2", "/a-b_c~d/e:f@g", "/..."}) {
    INFO(good);
    CHECK(is_base_path(good));
  }
  for (const char* bad : {"/", "api", "/api/", "//api", "/a//b", "/.", "/a/..", "/a/./b", "/a%20b",
                          "/a?b", "/a#b", "/a;b", "/a b", "/$(id)", "/a\\b", "/\xc3\xa4"}) {
    INFO(bad);
    CHECK_FALSE(is_base_path(bad));
  }
  CHECK_FALSE(is_base_path("/" + std::string(512, 'a')));
}

TEST_CASE("http names: a URL is put into no variable by which programs run otherwise") {
  for (const char* good : {"BILLING_URL", "_X", "API2", "PATHS", "HOMES", "SERVICE_HTTP_PROXY"}) {
    INFO(good);
    CHECK(is_url_variable(good));
  }
  for (const char* bad : {"",
                          "billing_url",
                          "2API",
                          "A-B",
                          "A=B",
                          "PATH",
                          "HOME",
                          "SHELL",
                          "IFS",
                          "ENV",
                          "BASH_ENV",
                          "LD_PRELOAD",
                          "DYLD_INSERT_LIBRARIES",
                          "PYTHONPATH",
                          "NODE_OPTIONS",
                          "PERL5LIB",
                          "RUBYOPT",
                          "GIT_SSH_COMMAND",
                          "SSH_AUTH_SOCK",
                          "PGHOST",
                          "HOOPCTL_URL",
                          "HTTP_PROXY",
                          "HTTPS_PROXY",
                          "ALL_PROXY",
                          "NO_PROXY"}) {
    INFO(bad);
    CHECK_FALSE(is_url_variable(bad));
  }
}

TEST_CASE("http names: media types, and all of one kind, but not all") {
  for (const char* good : {"image/png", "image/*", "application/vnd.api+json"}) {
    INFO(good);
    CHECK(is_media_range(good));
  }
  for (const char* bad : {"", "image", "image/", "/png", "*/*", "*/png", "image/p*", "Image/png",
                          "image/png; q=1", "a/b/c"}) {
    INFO(bad);
    CHECK_FALSE(is_media_range(bad));
  }
}
