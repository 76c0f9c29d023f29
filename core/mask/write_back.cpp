// SPDX-License-Identifier: Apache-2.0
#include "core/mask/write_back.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/mask/span.h"

namespace hoop::mask {
namespace {

constexpr std::string_view kRedacted = "[redacted]";
constexpr std::string_view kHashed = "hmac:";
constexpr std::size_t kHashDigits = 32;
constexpr std::string_view kHidden = "****";
constexpr std::string_view kAddress = "***@";
constexpr int kShown = 4;
// "hmac:" and its digits; the others are shorter.
constexpr std::size_t kLongest = kHashed.size() + kHashDigits;

bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool has_hash(std::string_view text) {
  for (auto at = text.find(kHashed); at != std::string_view::npos;
       at = text.find(kHashed, at + 1)) {
    const std::string_view digits = text.substr(at + kHashed.size()).substr(0, kHashDigits);
    if (digits.size() == kHashDigits && std::ranges::all_of(digits, is_lower_hex)) return true;
  }
  return false;
}

/// One character before the stars, which are three, and a host behind.
bool has_address(std::string_view text) {
  for (auto at = text.find(kAddress); at != std::string_view::npos;
       at = text.find(kAddress, at + 1)) {
    const std::size_t host = at + kAddress.size();
    const bool hosted = host < text.size() && (is_alnum(text[host]) || is_high(text[host]));
    if (at > 0 && text[at - 1] != '*' && text[at - 1] != ' ' && hosted) return true;
  }
  return false;
}

/// The end of the character at at.
std::size_t character_end(std::string_view text, std::size_t at) {
  ++at;
  while (at < text.size() && continues_character(text[at])) ++at;
  return at;
}

/// Four stars and no more, and four letters or digits that end a word: neither a rule of stars nor
/// bold text.
bool has_last_characters(std::string_view text) {
  for (auto at = text.find(kHidden); at != std::string_view::npos;) {
    const std::size_t end = run_end(text, at, [](char c) { return c == '*'; });
    std::size_t next = end;
    int shown = 0;
    for (; shown < kShown && next < text.size() && (is_alnum(text[next]) || is_high(text[next]));
         ++shown)
      next = character_end(text, next);
    const bool ends =
        next >= text.size() || (!is_alnum(text[next]) && !is_high(text[next]) && text[next] != '*');
    if (end - at == kHidden.size() && shown == kShown && ends) return true;
    at = text.find(kHidden, end);
  }
  return false;
}

/// The same with any four characters, where they are all that there is.
bool is_last_characters(std::string_view text) {
  if (!text.starts_with(kHidden)) return false;
  std::size_t at = kHidden.size();
  int shown = 0;
  for (; shown < kShown && at < text.size(); ++shown) at = character_end(text, at);
  return shown == kShown && at == text.size() && text[kHidden.size()] != '*';
}

}  // namespace

bool carries_mask(std::string_view text) {
  if (text.find(kRedacted) != std::string_view::npos) return true;
  return has_hash(text) || has_address(text) || has_last_characters(text) ||
         is_last_characters(text);
}

bool MaskWatch::carries_mask(ByteSpan piece) {
  const std::string_view text = as_text(piece);
  // Most pieces are whole rows, and are looked at where they lie.
  if (!tail_.empty()) {
    tail_.append(text.substr(0, std::min(text.size(), kLongest)));
    if (mask::carries_mask(tail_)) return true;
  }
  if (text.size() >= kLongest) {
    tail_.assign(text.substr(text.size() - kLongest));
  } else if (tail_.empty()) {
    tail_.assign(text);
  } else if (tail_.size() > kLongest) {
    tail_.erase(0, tail_.size() - kLongest);
  }
  return mask::carries_mask(text);
}

}  // namespace hoop::mask
