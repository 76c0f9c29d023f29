// SPDX-License-Identifier: Apache-2.0
#include "core/http/message_reader.h"

#include <fstream>

#include "tests/support/catch.h"
#include "tests/support/http_trace.h"

using namespace hoop;
using namespace hoop::http;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::uint64_t kMaxBody = 1024;

struct Case {
  int line = 0;
  std::string kind;
  std::string verdict;
  std::string words;
  std::string message;
};

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    if (next == 'r') out += '\r';
    if (next == 'n') out += '\n';
    if (next == 't') out += '\t';
    if (next == '0') out += '\0';
    if (next == '\\') out += '\\';
    if (next == 'x') {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

std::vector<Case> table() {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/http/ambiguous.txt");
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    Case made{number, {}, {}, {}, {}};
    std::string* fields[] = {&made.kind, &made.verdict, &made.words};
    for (auto* field : fields) {
      const auto bar = line.find(" | ");
      REQUIRE(bar != std::string::npos);
      *field = line.substr(0, bar);
      line.erase(0, bar + 3);
    }
    made.message = unescape(line);
    cases.push_back(std::move(made));
  }
  return cases;
}

test::Trace<RequestReader> read_request(RequestReader& reader, std::string_view bytes,
                                        std::size_t first, std::size_t piece) {
  return test::Trace<RequestReader>::of(reader, bytes, first, piece);
}

std::string request_trace(std::string_view bytes, std::size_t first, std::size_t piece) {
  RequestReader reader(kMaxBody);
  const auto trace = read_request(reader, bytes, first, piece);
  return trace.text() + (trace.failure ? std::to_string(reader.refusal_status()) : "");
}

std::string response_trace(const std::string& method, std::string_view bytes, std::size_t first,
                           std::size_t piece) {
  ResponseReader reader(method, kMaxBody);
  return test::Trace<ResponseReader>::of(reader, bytes, first, piece).text();
}

void check_request(const Case& one) {
  RequestReader reader(kMaxBody);
  const auto trace = read_request(reader, one.message, one.message.size(), one.message.size());
  if (one.verdict == "accepted") {
    if (trace.failure) FAIL(trace.failure->message);
    CHECK(trace.done);
    CHECK(reader.head().target + (trace.body.empty() ? "" : " " + trace.body) == one.words);
    CHECK(trace.rest.empty());
    return;
  }
  REQUIRE(trace.failure);
  CHECK_THAT(trace.failure->message, ContainsSubstring(one.words));
  CHECK(std::to_string(reader.refusal_status()) == one.verdict);
}

void check_response(const Case& one, const std::string& method) {
  ResponseReader reader(method, kMaxBody);
  auto trace =
      test::Trace<ResponseReader>::of(reader, one.message, one.message.size(), one.message.size());
  if (one.verdict == "accepted") {
    if (trace.failure) FAIL(trace.failure->message);
    CHECK(reader.end_of_input());
    CHECK(std::to_string(reader.head().status) + (trace.body.empty() ? "" : " " + trace.body) ==
          one.words);
    return;
  }
  REQUIRE(trace.failure);
  CHECK_THAT(trace.failure->message, ContainsSubstring(one.words));
  CHECK(to_string(trace.failure->code) == one.verdict);
}

}  // namespace

TEST_CASE(
    "each ambiguous message of the table is refused as it says, and its neighbours are accepted") {
  const auto cases = table();
  CHECK(cases.size() >= 150);
  for (const auto& one : cases) {
    CAPTURE(one.line, one.message);
    if (one.kind == "request") {
      check_request(one);
    } else {
      REQUIRE(one.kind.starts_with("response:"));
      check_response(one, one.kind.substr(9));
    }
  }
}

TEST_CASE("each message reads the same cut in two at every offset, and byte by byte") {
  for (const auto& one : table()) {
    CAPTURE(one.line, one.message);
    const auto method = one.kind == "request" ? std::string() : one.kind.substr(9);
    const auto trace = [&](std::size_t first, std::size_t piece) {
      return one.kind == "request" ? request_trace(one.message, first, piece)
                                   : response_trace(method, one.message, first, piece);
    };
    const auto whole = trace(one.message.size(), one.message.size());
    CHECK(trace(1, 1) == whole);
    for (std::size_t cut = 1; cut < one.message.size(); ++cut) {
      if (trace(cut, one.message.size()) != whole) FAIL("differs when cut at " << cut);
    }
  }
}

TEST_CASE("pipelined requests come one after another and nothing is lost between them") {
  const std::string bytes =
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\nrest";
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    RequestReader reader(kMaxBody);
    auto left = std::string_view(bytes);
    std::string seen;
    for (int i = 0; i < 3; ++i) {
      CHECK_FALSE(reader.started());
      const auto trace = read_request(reader, left, cut, left.size());
      REQUIRE(trace.done);
      seen += reader.head().target + trace.body;
      CHECK(reader.keeps_alive() == (i < 2));
      left = left.substr(left.size() - trace.rest.size());
      reader.restart();
    }
    CHECK(seen == "/1abc/2de/3");
    CHECK(left == "rest");
  }
}

