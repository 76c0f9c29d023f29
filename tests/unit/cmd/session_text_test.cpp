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
