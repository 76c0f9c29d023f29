// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/agent_text.h"

#include <algorithm>

#include "core/base/encoding.h"

namespace hoop::ssh {
namespace {

bool is_plain(std::uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t' || byte == '\r';
}

std::size_t length_of(std::uint8_t first) {
  if (first >= 0xF0 && first <= 0xF4) return 4;
  if (first >= 0xE0) return first <= 0xEF ? 3 : 1;
  return first >= 0xC2 ? 2 : 1;
}

}  // namespace

Bytes AgentText::take(ByteSpan piece) {
  held_.insert(held_.end(), piece.begin(), piece.end());
  const Bytes all = std::exchange(held_, {});
  Bytes out;
  out.reserve(all.size());
  for (auto at = all.begin(); at != all.end();) {
    const auto run = std::find_if_not(at, all.end(), is_plain);
    out.insert(out.end(), at, run);
    at = run;
    if (at == all.end()) break;
    const auto left = static_cast<std::size_t>(all.end() - at);
    const std::size_t length = length_of(*at);
    if (left < length &&
        std::all_of(at + 1, all.end(), [](std::uint8_t byte) { return (byte & 0xC0U) == 0x80U; })) {
      held_.assign(at, all.end());
      break;
    }
    const std::string_view character(reinterpret_cast<const char*>(&*at), std::min(length, left));
    if (!is_utf8(character)) {
      // Of those that stand alone a terminal obeys these: they are sequences in eight bits.
      if (*at >= 0x80 && *at <= 0x9f) {
        const std::string shown = neutralise(character.substr(0, 1), 64, Lines::keep);
        out.insert(out.end(), shown.begin(), shown.end());
        ++changed_;
        ++at;
      } else {
        out.push_back(*at++);
      }
      continue;
    }
    const std::string shown = neutralise(character, 64, Lines::keep);
    if (shown != character) ++changed_;
    out.insert(out.end(), shown.begin(), shown.end());
    at += static_cast<std::ptrdiff_t>(length);
  }
  return out;
}

Bytes AgentText::finish() { return std::exchange(held_, {}); }

}  // namespace hoop::ssh