TEST_CASE("caps: head, header count, target, chunk line, extensions, trailers") {
  const auto refused = [](const std::string& bytes, int status) {
    RequestReader whole(1 << 20);
    RequestReader bytewise(1 << 20);
    const auto at_once = read_request(whole, bytes, bytes.size(), bytes.size());
    const auto one_by_one = read_request(bytewise, bytes, 1, 1);
    REQUIRE(at_once.failure);
    CHECK(at_once.failure->code == ErrorCode::too_large);
    CHECK(whole.refusal_status() == status);
    CHECK(at_once.text() == one_by_one.text());
    CHECK(bytewise.refusal_status() == status);
  };
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  refused("GET /" + std::string(8 * 1024, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414);
  refused("GET /" + std::string(70 * 1024, 'a'), 414);
  refused(head + "X: " + std::string(64 * 1024, 'a') + "\r\n\r\n", 431);
  std::string many = head;
  for (int i = 0; i < 128; ++i) many += "X: 1\r\n";
  refused(many + "\r\n", 431);
  std::string large = head;
  for (int i = 0; i < 100; ++i) large += "X: " + std::string(1000, 'a') + "\r\n";
  refused(large, 431);
  refused(chunked + "5;" + std::string(300, 'a') + "\r\nhello\r\n", 413);
  std::string extensions = chunked;
  for (int i = 0; i < 100; ++i) extensions += "1;" + std::string(200, 'a') + "\r\nx\r\n";
  refused(extensions, 413);
  std::string trailers = chunked + "0\r\n";
  for (int i = 0; i < 33; ++i) trailers += "X: 1\r\n";
  refused(trailers + "\r\n", 413);
  refused(chunked + "0\r\nX: " + std::string(9000, 'a'), 413);
  std::string chunks = chunked;
  for (int i = 0; i < 1025; ++i) chunks += "400\r\n" + std::string(1024, 'x') + "\r\n";
  refused(chunks, 413);
}

TEST_CASE("as many headers and as long a target as the caps allow are accepted") {
  std::string many = "GET /" + std::string(8 * 1024 - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 127; ++i) many += "X: 1\r\n";
  RequestReader reader(0);
  CHECK(read_request(reader, many + "\r\n", 1000, 1000).done);
}

TEST_CASE("a failed reader stays failed") {
  RequestReader reader(kMaxBody);
  auto bad = as_bytes("GET\r\n");
  REQUIRE_FALSE(reader.next(bad));
  auto good = as_bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_FALSE(reader.next(good));
}

TEST_CASE("trailers are kept apart from the head") {
  RequestReader reader(kMaxBody);
  const std::string bytes =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 9\r\n\r\n";
  REQUIRE(read_request(reader, bytes, 3, 3).done);
  CHECK(reader.trailers() == Headers{{"X-Sum", "9"}});
  CHECK_FALSE(reader.head().headers.find("x-sum"));
}

TEST_CASE("expect and connection are understood") {
  const auto read = [](const std::string& line, const std::string& version) {
    RequestReader reader(kMaxBody);
    const auto bytes = "GET / HTTP/" + version + "\r\nHost: a\r\n" + line + "\r\n\r\n";
    REQUIRE(read_request(reader, bytes, 7, 7).done);
    return std::pair(reader.keeps_alive(), reader.expects_continue());
  };
  CHECK(read("Expect: 100-Continue", "1.1") == std::pair(true, true));
  CHECK(read("Expect: 100-continue", "1.0") == std::pair(false, false));
  CHECK(read("Connection: CLOSE", "1.1") == std::pair(false, false));
  CHECK(read("Connection: keep-alive", "1.1") == std::pair(true, false));
  CHECK(read("Connection: keep-alive", "1.0") == std::pair(false, false));
}

TEST_CASE("a response that is cut off is malformed at every offset but the last") {
  for (const std::string bytes :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"}) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      ResponseReader reader("GET", kMaxBody);
      test::Trace<ResponseReader>::of(reader, std::string_view(bytes).substr(0, cut), bytes.size(),
                                      bytes.size());
      CHECK(reader.end_of_input().has_value() == (cut == bytes.size()));
    }
  }
}

TEST_CASE("a body until the end of the connection is capped and not kept alive") {
  ResponseReader reader("GET", 4);
  const auto trace =
      test::Trace<ResponseReader>::of(reader, "HTTP/1.1 200 OK\r\n\r\nhello", 100, 100);
  CHECK(trace.body == "hell");
  REQUIRE(trace.failure);
  CHECK(trace.failure->code == ErrorCode::too_large);
  CHECK_FALSE(reader.keeps_alive());
}

TEST_CASE("after 101 the bytes of the other protocol are left") {
  ResponseReader reader("GET", kMaxBody);
  const auto trace = test::Trace<ResponseReader>::of(
      reader, "HTTP/1.1 101 S\r\nUpgrade: hoop\r\n\r\n\x01\x02", 100, 100);
  CHECK(trace.done);
  CHECK(trace.rest == "\x01\x02");
}
