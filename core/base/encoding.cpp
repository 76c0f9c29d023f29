// SPDX-License-Identifier: Apache-2.0
#include "core/base/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

namespace hoop {
namespace {

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string encode(ByteSpan in, std::string_view alphabet) {
  std::string out;
  // With the padding that may follow: what is encoded may be a secret, and growing would leave a
  // copy.
  out.reserve((in.size() + 2) / 3 * 4);
  unsigned bits = 0, held = 0;
  for (const std::uint8_t byte : in) {
    bits = (bits << 8 | byte) & 0xffff;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out += alphabet[bits >> held & 63];
    }
  }
  if (held > 0) out += alphabet[bits << (6 - held) & 63];
  return out;
}

std::optional<Bytes> decode(std::string_view text, std::string_view alphabet) {
  if (text.size() % 4 == 1) return std::nullopt;
  Bytes out;
  out.reserve(text.size() * 3 / 4);
  unsigned bits = 0, held = 0;
  for (const char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  // Two spellings of one value would defeat comparison of encoded forms.
  if ((bits & ((1U << held) - 1)) != 0) return std::nullopt;
  return out;
}

struct CodePoint {
  char32_t value = 0xfffd;
  std::size_t length = 1;  // bytes used
  bool valid = false;
};

CodePoint next_code_point(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return {first, 1, true};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return {};
  char32_t value = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (at(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length, true};
}

bool is_hidden(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
  if (c >= 0x200b && c <= 0x200f) return true;  // zero width, marks
  if (c >= 0x2028 && c <= 0x202e) return true;  // separators, bidi embeddings
  if (c >= 0x2060 && c <= 0x206f) return true;  // joiners, bidi isolates
  // Of the code points that are drawn as nothing (Unicode, Default_Ignorable_Code_Point, and blanks
  // of other scripts): letters can be written in them.
  constexpr std::pair<char32_t, char32_t> kDrawNothing[] =
      {
          {0x00ad, 0x00ad},   {0x034f, 0x034f},   {0x061c, 0x061c}, {0x115f, 0x1160},
          {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x2800, 0x2800}, {0x3164, 0x3164},
          {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0}, {0xfff0, 0xfffb},
          {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},  // tags, selectors
      };
  return std::ranges::any_of(kDrawNothing,
                             [c](const auto& span) { return c >= span.first && c <= span.second; });
}

}  // namespace

std::string to_base64url(ByteSpan bytes) { return encode(bytes, kUrlAlphabet); }
std::optional<Bytes> from_base64url(std::string_view text) { return decode(text, kUrlAlphabet); }

std::string to_base64(ByteSpan bytes) {
  std::string out = encode(bytes, kAlphabet);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return decode(text.substr(0, text.size() - padding), kAlphabet);
}

std::string to_hex(ByteSpan bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    if (!point.valid) return false;
    text.remove_prefix(point.length);
  }
  return true;
}

namespace {

bool is_plain(char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; }

/// How many characters at the beginning stand in JSON as they are; eight at a time.
std::size_t plain_run(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHigh = 0x8080808080808080U;
  const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHigh; };
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHigh;
    const std::uint64_t special = has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\')) |
                                  has_zero(word ^ (kOnes * 0x7f));
    if ((below_space | special | (word & kHigh)) != 0) break;
  }
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  if (plain_run(text) == text.size()) {
    const std::size_t at = out.size();
    out.append(text.size() + 2, '"');
    text.copy(out.data() + at + 1, text.size());
    return;
  }
  out += '"';
  while (!text.empty()) {
    // Most of it stands as it is, and is taken at once.
    const std::size_t plain = plain_run(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const char c = text.front();
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      text.remove_prefix(1);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      switch (c) {
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default: out += fmt::format("\\u{:04x}", static_cast<unsigned>(c)); break;
      }
      text.remove_prefix(1);
    } else {
      const CodePoint point = next_code_point(text);
      if (point.valid) {
        out += text.substr(0, point.length);
      } else {
        out += "\xef\xbf\xbd";
      }
      text.remove_prefix(point.length);
    }
  }
  out += '"';
}

std::string neutralise(std::string_view text, std::size_t max_bytes, Lines lines) {
  std::string out;
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    if (out.size() >= max_bytes) {
      out += fmt::format(" [{} more bytes]", text.size());
      break;
    }
    const bool line = point.value == '\n' || point.value == '\t';
    if (!point.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (is_hidden(point.value) && !(line && lines == Lines::keep)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(point.value));
    } else {
      out += text.substr(0, point.length);
    }
    text.remove_prefix(point.length);
  }
  return out;
}

}  // namespace hoop
