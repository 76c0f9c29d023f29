// SPDX-License-Identifier: Apache-2.0
// What people see of a recorded reply: rows and COPY data, whatever pieces they were recorded in.
#include "protocols/postgres/recorded_reply.h"

#include "protocols/postgres/message_writer.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

using TextLines = std::vector<std::string>;

Bytes recorded_row(const std::vector<std::optional<std::string>>& values) {
  Bytes body;
  ByteWriter writer(body);
  writer.u16(static_cast<std::uint16_t>(values.size()));
  for (const auto& value : values) {
    writer.u32(value ? static_cast<std::uint32_t>(value->size()) : 0xffffffffU);
    if (value) writer.text(*value);
  }
  Bytes out;
  ByteWriter frame(out);
  frame.u8('D');
  frame.u32(static_cast<std::uint32_t>(body.size() + 4));
  frame.bytes(body);
  return out;
}

Bytes copied(std::string_view text) {
  Bytes out;
  ByteWriter frame(out);
  frame.u8('d');
  frame.u32(static_cast<std::uint32_t>(text.size() + 4));
  frame.text(text);
  return out;
}

std::vector<std::string> lines_of(RecordedReply& reply, ByteSpan bytes) {
  std::vector<std::string> out;
  reply.feed(bytes, [&out](std::string line) { out.push_back(std::move(line)); });
  return out;
}

}  // namespace

TEST_CASE("recorded reply: rows and COPY data become lines") {
  RecordedReply reply;
  CHECK(lines_of(reply, recorded_row({"7", std::nullopt, "", "c***@example.org"})) ==
        TextLines{"7 | NULL |  | c***@example.org"});
  CHECK(lines_of(reply, recorded_row({})) == TextLines{""});
  CHECK(lines_of(reply, copied("1\tshipped\n")) == TextLines{"1\\u0009shipped"});
  CHECK_FALSE(reply.was_cut());
}

TEST_CASE("recorded reply: what is no text is shown in hexadecimal, and no terminal obeys a line") {
  RecordedReply reply;
  CHECK(lines_of(reply, recorded_row({std::string("\x00\x0a\xff", 3)})) == TextLines{"\\x000aff"});
  CHECK(lines_of(reply, recorded_row({std::string("a\0b", 3)})) == TextLines{"\\x610062"});
  CHECK(lines_of(reply, recorded_row({"a\x1b[31mb\r\n\xe2\x80\xae"})) ==
        TextLines{"a\\u001b[31mb\\u000d\\u000a\\u202e"});
}

TEST_CASE("recorded reply: cut anywhere it is the same, and an end in the middle is told") {
  Bytes all;
  for (int i = 0; i < 5; ++i) {
    const Bytes one = recorded_row({std::to_string(i), "value " + std::to_string(i)});
    all.insert(all.end(), one.begin(), one.end());
  }
  RecordedReply whole;
  const auto wanted = lines_of(whole, all);
  REQUIRE(wanted.size() == 5);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    RecordedReply reply;
    auto lines = lines_of(reply, ByteSpan(all).first(cut));
    CHECK(reply.was_cut() == (cut % (all.size() / 5) != 0));
    const auto rest = lines_of(reply, ByteSpan(all).subspan(cut));
    lines.insert(lines.end(), rest.begin(), rest.end());
    CHECK(lines == wanted);
  }
}

TEST_CASE("recorded reply: what is none ends it, or is passed over") {
  for (const Bytes& bad : {to_bytes("D\x00\x00\x00\x03xxxxx"), Bytes{'D', 0, 0, 0, 3, 1, 2},
                           Bytes{'D', 0xff, 0xff, 0xff, 0xff, 0}, Bytes{'D', 0, 0, 0, 0, 0}}) {
    RecordedReply reply;
    CHECK(lines_of(reply, bad).empty());
    CHECK(lines_of(reply, recorded_row({"later"})).empty());
    CHECK(reply.was_cut());
  }
  RecordedReply reply;
  CHECK(lines_of(reply, Bytes{'Z', 0, 0, 0, 5, 'I'}).empty());
  CHECK(lines_of(reply, Bytes{'D', 0, 0, 0, 6, 0, 9}).empty());  // nine columns, and no value
  CHECK(lines_of(reply, recorded_row({"later"})) == TextLines{"later"});
}
