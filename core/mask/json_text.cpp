// SPDX-License-Identifier: Apache-2.0
#include "core/mask/json_text.h"

#include <algorithm>
#include <bit>

#include "core/mask/span.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hoop::mask {
namespace {

bool stands_as_it_is(char c) {
  return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x80 &&
         c != '"' && c != '\\';
}

/// The end of the run of characters that say themselves, sixteen at a time where the processor has
/// SSE2.
std::size_t plain_end(std::string_view text, std::size_t at) {
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    // As signed bytes those above 0x7f are below the blank, too.
    const __m128i low = _mm_cmplt_epi8(block, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
    const __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
    const auto found =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, slash))));
    if (found != 0) return at + static_cast<unsigned>(std::countr_zero(found));
  }
#endif
  return run_end(text, at, stands_as_it_is);
}

/// Bytes of the character at at; 0 if it is none, and more than there are if it may become one.
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned first = byte(0);
  if (first < 0xc2 || first > 0xf4) return 0;
  const std::size_t count = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const std::size_t there = std::min(count, text.size() - at);
  if (there > 1) {
    // Too long a form, half a surrogate pair, beyond Unicode.
    const unsigned least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < least || byte(1) > most) return 0;
  }
  for (std::size_t i = 2; i < there; ++i) {
    if (!continues_character(text[at + i])) return 0;
  }
  return count;
}

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The same of the escape at at.
std::size_t escape_bytes(std::string_view text, std::size_t at) {
  constexpr std::size_t kUnicode = 6;
  if (at + 1 >= text.size()) return 2;
  const char kind = text[at + 1];
  if (kind != 'u')
    return std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos ? 0 : 2;
  for (std::size_t i = at + 2; i < std::min(text.size(), at + kUnicode); ++i) {
    if (hex_value(text[i]) < 0) return 0;
  }
  return kUnicode;
}

/// Of \uXXXX at at, which is one.
unsigned code_unit(std::string_view text, std::size_t at) {
  unsigned value = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i)
    value = value << 4 | static_cast<unsigned>(hex_value(text[i]));
  return value;
}

void append_utf8(std::string& out, unsigned point) {
  const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
    return put(0x80 | (point & 0x3f));
  }
  if (point < 0x10000) {
    put(0xe0 | point >> 12);
  } else {
    put(0xf0 | point >> 18);
    put(0x80 | (point >> 12 & 0x3f));
  }
  put(0x80 | (point >> 6 & 0x3f));
  put(0x80 | (point & 0x3f));
}

/// Appends the character of \uXXXX at at, and answers where it ends.
std::size_t decode_unicode(std::string_view inside, std::size_t at, std::string& out) {
  constexpr unsigned kReplacement = 0xfffd;
  const auto is_high = [](unsigned unit) { return unit >= 0xd800 && unit < 0xdc00; };
  const auto is_low = [](unsigned unit) { return unit >= 0xdc00 && unit < 0xe000; };
  const unsigned unit = code_unit(inside, at);
  at += 6;
  if (is_high(unit) && inside.substr(at).starts_with("\\u")) {
    const unsigned next = code_unit(inside, at);
    if (is_low(next)) {
      append_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (next - 0xdc00));
      return at + 6;
    }
  }
  append_utf8(out, is_high(unit) || is_low(unit) ? kReplacement : unit);
  return at;
}

}  // namespace

StringScan::Is scan_string(std::string_view text, StringScan& scan) {
  for (;;) {
    scan.at = plain_end(text, scan.at);
    if (scan.at == text.size()) return StringScan::Is::open;
    const char c = text[scan.at];
    if (c == '"') {
      ++scan.at;
      return StringScan::Is::closed;
    }
    const std::size_t count =
        c == '\\' ? escape_bytes(text, scan.at) : character_bytes(text, scan.at);
    if (count == 0) return StringScan::Is::malformed;
    if (count > text.size() - scan.at) return StringScan::Is::open;
    scan.is_escaped = scan.is_escaped || c == '\\';
    scan.at += count;
  }
}

void decode_string(std::string_view inside, std::string& out) {
  for (std::size_t at = 0; at < inside.size();) {
    const std::size_t slash = std::min(inside.find('\\', at), inside.size());
    out.append(inside, at, slash - at);
    if (slash == inside.size()) return;
    const char kind = inside[slash + 1];
    if (kind == 'u') {
      at = decode_unicode(inside, slash, out);
      continue;
    }
    constexpr std::string_view kKinds = "bfnrt", kMeant = "\b\f\n\r\t";
    const auto which = kKinds.find(kind);
    out += which == std::string_view::npos ? kind : kMeant[which];
    at = slash + 2;
  }
}

NumberPart next_part(NumberPart part, char c) {
  using enum NumberPart;
  const bool digit = is_digit(c);
  switch (part) {
    case begin:
      if (c == '-') return minus;
      [[fallthrough]];
    case minus: return c == '0' ? zero : digit ? whole : stop;
    case whole:
      if (digit) return whole;
      [[fallthrough]];
    case zero: return c == '.' ? dot : c == 'e' || c == 'E' ? exponent : stop;
    case dot: return digit ? fraction : stop;
    case fraction: return digit ? fraction : c == 'e' || c == 'E' ? exponent : stop;
    case exponent:
      if (c == '+' || c == '-') return sign;
      [[fallthrough]];
    case sign: return digit ? power : stop;
    case power: return digit ? power : stop;
    case stop: return stop;
  }
  return stop;
}

bool ends_number(NumberPart part) {
  using enum NumberPart;
  return part == zero || part == whole || part == fraction || part == power;
}

}  // namespace hoop::mask
