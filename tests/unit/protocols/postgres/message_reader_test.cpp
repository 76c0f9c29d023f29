// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/message_reader.h"

#include <cstring>

#include "tests/support/catch.h"
#include "tests/unit/protocols/postgres/wire_samples.h"

namespace hoop::postgres {
namespace {

using namespace std::string_view_literals;

std::vector<samples::Sample> all_samples() {
  auto samples = samples::frontend_samples();
  for (auto& sample : samples::backend_samples()) samples.push_back(std::move(sample));
  return samples;
}

/// What a reader makes of bytes that arrive in two parts.
Result<std::vector<Bytes>> frames_of(ByteSpan bytes, std::size_t split, Direction direction) {
  FrameReader reader;
  std::vector<Bytes> out;
  for (const ByteSpan part : {bytes.first(split), bytes.subspan(split)}) {
    reader.append(part);
    for (;;) {
      HOOP_TRY(const auto frame, reader.next(direction));
      if (!frame) break;
      CHECK(frame->whole.size() == frame->body.size() + 5);
      out.emplace_back(frame->whole.begin(), frame->whole.end());
    }
  }
  CHECK(reader.buffered() == 0);
  return out;
}

Bytes header(char tag, std::uint32_t length) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(tag));
  writer.u32(length);
  return out;
}

}  // namespace

TEST_CASE("frame reader gives the same frames wherever the bytes are split") {
  for (const Direction direction : {Direction::from_frontend, Direction::from_backend}) {
    Bytes stream;
    std::vector<Bytes> expected;
    for (const auto& sample : all_samples()) {
      if (sample.direction != direction) continue;
      stream.insert(stream.end(), sample.whole.begin(), sample.whole.end());
      expected.push_back(sample.whole);
    }
    for (std::size_t split = 0; split <= stream.size(); ++split) {
      const auto frames = frames_of(stream, split, direction);
      REQUIRE(frames);
      REQUIRE(*frames == expected);
    }
  }
}

TEST_CASE("frame reader takes one byte at a time") {
  Bytes stream;
  append_query(stream, "select 1");
  append_sync(stream);
  FrameReader reader;
  std::string tags;
  for (const std::uint8_t byte : stream) {
    reader.append({&byte, 1});
    const auto frame = reader.next(Direction::from_frontend);
    REQUIRE(frame);
    if (*frame) tags += (*frame)->tag;
  }
  CHECK(tags == "QS");
}

TEST_CASE("every message is decoded whole, and refused when it is cut or has something behind it") {
  for (const auto& sample : all_samples()) {
    INFO(sample.name);
    const ByteSpan body = ByteSpan(sample.whole).subspan(5);
    CHECK(sample.decodes(body));
    if (sample.any_body) continue;
    for (std::size_t size = 0; size < body.size(); ++size) {
      INFO("cut to " << size);
      CHECK_FALSE(sample.decodes(body.first(size)));
    }
    Bytes longer(body.begin(), body.end());
    longer.push_back(0);
    CHECK_FALSE(sample.decodes(longer));
  }
}

