// SPDX-License-Identifier: Apache-2.0
#include "cmd/asciicast.h"

#include "tests/support/catch.h"

namespace hoop::cmd {
namespace {

using Kind = TerminalMoment::Kind;

record::Record json_record(record::RecordType type, std::string_view json) {
  return {type, 1, to_bytes(json)};
}

record::Record output(std::uint64_t action, std::uint32_t after, std::string_view text) {
  Bytes payload;
  ByteWriter writer(payload);
  writer.u64(action);
  writer.u32(after);
  writer.u8(1);
  writer.text(text);
  return {record::RecordType::output, 1, std::move(payload)};
}

/// Two programs with a terminal, one without.
std::vector<TerminalMoment> moments(std::optional<std::uint64_t> wanted, bool& found) {
  std::vector<TerminalMoment> out;
  TerminalReader reader(wanted, [&](const TerminalMoment& moment) { out.push_back(moment); });
  using record::RecordType;
  reader.read(json_record(RecordType::session_start, R"({"target":"web-1"})"));
  reader.read(json_record(RecordType::action,
                          R"({"id":1,"text":"uptime","at":"2026-12-01T10:00:00.000Z"})"));
  reader.read(output(1, 5, "up"));
  for (const std::string id : {"2", "3"}) {
    reader.read(
        json_record(RecordType::action,
                    R"({"id":)" + id + R"(,"text":"top","at":"2026-12-01T10:00:01.000Z"})"));
    reader.read(
        json_record(RecordType::note, R"({"event":"terminal","action":")" + id +
                                          R"(","kind":"xterm","columns":"97","rows":"0"})"));
  }
  reader.read(output(2, 10, "two"));
  reader.read(output(3, 20, "three"));
  reader.read(json_record(
      RecordType::note,
      R"({"event":"resized","action":"3","milliseconds":"25","columns":"60","rows":"99999999999"})"));
  reader.read(output(2, 2500, "end"));
  found = reader.found();
  return out;
}

}  // namespace

TEST_CASE("terminals: the first of a session, or the one that is named") {
  bool found = false;
  const auto first = moments({}, found);
  REQUIRE(found);
  REQUIRE(first.size() == 3);
  CHECK(first[0].kind == Kind::begun);
  CHECK(first[0].columns == 97);
  CHECK(first[0].rows == 24);  // of which nothing is known
  CHECK(first[0].title == "web-1: top");
  CHECK(first[0].at == SystemTime(std::chrono::seconds(1796119201)));
  CHECK(first[1].data == "two");
  CHECK(first[2].after == std::chrono::milliseconds(2500));
  const auto third = moments(3, found);
  REQUIRE(found);
  REQUIRE(third.size() == 3);
  CHECK(third[2].kind == Kind::resized);
  CHECK(third[2].columns == 60);
  CHECK(moments(1, found).empty());
  CHECK_FALSE(found);
}

TEST_CASE("asciicast: lines of JSON in ASCII, and whole characters") {
  Asciicast cast;
  TerminalMoment begun;
  begun.kind = Kind::begun;
  begun.columns = 80;
  begun.rows = 24;
  begun.term = "xterm";
  begun.title = "a\"b\x1b]0;x\x07";
  begun.at = SystemTime(std::chrono::seconds(10));
  CHECK(
      cast.line(begun) ==
      R"({"version":2,"width":80,"height":24,"timestamp":10,"title":"a\"b\u001b]0;x\u0007","env":{"TERM":"xterm"}})");
  const auto shown = [&cast](std::string_view data, int after) {
    TerminalMoment moment;
    moment.data = data;
    moment.after = std::chrono::milliseconds(after);
    return cast.line(moment);
  };
  CHECK(shown("\x1b[1m", 1005) == R"([1.005,"o","\u001b[1m"])");
  CHECK(shown("a\xe2\x94", 1) == R"([0.001,"o","a"])");
  CHECK(shown("\x80z", 2) == R"([0.002,"o","\u2500z"])");
  CHECK(shown("\xf0\x9f", 3).empty());
  CHECK(shown("\x99\x82", 4) == R"([0.004,"o","\ud83d\ude42"])");
  CHECK(shown("\xff\x1b]52;c;eA==\x07.", 5) == R"([0.005,"o","."])");
  TerminalMoment resized;
  resized.kind = Kind::resized;
  resized.columns = 60;
  resized.rows = 20;
  CHECK(cast.line(resized) == R"([0.000,"r","60x20"])");
}

}  // namespace hoop::cmd
