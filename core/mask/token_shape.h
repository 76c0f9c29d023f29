// SPDX-License-Identifier: Apache-2.0
// What tokens have in common: where they begin and end, and that they are random.
#pragma once

#include <algorithm>
#include <bitset>
#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// No issuer comes near; keeps a hostile run of token characters cheap.
inline constexpr std::size_t kMostToken = 4096;

inline std::size_t distinct(std::string_view text) {
  std::bitset<256> seen;
  for (const char c : text) seen.set(static_cast<unsigned char>(c));
  return seen.count();
}

inline bool has_digit(std::string_view text) { return std::ranges::any_of(text, is_digit); }

/// "xxxxxxxx" and "YOUR_TOKEN_HERE" are what documentation holds, not secrets.
inline bool looks_random(std::string_view text) { return distinct(text) >= 8 && has_digit(text); }

inline bool begins_token(std::string_view text, std::size_t at) {
  return begins_word(text, at) && (at == 0 || text[at - 1] != '_');
}

template <class Predicate>
std::size_t token_end(std::string_view text, std::size_t at, Predicate predicate,
                      std::size_t most = kMostToken) {
  return run_end(text.substr(0, std::min(text.size(), at + most)), at, predicate);
}

}  // namespace hoop::mask
