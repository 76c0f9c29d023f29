// SPDX-License-Identifier: Apache-2.0
#include "core/session/tunnel_frames.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::session;
using Sender = FrameReader::Sender;
using Event = FrameReader::Event;
using Catch::Matchers::ContainsSubstring;

namespace {

Bytes hex(std::string_view text) {
  auto bytes = from_hex(text);
  REQUIRE(bytes);
  return std::move(*bytes);
}

Bytes framed(FrameType type, std::string_view payload) {
  Bytes out;
  append_frame(out, type, as_bytes(payload));
  return out;
}

Bytes joined(const std::vector<Bytes>& frames) {
  Bytes out;
  for (const auto& one : frames) out.insert(out.end(), one.begin(), one.end());
  return out;
}

/// "opening(…) data(…) end ! malformed: …": parts of one data frame are joined.
std::string trace(Sender sender, ByteSpan bytes, std::size_t first, std::size_t piece) {
  FrameReader reader(sender);
  std::string out;
  bool in_data = false;
  for (std::size_t size = first; !bytes.empty(); size = piece) {
    ByteSpan in = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(in.size());
    for (;;) {
      const auto event = reader.next(in);
      if (!event) {
        CHECK_FALSE(reader.next(in));
        return out + "! " + std::string(to_string(event.error().code)) + ": " +
               event.error().message;
      }
      if (*event == Event::need_more) break;
      if (*event != Event::data) in_data = false;
      switch (*event) {
        case Event::need_more: break;
        case Event::opening: out += "opening(" + to_text(reader.payload()) + ") "; break;
        case Event::data:
          if (!in_data) out += "data ";
          out += to_text(reader.data());
          in_data = true;
          break;
        case Event::end: out += " end "; break;
        case Event::idle: out += " idle "; break;
        case Event::reset: out += " reset(" + to_text(reader.payload()) + ") "; break;
      }
    }
    CHECK(in.empty());
  }
  return out;
}

std::string whole(Sender sender, const Bytes& bytes) {
  return trace(sender, bytes, bytes.size(), bytes.size());
}

Opening session_with(std::vector<std::pair<std::string, std::string>> parameters) {
  Opening opening;
  opening.parameters = std::move(parameters);
  return opening;
}

}  // namespace

TEST_CASE("a frame is its type, three bytes of length and the payload") {
  CHECK(to_hex(framed(FrameType::data, "ab")) == "020000026162");
  CHECK(to_hex(framed(FrameType::end, "")) == "03000000");
  CHECK(to_hex(framed(FrameType::reset, "no")) == "050000026e6f");
  const auto largest = framed(FrameType::data, std::string(kMaxFramePayload, 'x'));
  CHECK(to_hex(ByteSpan(largest).first(4)) == "02010000");
}

TEST_CASE("frames read the same wherever the bytes are split") {
  const auto client = joined(
      {framed(FrameType::opening, "hello"), framed(FrameType::idle, ""),
       framed(FrameType::data, "one"), framed(FrameType::data, std::string(300, 'x')),
       framed(FrameType::idle, ""), framed(FrameType::end, ""), framed(FrameType::reset, "why")});
  const auto expected = whole(Sender::client, client);
  CHECK(expected ==
        "opening(hello)  idle data one" + std::string(300, 'x') + " idle  end  reset(why) ");
  for (std::size_t first = 1; first < client.size(); ++first)
    CHECK(trace(Sender::client, client, first, client.size()) == expected);
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 7U})
    CHECK(trace(Sender::client, client, piece, piece) == expected);
  CHECK(whole(Sender::gateway,
              joined({framed(FrameType::data, "a"), framed(FrameType::end, "")})) == "data a end ");
}

TEST_CASE("frames that must not be are refused, for good and wherever they are split") {
  struct Row {
    const char* name;
    Sender sender;
    const char* bytes;
    const char* refusal;
  };
  // 01 opening, 02 data, 03 end, 04 idle, 05 reset
  const auto row = GENERATE(
      Row{"unknown type 0", Sender::gateway, "00000000", "malformed: a tunnel's frame of unknown"},
      Row{"unknown type 6", Sender::gateway, "06000000", "malformed: a tunnel's frame of unknown"},
      Row{"HTTP", Sender::gateway, "48545450", "malformed: a tunnel's frame of unknown type 72"},
      Row{"data before the opening", Sender::client, "0200000161", "malformed: a tunnel's frame"},
      Row{"idle before the opening", Sender::client, "04000000", "came where it must not"},
      Row{"end before the opening", Sender::client, "03000000", "came where it must not"},
      Row{"opening twice", Sender::client, "01000001000100000100", "came where it must not"},
      Row{"opening by the gateway", Sender::gateway, "0100000100", "came where it must not"},
      Row{"empty opening", Sender::client, "01000000",
          "malformed: a tunnel's frame 'opening' is empty"},
      Row{"long opening", Sender::client, "01008001", "too_large"},
      Row{"empty data", Sender::gateway, "02000000", "malformed: a tunnel's frame 'data' is empty"},
      Row{"long data", Sender::gateway, "02010001", "too_large"},
      Row{"longest length", Sender::gateway, "02ffffff", "too_large"},
      Row{"end with a payload", Sender::gateway, "0300000161",
          "malformed: a tunnel's frame 'end' is too long"},
      Row{"idle with a payload", Sender::gateway, "04ffffff", "malformed: a tunnel's frame 'idle'"},
      Row{"long reset", Sender::gateway, "05000201", "too_large"},
      Row{"data after the end", Sender::gateway, "030000000200000161",
          "'data' came where it must not"},
      Row{"idle after the end", Sender::gateway, "0300000004000000", "came where it must not"},
      Row{"end twice", Sender::gateway, "0300000003000000", "came where it must not"},
      Row{"data after a reset", Sender::gateway, "050000000200000161", "came where it must not"},
      Row{"reset twice", Sender::gateway, "0500000005000000", "came where it must not"});
  CAPTURE(row.name);
  const auto bytes = hex(row.bytes);
  const auto expected = whole(row.sender, bytes);
  CHECK_THAT(expected, ContainsSubstring("! ") && ContainsSubstring(row.refusal));
  for (std::size_t first = 1; first < bytes.size(); ++first)
    CHECK(trace(row.sender, bytes, first, 1) == expected);
}

