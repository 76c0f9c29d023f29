// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/origin_rewriter.h"

#include "tests/support/catch.h"

namespace hoop::http_target {
namespace {

std::string led_back_page(std::string_view page, std::size_t piece) {
  OriginRewriter rewriter("https://api.example", "http://127.0.0.1:40123");
  Bytes out;
  for (; !page.empty(); page.remove_prefix(std::min(piece, page.size())))
    rewriter.take(as_bytes(page.substr(0, piece)), out);
  rewriter.finish(out);
  return std::string(as_text(out));
}

TEST_CASE("links of a page that name the target lead to the endpoint, however it is cut") {
  struct Case {
    const char *page, *led;
  };
  for (const Case& one : {
           Case{"", ""},
           Case{"no link", "no link"},
           Case{"https://api.example", "http://127.0.0.1:40123"},
           Case{"<a href=\"https://api.example/a\">https://api.example</a>",
                "<a href=\"http://127.0.0.1:40123/a\">http://127.0.0.1:40123</a>"},
           Case{"https://api.example.org/ https://api.example/",
                "https://api.example.org/ http://127.0.0.1:40123/"},
           Case{"https://api.example:8443/", "https://api.example:8443/"},
           Case{"https://api.example@evil/", "https://api.example@evil/"},
           Case{"https://api.example-cdn/", "https://api.example-cdn/"},
           Case{"https://https://api.example/", "https://http://127.0.0.1:40123/"},
           Case{"https://api.exampl", "https://api.exampl"},
           Case{"https://api.examplehttps://api.example?",
                "https://api.examplehttp://127.0.0.1:40123?"},
       }) {
    for (std::size_t piece = 1; piece < 70; ++piece) {
      INFO(one.page << " in pieces of " << piece);
      CHECK(led_back_page(one.page, piece) == one.led);
    }
  }
}

TEST_CASE("a page is held back by no more than the origin's length") {
  OriginRewriter rewriter("https://api.example", "x");
  Bytes out;
  const std::string page(1000, 'h');
  rewriter.take(as_bytes(page), out);
  CHECK(out.size() >= page.size() - 19);
  rewriter.finish(out);
  CHECK(as_text(out) == page);
}

}  // namespace
}  // namespace hoop::http_target
