// SPDX-License-Identifier: Apache-2.0
// A byte range of a field, and the character classes that the detectors share. ASCII only: no
// locale.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace hoop::mask {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_letter(char c) { return is_upper(c) || is_lower(c); }
constexpr bool is_alnum(char c) { return is_digit(c) || is_letter(c); }
constexpr bool is_lower_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }
constexpr bool is_base64(char c) { return is_alnum(c) || c == '+' || c == '/'; }
constexpr bool is_base64url(char c) { return is_alnum(c) || c == '-' || c == '_'; }
/// A byte of a character in UTF-8 other than its first.
constexpr bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
}

/// True if the letter at at is the second half of an escape like \n: inside JSON the text proper
/// begins after it.
constexpr bool is_escape_letter(std::string_view text, std::size_t at) {
  if (at == 0 || text[at - 1] != '\\') return false;
  const char c = text[at];
  return c == 'n' || c == 'r' || c == 't' || c == 'b' || c == 'f';
}

/// True if a word may begin at at: nothing, or no letter or digit, stands before it.
constexpr bool begins_word(std::string_view text, std::size_t at) {
  return at == 0 || !is_alnum(text[at - 1]) || is_escape_letter(text, at - 1);
}
constexpr bool ends_word(std::string_view text, std::size_t at) {
  return at >= text.size() || !is_alnum(text[at]);
}

/// The end of the run of characters that predicate accepts, from at on.
template <class Predicate>
constexpr std::size_t run_end(std::string_view text, std::size_t at, Predicate predicate) {
  while (at < text.size() && predicate(text[at])) ++at;
  return at;
}

}  // namespace hoop::mask