TEST_CASE("an opening comes out as it went in, and has one encoding") {
  const auto opening = session_with({{"user", "alice"}, {"options", ""}, {"user", "b\xc3\xa9"}});
  const auto payload = encode_opening(opening);
  REQUIRE(payload);
  CHECK(to_hex(ByteSpan(*payload).first(16)) == "0000030004000575736572616c696365");
  const auto back = decode_opening(*payload);
  REQUIRE(back);
  CHECK(back->kind == Opening::Kind::session);
  CHECK(back->parameters == opening.parameters);
  for (std::size_t size = 0; size < payload->size(); ++size) {
    const auto cut = decode_opening(ByteSpan(*payload).first(size));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == ErrorCode::malformed);
  }

  Opening cancel;
  cancel.kind = Opening::Kind::cancel;
  cancel.cancel_key = {0, 0, 0, 7, 1, 2, 3, 4};
  const auto key = encode_opening(cancel);
  REQUIRE(key);
  CHECK(to_hex(*key) == "010000000701020304");
  const auto key_back = decode_opening(*key);
  REQUIRE(key_back);
  CHECK(key_back->kind == Opening::Kind::cancel);
  CHECK(key_back->cancel_key == cancel.cancel_key);
  CHECK(key_back->parameters.empty());
  CHECK(encode_opening(session_with({})).value() == Bytes{0, 0, 0});
}

TEST_CASE("openings that cannot be are refused") {
  struct Row {
    const char* name;
    const char* payload;
  };
  const auto row = GENERATE(
      Row{"empty", ""}, Row{"unknown kind", "02"}, Row{"cancel without a key", "01"},
      Row{"no count", "0000"}, Row{"count without parameters", "00ffff"},
      Row{"bytes left over", "00000000"}, Row{"more than the count", "00000100010001617600010001"},
      Row{"no name",
          "00000100000001"
          "76"},
      Row{"NUL in a name",
          "0000010002000161"
          "0076"},
      Row{"NUL in a value",
          "000001000100026100"
          "76"},
      Row{"value cut short", "0000010001ffff6176"});
  CAPTURE(row.name);
  const auto opening = decode_opening(hex(row.payload));
  REQUIRE_FALSE(opening);
  CHECK(opening.error().code == ErrorCode::malformed);
}

TEST_CASE("an opening that cannot be told is not encoded") {
  const auto code_of = [](const Opening& opening) {
    const auto payload = encode_opening(opening);
    REQUIRE_FALSE(payload);
    return payload.error().code;
  };
  CHECK(code_of(session_with({{"a", std::string(kMaxOpening, 'x')}})) == ErrorCode::too_large);
  CHECK(encode_opening(session_with({{"a", std::string(kMaxOpening - 8, 'x')}})));
  CHECK(code_of(session_with({{"a", std::string(kMaxOpening - 7, 'x')}})) == ErrorCode::too_large);
  CHECK(code_of(session_with({{"", "x"}})) == ErrorCode::malformed);
  CHECK(code_of(session_with({{"a", std::string("x\0y", 3)}})) == ErrorCode::malformed);
  Opening cancel;
  cancel.kind = Opening::Kind::cancel;
  CHECK(code_of(cancel) == ErrorCode::malformed);
  cancel.cancel_key.resize(kMaxOpening);
  CHECK(code_of(cancel) == ErrorCode::too_large);
}

TEST_CASE("a proof is over the protocol, the connection, the session and the stream") {
  const Bytes exporter(32, 0xee);
  CHECK(to_hex(tunnel_proof_text(exporter, "s1", 258)) ==
        to_hex(as_bytes("hoopctl-tunnel/1")) + "00" + to_hex(exporter) + "7331000000000000000102");
}
