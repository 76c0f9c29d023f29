// SPDX-License-Identifier: Apache-2.0
#include "core/http/message_writer.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::http;

TEST_CASE("a head is written in order, framed by the framing alone") {
  const Request request{
      "POST",
      "/a?b",
      {{"Host", "x"}, {"content-length", "99"}, {"X", ""}, {"Transfer-Encoding", "gzip"}},
      ""};
  CHECK(write_request_head(request, {Framing::Kind::length, 3}) ==
        "POST /a?b HTTP/1.1\r\nHost: x\r\nX: \r\nContent-Length: 3\r\n\r\n");
  CHECK(write_request_head(request, {Framing::Kind::chunked, 0}) ==
        "POST /a?b HTTP/1.1\r\nHost: x\r\nX: \r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(write_response_head({404, {}, ""}, {}) == "HTTP/1.1 404 Not Found\r\n\r\n");
  CHECK(chunk_head(255) == "ff\r\n");
}

TEST_CASE("nothing that would split a message is written") {
  for (const std::string value : {"a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\x7f", "\x1b[2J"}) {
    CAPTURE(value);
    Response response;
    response.headers.add("Location", value);
    const auto written = write_response_head(response, {});
    REQUIRE_FALSE(written);
    CHECK(written.error().code == ErrorCode::internal);
  }
  CHECK_FALSE(write_response_head({200, {{"X", std::string("a\0b", 3)}}, ""}, {}));
  for (const std::string name : {"", "A B", "A:", "A\r\nB", "\xc3\xa9"})
    CHECK_FALSE(write_response_head({200, {{name, "x"}}, ""}, {}));
  for (const std::string target : {"", "a", "/a b", "/a\r\nX: 1", "*x", "/a#b"})
    CHECK_FALSE(write_request_head({"GET", target, {}, ""}, {}));
  CHECK_FALSE(write_request_head({"GE T", "/", {}, ""}, {}));
  CHECK_FALSE(write_response_head({99, {}, ""}, {}));
  CHECK(write_request_head({"CONNECT", "a:443", {}, ""}, {}));
  CHECK_FALSE(write_request_head({"CONNECT", "/", {}, ""}, {}));
}
