// SPDX-License-Identifier: Apache-2.0
// A binary COPY in pieces: the units are the same however it is cut, lie side by side, and hold
// their fields; nothing that came is lost.
#include "protocols/postgres/binary_copy.h"

namespace {

using namespace hoop;
using namespace hoop::postgres;

struct Taken {
  Bytes bytes;
  std::vector<std::size_t> units;
  bool failed = false;
  bool operator==(const Taken&) const = default;
};

Taken taken(ByteSpan stream, std::size_t piece) {
  BinaryCopyReader reader;
  Taken out;
  for (std::size_t at = 0; at < stream.size() && !out.failed; at += piece) {
    if (!reader.add(stream.subspan(at, std::min(piece, stream.size() - at)))) std::abort();
    for (;;) {
      const auto unit = reader.next();
      out.failed = !unit;
      if (!unit || *unit == nullptr) break;
      const ByteSpan whole = (*unit)->whole;
      const std::uint8_t* last = whole.data();
      for (const auto& field : (*unit)->fields) {
        if (!field) continue;
        HOOP_ASSERT(field->data() >= last && field->size() <= whole.size());
        last = field->data() + field->size();
      }
      HOOP_ASSERT(last <= whole.data() + whole.size());
      out.units.push_back((*unit)->fields.size());
      out.bytes.insert(out.bytes.end(), whole.begin(), whole.end());
    }
  }
  if (!out.failed && reader.at_end()) HOOP_ASSERT(out.bytes.size() == stream.size());
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan stream(data + 1, size - 1);
  const Taken whole = taken(stream, stream.size() + 1);
  HOOP_ASSERT(taken(stream, std::size_t{1} + data[0] % 32) == whole);
  return 0;
}
