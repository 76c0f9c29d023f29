// SPDX-License-Identifier: Apache-2.0
// Keys, and what a terminal shows, in any order.
#include <cstddef>
#include <cstdint>

#include "core/base/encoding.h"
#include "protocols/ssh/typed_lines.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hoop;
  ByteReader reader(ByteSpan(data, size));
  ssh::TypedLines lines(reader.u8().value_or(0), reader.u8().value_or(0));
  SteadyTime now{};
  while (!reader.empty()) {
    const std::uint8_t how = reader.u8().value();
    const ByteSpan piece = reader.take(std::min<std::size_t>(how >> 2U, reader.size())).value();
    switch (how & 3U) {
      case 0: lines.type(piece, now); break;
      case 1:
      case 2: lines.show(piece, now); break;
      default:
        lines.resize(how, piece.size());
        now += std::chrono::milliseconds(how);
        break;
    }
    for (const std::string& line : lines.take())
      if (line.empty() || line.size() > 5000) __builtin_trap();
  }
  return 0;
}
