// SPDX-License-Identifier: Apache-2.0
// The log reader takes files that anybody may have written; fed in pieces or at once it must say
// the same.
#include <cstdlib>

#include "core/record/session_log_reader.h"

using namespace hoop;

namespace {

struct Outcome {
  std::uint64_t records = 0;
  bool failed = false;
  bool sealed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(ByteSpan bytes, std::size_t piece) {
  record::LogReader reader;
  Outcome out;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    reader.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    for (;;) {
      auto record = reader.next();
      if (!record) {
        out.failed = true;
        return out;
      }
      if (!*record) break;
      ++out.records;
    }
  }
  const auto summary = reader.finish();
  out.failed = !summary;
  out.sealed = summary && summary->sealed;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  const Outcome whole = read(bytes, size == 0 ? 1 : size);
  const Outcome pieces = read(bytes, 7);
  if (whole.failed != pieces.failed || whole.sealed != pieces.sealed) std::abort();
  return 0;
}