TEST_CASE("frame reader refuses impossible lengths and unknown tags") {
  struct Case {
    const char* name;
    Direction direction;
    Bytes bytes;
    ErrorCode code;
  };
  using enum Direction;
  const Case cases[] = {
      {"length 0", from_frontend, header('Q', 0), ErrorCode::malformed},
      {"length 3", from_frontend, header('Q', 3), ErrorCode::malformed},
      {"the cap is reached", from_frontend, header('Q', kMaxMessageBytes), ErrorCode::too_large},
      {"4 GiB", from_backend, header('D', 0xffff'ffff), ErrorCode::too_large},
      {"negative", from_backend, header('D', 0x8000'0000), ErrorCode::too_large},
      {"a backend's tag from the frontend", from_frontend, header('Z', 5), ErrorCode::malformed},
      {"a frontend's tag from the backend", from_backend, header('Q', 5), ErrorCode::malformed},
      {"NUL tag", from_frontend, {0}, ErrorCode::malformed},
      {"a tag is enough", from_backend, {'y'}, ErrorCode::malformed},
      {"tag with the high bit", from_backend, {0xd1}, ErrorCode::malformed},
      {"a TLS record", from_frontend, {0x16, 3, 1}, ErrorCode::malformed},
  };
  for (const Case& each : cases) {
    INFO(each.name);
    FrameReader reader;
    reader.append(each.bytes);
    CHECK(test::code_of(reader.next(each.direction)) == each.code);
  }
}

TEST_CASE(
    "frame reader takes a message of exactly the cap and holds no more than was sent before it is "
    "there") {
  FrameReader reader(1U << 20);
  const Bytes head = header('d', (1U << 20) - 1);
  reader.append(head);
  REQUIRE_FALSE(reader.next(Direction::from_frontend).value().has_value());
  // A megabyte was announced, five bytes came: memory follows what came.
  static_cast<void>(reader.prepare());
  CHECK(reader.capacity() <= 64U << 10);
  reader.append(Bytes((1U << 20) - 5, 7));
  const auto frame = reader.next(Direction::from_frontend);
  REQUIRE(frame);
  REQUIRE(frame->has_value());
  CHECK((*frame)->whole.size() == 1U << 20);
  CHECK(reader.buffered() == 0);
  static_cast<void>(reader.prepare());
  CHECK(reader.capacity() <= 256U << 10);
}

TEST_CASE(
    "frame reader's buffer grows with full reads, shrinks with small ones, and is given back") {
  FrameReader reader;
  CHECK(reader.capacity() == 0);
  CHECK(reader.prepare().size() == 4U << 10);
  const auto fill = [&] {
    const MutableByteSpan space = reader.prepare();
    std::memset(space.data(), 'd', space.size());
    // One CopyData that fills the read exactly.
    const Bytes head = header('d', static_cast<std::uint32_t>(space.size() - 1));
    std::memcpy(space.data(), head.data(), head.size());
    reader.commit(space.size());
    REQUIRE(reader.next(Direction::from_frontend).value().has_value());
    return space.size();
  };
  CHECK(fill() == 4U << 10);
  CHECK(fill() == 64U << 10);
  CHECK(fill() == 64U << 10);
  CHECK(fill() == 64U << 10);
  CHECK(fill() == 256U << 10);
  for (int i = 0; i < 16; ++i) {
    Bytes sync;
    append_sync(sync);
    reader.append(sync);
    REQUIRE(reader.next(Direction::from_frontend).value().has_value());
  }
  CHECK(reader.prepare().size() == 4U << 10);
  reader.release();
  CHECK(reader.capacity() == 0);
}

TEST_CASE("frames stay valid until the next prepare, and what follows them is kept") {
  Bytes stream;
  append_query(stream, "select 1");
  append_query(stream, "select 22");
  FrameReader reader;
  reader.append(ByteSpan(stream).first(stream.size() - 3));
  const auto first = reader.next(Direction::from_frontend).value();
  REQUIRE(first);
  CHECK(decode_query(first->body)->text == "select 1");
  CHECK_FALSE(reader.next(Direction::from_frontend).value().has_value());
  CHECK(decode_query(first->body)->text == "select 1");
  reader.release();  // not at a boundary: nothing is lost
  reader.append(ByteSpan(stream).last(3));
  const auto second = reader.next(Direction::from_frontend).value();
  REQUIRE(second);
  CHECK(decode_query(second->body)->text == "select 22");
}

TEST_CASE("a message too large to be held is told by its size, and taken in pieces") {
  FrameReader reader(100);
  Bytes stream;
  append_copy_data(stream, Bytes(200, 'x'));
  append_query(stream, "select 1");
  reader.append(ByteSpan(stream).first(7));
  const auto next = reader.next(Direction::from_frontend);
  REQUIRE_FALSE(next);
  CHECK(next.error().code == ErrorCode::too_large);
  const auto large = reader.large();
  REQUIRE(large);
  CHECK(large->tag == 'd');
  CHECK(large->size == 205);
  CHECK(reader.take_piece(large->size).size() == 7);
  CHECK(reader.take_piece(large->size - 7).empty());
  reader.append(ByteSpan(stream).subspan(7));
  CHECK(reader.take_piece(large->size - 7).size() == 198);
  const auto query = reader.next(Direction::from_frontend).value();
  REQUIRE(query);
  CHECK(decode_query(query->body)->text == "select 1");

  // No server has messages of 2 GiB.
  FrameReader other(100);
  other.append(as_bytes("d\x80\0\0\0"sv));
  CHECK_FALSE(other.next(Direction::from_frontend));
  CHECK_FALSE(other.large());
}

TEST_CASE("data row reader walks a row and says how it ended") {
  const auto steps = [](std::string_view body) {
    std::string out;
    auto row = DataRowReader::open(as_bytes(body));
    if (!row) return std::string("closed");
    Value value;
    for (;;) {
      switch (row->next(value)) {
        case DataRowReader::Step::value: out += value ? "[" + to_text(*value) + "]" : "null"; break;
        case DataRowReader::Step::end: return out + ".";
        case DataRowReader::Step::malformed: return out + "!";
      }
    }
  };
  CHECK(steps("\0\0"sv) == ".");
  CHECK(steps("\0\3\0\0\0\1a\xff\xff\xff\xff\0\0\0\0"sv) == "[a]null[].");
  CHECK(steps("\0\1\0\0\0\1ab"sv) == "[a]!");
  CHECK(steps("\0\1\0\0\0\2a"sv) == "!");
  CHECK(steps("\0\1\xff\xff\xff\xfe"sv) == "!");
  CHECK(steps("\0\1\x7f\xff\xff\xff"sv) == "!");
  CHECK(steps("\0\2\0\0\0\0"sv) == "[]!");
  CHECK(steps("\xff\xff"sv) == "closed");
  CHECK(steps("\0"sv) == "closed");
}

}  // namespace hoop::postgres
