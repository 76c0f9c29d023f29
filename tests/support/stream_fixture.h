// SPDX-License-Identifier: Apache-2.0
// Bytes to send over a stream and to compare at its other end.
#pragma once

#include <algorithm>

#include "core/net/stream.h"

namespace hoop::test {

/// size bytes that differ from their neighbours, and from those of another seed.
inline Bytes pattern(std::size_t size, std::uint8_t seed) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(seed + i * 7 + i / 251);
  return out;
}

inline Task<Bytes> read_to_end(net::Stream& stream) {
  Bytes all;
  Bytes buffer(16384);
  for (;;) {
    HOOP_CO_TRY(const auto count, co_await stream.read_some(buffer));
    if (count == 0) co_return all;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

/// How the parts of a write went that was begun by start_write().
struct PartCounts {
  int at_once = 0;
  int waited = 0;
};

inline Task<void> write_in_parts(net::Stream& stream, const Bytes& bytes, std::size_t part,
                                 PartCounts& counts) {
  for (ByteSpan rest = bytes; !rest.empty();) {
    const auto now = rest.first(std::min(part, rest.size()));
    auto writing = stream.start_write(now);
    Result<void> written;
    if (writing.ready()) {
      ++counts.at_once;
      written = writing.take();
    } else {
      ++counts.waited;
      written = co_await writing.wait();
    }
    if (!written) co_return written;
    rest = rest.subspan(now.size());
  }
  co_return co_await stream.shutdown_write();
}

inline Task<void> write_and_end(net::Stream& stream, const Bytes& bytes) {
  HOOP_CO_CHECK(co_await stream.write_all(bytes));
  co_return co_await stream.shutdown_write();
}

}  // namespace hoop::test
