// SPDX-License-Identifier: Apache-2.0
// What a log's records become: whoever wrote the log, a line stays a line, and no terminal obeys
// it.
#include "cmd/session_text.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::cmd;

namespace {

record::Record an_action(std::string_view json) {
  return {record::RecordType::action, 7, to_bytes(json)};
}

}  // namespace

TEST_CASE("a record is one line of ASCII that says the same") {
  CHECK(
      json_line(an_action(R"({"id":1,"text":"select 'a'","rows":9223372036854775807})")) ==
      R"({"number":7,"type":"action","record":{"id":1,"text":"select 'a'","rows":9223372036854775807}})");
  // Spaces of another writer's would make lines of their own.
  CHECK(json_line(an_action("{\n \"id\" :\t1\r\n}")) ==
        R"({"number":7,"type":"action","record":{"id":1}})");
  // CSI of C1, DEL, a bidirectional control, and a tag character beyond 16 bits.
  CHECK(json_line(an_action("{\"text\":\"a\xc2\x9b[31m\x7f\xe2\x80\xae\xf3\xa0\x81\x81\"}")) ==
        R"({"number":7,"type":"action","record":{"text":"a\u009b[31m\u007f\u202e\udb40\udc41"}})");
  for (const char* bad :
       {"", "{", "[1]", "{\"a\":1} {\"b\":2}", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}"})
    CHECK(json_line(an_action(bad)) == R"({"number":7,"type":"action","record":null})");
}

TEST_CASE("a record for people holds nothing that a terminal obeys") {
  SessionText text(SessionText::Rows::shown);
  const auto lines = text.lines(an_action(
      "{\"id\":1,\"verb\":\"select\",\"effect\":\"allow\",\"rule\":\"r\\u001b[2J\",\"text\":"
      "\"\\u001b]0;x\\u0007\",\"at\":\"2026-11-28T14:00:00.000Z\"}"));
  REQUIRE_FALSE(lines.empty());
  for (const std::string& line : lines) CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("of a service or a cluster the bodies of replies are shown, as far as they are text") {
  const auto start = [](std::string_view protocol) {
    return record::Record{
        record::RecordType::session_start, 0,
        to_bytes(std::string(R"({"target":"t","subject":"me","role":"r","protocol":")") +
                 std::string(protocol) + R"("})")};
  };
  const auto piece = [](std::uint8_t action, std::string_view body) {
    Bytes payload{0, 0, 0, 0, 0, 0, 0, action};
    payload.insert(payload.end(), body.begin(), body.end());
    return record::Record{record::RecordType::reply_data, 8, std::move(payload)};
  };
  const auto end = [](std::string_view action) {
    return record::Record{record::RecordType::reply_end, 9,
                          to_bytes(R"({"action":)" + std::string(action) +
                                   R"(,"status":"200","rows":1,"bytes":20,"masked_values":0})")};
  };
  SessionText text(SessionText::Rows::shown);
  const auto lines_of = [&text](const record::Record& record) { return text.lines(record); };
  CHECK(lines_of(start("http")).size() == 1);
  CHECK(lines_of(piece(1, "{\"a\":1}\n{\"b\"")) ==
        std::vector<std::string>{"              | {\"a\":1}"});
  CHECK(lines_of(piece(2, std::string_view("\0\1", 2))).empty());
  CHECK(lines_of(piece(1, ":\x1b}")).empty());
  auto ended = lines_of(end("1"));
  REQUIRE(ended.size() == 2);
  CHECK(ended[0] == "              | {\"b\":\\u001b}");
  CHECK(ended[1].find("#1 200: 1 rows, 20 bytes") != std::string::npos);
  ended = lines_of(end("2"));
  REQUIRE(ended.size() == 2);
  CHECK(ended[0] == "              | [2 bytes]");
  SessionText cluster(SessionText::Rows::shown);
  CHECK(cluster.lines(start("kubernetes")).size() == 1);
  CHECK(cluster.lines(piece(1, "{\"kind\":\"Pod\"}\n")) ==
        std::vector<std::string>{"              | {\"kind\":\"Pod\"}"});
  SessionText hidden(SessionText::Rows::hidden);
  CHECK(hidden.lines(start("http")).size() == 1);
  CHECK(hidden.lines(piece(1, "secret\n")).empty());
  CHECK(hidden.lines(end("1")).size() == 1);
}
