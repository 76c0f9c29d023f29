// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/copy_masker.h"

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "tests/support/catch.h"

namespace hoop::postgres {
namespace {

constexpr std::string_view kHeader("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr std::string_view kTrailer("\377\377", 2);

std::string tuple(const std::vector<std::optional<std::string>>& fields) {
  Bytes out;
  ByteWriter writer(out);
  writer.i16(static_cast<std::int16_t>(fields.size()));
  for (const auto& field : fields) {
    writer.i32(field ? static_cast<std::int32_t>(field->size()) : -1);
    if (field) writer.text(*field);
  }
  return to_text(out);
}

mask::Masker cards() {
  access::Mask mask;
  mask.detectors = {"payment_card"};
  return std::move(*mask::Masker::create({mask}, SecretBytes(Bytes(32, 1))));
}

/// What a program reads of a COPY that comes in pieces of that size, or why it ends.
Result<std::string> masked(std::string_view stream, std::size_t piece,
                           Format format = Format::binary, const CopyText& text_format = {}) {
  mask::Masker masker = cards();
  CopyMasker copy(masker, format, std::make_shared<const CopyText>(text_format));
  mask::HiddenCounts counts;
  Bytes out;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    Bytes message;
    append_copy_data(message, as_bytes(stream.substr(at, piece)));
    HOOP_CHECK(copy.rewrite({'d', ByteSpan(message).subspan(5), message}, out, counts));
  }
  HOOP_CHECK(copy.finish(out, counts));
  std::string text;
  for (ByteSpan rest = out; !rest.empty();) {
    const std::size_t length = ByteReader(rest.subspan(1)).u32().value_or(4);
    text += as_text(rest.subspan(5, length - 4));
    rest = rest.subspan(length + 1);
  }
  return text;
}

}  // namespace

TEST_CASE("a field of a binary COPY in which something is found becomes NULL, however it is cut") {
  const std::string card = "paid with 4111 1111 1111 1111";
  const std::string json = "\x01{\"card\": \"4111111111111111\"}";
  const std::string number("\0\0\0\7", 4);
  const std::string stream = std::string(kHeader) + tuple({number, card, std::nullopt, "text"}) +
                             tuple({}) + tuple({json, "", number}) +
                             tuple({"4111 1111 1111 1112"}) + std::string(kTrailer);
  const std::string expected =
      std::string(kHeader) + tuple({number, std::nullopt, std::nullopt, "text"}) + tuple({}) +
      tuple({std::nullopt, "", number}) + tuple({"4111 1111 1111 1112"}) + std::string(kTrailer);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    INFO(piece);
    CHECK(masked(stream, piece).value_or("failed") == expected);
  }
}

TEST_CASE("what is no binary COPY ends it") {
  const std::string header(kHeader);
  struct Case {
    const char* name;
    std::string stream;
  };
  std::string flags = header;
  flags[12] = 1;  // OIDs, as before version 12
  std::string extended = header;
  extended[15] = 1;  // 16 MiB of it
  const Case cases[] = {
      {"another signature", "PGCOPY\n\377\r\n\1" + std::string(8, '\0')},
      {"text", "1\tone\n2\ttwo\n"},
      {"a flag that changes the format", flags},
      {"a header without end", extended},
      {"a card in an extension of the header",
       header.substr(0, 15) + std::string("\0\0\0\20", 4) + "4111111111111111"},
      {"a flag that need not be known", header.substr(0, 14) + "\1" + header.substr(15)},
      {"less than no fields", header + "\377\376"},
      {"a field of less than no bytes", header + tuple({"a"}).replace(2, 4, "\377\377\377\376")},
      {"an end inside a tuple", header + tuple({"a", "b"}).substr(0, 9)},
      {"an end inside the header", header.substr(0, 13)},
      {"more behind the trailer", header + std::string(kTrailer) + tuple({"a"})},
      {"a field of 2 GiB", header + std::string("\0\1\177\377\377\377", 6) + std::string(100, 'x')},
  };
  for (const Case& each : cases) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, each.stream.size()}) {
      INFO(each.name << " in pieces of " << piece);
      const auto answer = masked(each.stream, piece);
      REQUIRE_FALSE(answer);
      CHECK(answer.error().code == ErrorCode::malformed);
    }
  }
  // What was whole before it has been scanned: it may have passed.
  CHECK(masked(header, 5).value_or("failed") == header);
}

TEST_CASE("a binary tuple that never ends is given up at the cap of a message") {
  mask::Masker masker = cards();
  CopyMasker copy(masker, Format::binary, std::make_shared<const CopyText>());
  mask::HiddenCounts counts;
  Bytes out;
  std::string begin = std::string(kHeader) + std::string("\0\1\177\377\377\377", 6);
  Result<void> outcome;
  for (int i = 0; outcome && i < 40; ++i) {
    Bytes message;
    append_copy_data(message, as_bytes(begin));
    outcome = copy.rewrite({'d', ByteSpan(message).subspan(5), message}, out, counts);
    begin.assign(1U << 20, 'x');
  }
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::too_large);
}

TEST_CASE("a card is found in a text or CSV COPY, however it is written and cut") {
  struct Case {
    const char* name;
    CopyText format;
    std::string stream;
    std::string expected;
  };
  const Case cases[] = {
      {"text",
       {},
       "1\tcard 4111 1111 1111 1111\ttwo\n2\t4111 1111 1111 1112\tb\\\\\n",
       "1\tcard [redacted]\ttwo\n2\t4111 1111 1111 1112\tb\\\\\n"},
      {"behind a line's end of its own", {}, "a\\n4111111111111111\\nb\n", "a\\n[redacted]\\nb\n"},
      {"between dashes that are the delimiter",
       {false, '-', '"', '"', "\\N"},
       "1-4111\\-1111\\-1111\\-1111\n",
       "1-[redacted]\n"},
      {"behind a NULL that ends in a backslash",
       {false, 'X', '"', '"', "n\\"},
       "n\\X4111111111111111\n",
       "n\\X[redacted]\n"},
      {"CSV",
       {true, ',', '"', '"', ""},
       "1,\"a\nb, 4111 1111 1111 1111\",\"\"\n2,b,\n",
       "1,\"a\nb, [redacted]\",\"\"\n2,b,\n"},
      {"JSON in CSV",
       {true, ',', '"', '"', ""},
       "\"{\"\"card\"\": \"\"4111111111111111\"\"}\"\n",
       "\"{\"\"card\"\": \"\"[redacted]\"\"}\"\n"},
      {"CSV, quoted by a figure of it",
       {true, ',', '4', '4', ""},
       "1,4441111111111111114\n",
       "1,4[redacted]4\n"},
      {"the last row without its end", {}, "4111111111111111", "[redacted]"},
  };
  for (const Case& each : cases) {
    for (std::size_t piece = 1; piece <= each.stream.size(); ++piece) {
      INFO(each.name << " in pieces of " << piece);
      CHECK(masked(each.stream, piece, Format::text, each.format).value_or("failed") ==
            each.expected);
    }
  }
}

}  // namespace hoop::postgres
