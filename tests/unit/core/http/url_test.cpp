// SPDX-License-Identifier: Apache-2.0
#include "core/http/url.h"

#include "core/http/form.h"
#include "core/http/message.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::http;

TEST_CASE("URLs are taken apart") {
  const auto url = parse_url("HTTPS://Gw.Example:8443/a/b%20c?x=1&y=[]");
  REQUIRE(url);
  CHECK(url->host == "gw.example");
  CHECK(url->port == 8443);
  CHECK(url->text() == "https://gw.example:8443/a/b%20c?x=1&y=[]");
  CHECK(url->path() == "/a/b%20c");
  CHECK(url->at("/other").text() == "https://gw.example:8443/other");
  CHECK(parse_url("https://a")->text() == "https://a/");
  CHECK(parse_url("https://a:443/")->authority() == "a");
  CHECK(parse_url("http://a:443/")->authority() == "a:443");
  CHECK(parse_url("https://a?x")->target == "/?x");
  CHECK(parse_url("https://[::1]:8443/")->host == "::1");
  CHECK(parse_url("https://[0:0::1]:8443/")->origin() == "https://[::1]:8443");
}

TEST_CASE("URLs that could lead elsewhere are refused") {
  for (const std::string text : {"",
                                 "a",
                                 "a.example/x",
                                 "//a/",
                                 "https:/a",
                                 "https://",
                                 "https:///x",
                                 "https://u@a/",
                                 "https://u:p@a/",
                                 "https://a/#f",
                                 "https://a#f",
                                 "https://a b/",
                                 "https://a/ b",
                                 "https://a/\r\nX: 1",
                                 "https://a:0/",
                                 "https://a:65536/",
                                 "https://a:/",
                                 "https://a:8a/",
                                 "https://a:+1/",
                                 "https://[::1",
                                 "https://[::1%25lo]/",
                                 "https://[1.2.3.4]/",
                                 "https://[::1]x/",
                                 "https://a..b/",
                                 "https://.a/",
                                 "https://a%2e/",
                                 "https://a\\b/",
                                 "https://a/\\b",
                                 "https://a/%",
                                 "https://a/%2",
                                 "https://a/%gg",
                                 "https://\xc3\xa9/",
                                 "https://a/\xc3\xa9",
                                 "https://a,b/",
                                 "https://a;b/"}) {
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url);
    CHECK(url.error().code == ErrorCode::malformed);
  }
  CHECK(parse_url("ftp://a/").error().code == ErrorCode::unsupported);
  CHECK_FALSE(parse_url("https://a/" + std::string(9000, 'x')));
}

TEST_CASE("loopback is told from the rest") {
  for (const std::string text : {"http://localhost/", "http://x.localhost/", "http://127.0.0.1/",
                                 "http://127.9.9.9/", "http://[::1]/"})
    CHECK(parse_url(text)->is_loopback());
  for (const std::string text :
       {"http://localhost.example/", "http://notlocalhost/", "http://128.0.0.1/",
        "http://127.0.0.1.example/", "http://[::2]/", "http://0x7f000001/"}) {
    CHECK_FALSE(parse_url(text)->is_loopback());
  }
}

TEST_CASE("forms are read strictly and written back") {
  const auto form = Form::parse("a=1&b=x+y%26z&c&d=%C3%A9&");
  REQUIRE(form);
  CHECK(form->find("b") == "x y&z");
  CHECK(form->find("c") == "");
  CHECK_FALSE(form->find("e"));
  CHECK(form->encode() == "a=1&b=x%20y%26z&c=&d=%C3%A9");
  for (const std::string text :
       {"a=%", "a=%4", "a=%zz", "a=%00", "a=%ff", "a=1&a=2", "%61=1&a=2"}) {
    CAPTURE(text);
    CHECK(Form::parse(text).error().code == ErrorCode::malformed);
  }
  std::string many;
  for (int i = 0; i < 101; ++i) many += std::to_string(i) + "=&";
  CHECK(Form::parse(many).error().code == ErrorCode::too_large);
  CHECK(percent_decode(percent_encode("\x01 /é%")) == "\x01 /é%");
}

TEST_CASE("headers are found without case, and decided on only when single") {
  Headers headers{{"A", "1"}, {"a", "2"}, {"B", "x , Close"}};
  CHECK(headers.find("a") == "1");
  CHECK_FALSE(headers.only("A"));
  CHECK(headers.only("b") == "x , Close");
  CHECK(headers.lists("b", "close"));
  CHECK_FALSE(headers.lists("b", "clos"));
  headers.set("A", "3");
  CHECK(headers == Headers{{"B", "x , Close"}, {"A", "3"}});
}

TEST_CASE("a problem is JSON whatever the detail holds") {
  const auto response = problem_response(403, "denied", "no \"x\"\n\xff");
  CHECK(response.headers.find("content-type") == "application/problem+json");
  CHECK(response.body ==
        "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"detail\":\"no "
        "\\\"x\\\"\\n\xEF\xBF\xBD\",\"code\":\"denied\"}");
}
