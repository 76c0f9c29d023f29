// SPDX-License-Identifier: Apache-2.0
// A frame from a relay that is in a stranger's hands, or for one.
#include "protocols/ssh/relay_frames.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  const ByteSpan frame(data, size);
  const auto from = ssh::decode_from_relay(frame);
  if (from) {
    // There is one way to write each.
    const Bytes again = ssh::encode(*from);
    if (as_text(again) != as_text(frame)) {
      // But for text of a peer that is cut.
      if (!std::holds_alternative<ssh::RelayFailed>(*from)) __builtin_trap();
    }
  }
  const auto to = ssh::decode_to_relay(frame);
  if (to && as_text(ssh::encode(*to)) != as_text(frame)) __builtin_trap();
  if (from && to) __builtin_trap();
  return 0;
}
