// SPDX-License-Identifier: Apache-2.0
// The property of PostgreSQL framing that both directions are held to: where the bytes are split
// changes nothing.
#pragma once

#include <algorithm>
#include <vector>

#include "protocols/postgres/message_reader.h"

namespace hoop::postgres::fuzz {

struct Cut {
  std::vector<Bytes> frames;
  bool failed = false;
  bool operator==(const Cut&) const = default;
};

/// Feeds bytes in parts of the given size and takes frames as they come.
inline Cut cut(ByteSpan bytes, std::size_t part, std::size_t max_message, Direction direction) {
  FrameReader reader(max_message);
  Cut out;
  while (!bytes.empty() && !out.failed) {
    const std::size_t size = std::min(part, bytes.size());
    reader.append(bytes.first(size));
    bytes = bytes.subspan(size);
    for (;;) {
      const auto frame = reader.next(direction);
      if (!frame) out.failed = true;
      if (!frame || !*frame) break;
      HOOP_ASSERT((*frame)->whole.size() <= max_message &&
                  (*frame)->body.size() + 5 == (*frame)->whole.size());
      out.frames.emplace_back((*frame)->whole.begin(), (*frame)->whole.end());
    }
  }
  return out;
}

/// Cuts whole, byte by byte, and in odd parts; all must agree.
inline Cut cut_every_way(ByteSpan bytes, Direction direction) {
  constexpr std::size_t kCap = 1U << 16;  // small, so that the fuzzer meets it
  Cut whole = cut(bytes, bytes.size() + 1, kCap, direction);
  HOOP_ASSERT(whole == cut(bytes, 1, kCap, direction));
  HOOP_ASSERT(whole == cut(bytes, 7, kCap, direction));
  return whole;
}

}  // namespace hoop::postgres::fuzz
