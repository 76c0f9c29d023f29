// SPDX-License-Identifier: Apache-2.0
#include "gateway/ids.h"

namespace hoop::gateway {

std::string new_id(std::string_view prefix, Random& random) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const Bytes bytes = random.bytes(16);
  std::string out(prefix);
  unsigned bits = 0, held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xffff;
    for (held += 8; held >= 5;) {
      held -= 5;
      out += kAlphabet[bits >> held & 31];
    }
  }
  out += kAlphabet[bits << (5 - held) & 31];
  return out;
}

std::string new_session_id(Random& random) { return new_id("s_", random); }

}  // namespace hoop::gateway
