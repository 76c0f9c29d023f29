// SPDX-License-Identifier: Apache-2.0
#include "core/http/body_reader.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hoop::http {
namespace {

// A size of 16 digits, and an extension that no known software sends longer.
constexpr std::size_t kMaxSizeLineBytes = 256;
// In all: many small chunks with large extensions are a way to make a reader work for nothing.
constexpr std::size_t kMaxExtensionBytes = 16 * 1024;
constexpr std::size_t kMaxTrailerBytes = 8 * 1024;
constexpr std::size_t kMaxTrailers = 32;

std::size_t token_length(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_token(text.substr(length, 1))) ++length;
  return length;
}

// The length of a quoted-string at the front, 0 if there is none. RFC 9110 §5.6.4.
std::size_t quoted_length(std::string_view text) {
  if (text.empty() || text.front() != '"') return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
    if (i < text.size() && !is_field_value(text.substr(i, 1))) return 0;
  }
  return 0;
}

// *( ";" name [ "=" value ] ), without the blanks that the grammar calls bad.
bool is_extension(std::string_view text) {
  while (!text.empty()) {
    if (text.front() != ';') return false;
    text.remove_prefix(1);
    const auto name = token_length(text);
    if (name == 0) return false;
    text.remove_prefix(name);
    if (text.empty() || text.front() != '=') continue;
    text.remove_prefix(1);
    const auto value = std::max(token_length(text), quoted_length(text));
    if (value == 0) return false;
    text.remove_prefix(value);
  }
  return true;
}

bool may_trail(std::string_view name) {
  constexpr std::array<std::string_view, 12> kRefused{
      "content-length", "transfer-encoding", "host",   "trailer", "te",     "connection",
      "authorization",  "content-type",      "cookie", "upgrade", "expect", "content-encoding"};
  return std::none_of(kRefused.begin(), kRefused.end(),
                      [&](auto refused) { return equal_ignoring_case(refused, name); });
}

}  // namespace

Result<BodyReader> BodyReader::create(Framing framing, std::uint64_t max_body) {
  BodyReader reader;
  reader.allowed_ = max_body;
  switch (framing.kind) {
    case Framing::Kind::none: break;
    case Framing::Kind::length:
      if (framing.length > max_body)
        return fail(ErrorCode::too_large, "the body is larger than allowed");
      reader.left_ = framing.length;
      reader.part_ = framing.length == 0 ? Part::done : Part::data;
      break;
    case Framing::Kind::chunked: reader.part_ = Part::size_line; break;
    case Framing::Kind::until_close: reader.part_ = Part::until_close; break;
  }
  return reader;
}

Result<Event> BodyReader::next(ByteSpan& in) {
  chunk_ = {};
  for (;;) {
    if (part_ == Part::done) return Event::done;
    if (in.empty()) return Event::need_more;
    Result<Event> event = Event::need_more;
    switch (part_) {
      case Part::data:
      case Part::chunk_data: return take_data(in);
      case Part::until_close: return take_until_close(in);
      case Part::size_line: event = take_size_line(in); break;
      case Part::chunk_cr:
      case Part::chunk_lf: event = take_chunk_end(in); break;
      case Part::trailer: event = take_trailer(in); break;
      case Part::done: break;
    }
    if (!event) return event;
  }
}

Event BodyReader::take_data(ByteSpan& in) {
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), left_));
  chunk_ = in.first(count);
  in = in.subspan(count);
  left_ -= count;
  if (left_ == 0) part_ = part_ == Part::chunk_data ? Part::chunk_cr : Part::done;
  return Event::body;
}

Result<Event> BodyReader::take_until_close(ByteSpan& in) {
  if (allowed_ == 0) return fail(ErrorCode::too_large, "the body is larger than allowed");
  chunk_ = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), allowed_)));
  in = in.subspan(chunk_.size());
  allowed_ -= chunk_.size();
  return Event::body;
}

Result<Event> BodyReader::take_size_line(ByteSpan& in) {
  HOOP_TRY(const auto line, line_.next(in, kMaxSizeLineBytes));
  if (line) HOOP_CHECK(read_size_line(*line));
  return Event::need_more;
}

Result<void> BodyReader::read_size_line(std::string_view line) {
  std::uint64_t size = 0;
  const auto digits = line.substr(0, line.find(';'));
  // from_chars would take a sign; 16 digits are all that 64 bits hold.
  const bool hexadecimal =
      !digits.empty() && digits.size() <= 16 &&
      digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (!hexadecimal) return fail(ErrorCode::malformed, "a chunk size is not a hexadecimal number");
  std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  const auto extension = line.substr(digits.size());
  if (!is_extension(extension))
    return fail(ErrorCode::malformed, "a chunk extension breaks the grammar");
  extension_bytes_ += extension.size();
  if (extension_bytes_ > kMaxExtensionBytes)
    return fail(ErrorCode::too_large, "the chunk extensions are too long");
  if (size > allowed_) return fail(ErrorCode::too_large, "the body is larger than allowed");
  allowed_ -= size;
  left_ = size;
  part_ = size == 0 ? Part::trailer : Part::chunk_data;
  return {};
}

Result<Event> BodyReader::take_chunk_end(ByteSpan& in) {
  const char expected = part_ == Part::chunk_cr ? '\r' : '\n';
  if (in.front() != static_cast<std::uint8_t>(expected))
    return fail(ErrorCode::malformed, "a chunk is not followed by CRLF");
  in = in.subspan(1);
  part_ = part_ == Part::chunk_cr ? Part::chunk_lf : Part::size_line;
  return Event::need_more;
}

Result<Event> BodyReader::take_trailer(ByteSpan& in) {
  HOOP_TRY(const auto line, line_.next(in, kMaxTrailerBytes - trailer_bytes_));
  if (!line) return Event::need_more;
  trailer_bytes_ += line_.taken();
  if (line->empty()) {
    part_ = Part::done;
    return Event::done;
  }
  HOOP_TRY(auto field, parse_field_line(*line));
  if (!may_trail(field.name))
    return fail(ErrorCode::malformed, "a trailer field that may only stand in the head");
  if (trailers_.size() == kMaxTrailers)
    return fail(ErrorCode::too_large, "there are too many trailer fields");
  trailers_.add(std::move(field.name), std::move(field.value));
  return Event::need_more;
}

Result<void> BodyReader::end_of_input() {
  if (part_ == Part::until_close) part_ = Part::done;
  if (part_ != Part::done)
    return fail(ErrorCode::malformed, "the connection was closed in the middle of a body");
  return {};
}

}  // namespace hoop::http
