// SPDX-License-Identifier: Apache-2.0
// What a log keeps of a reply, in pieces: the lines are the same however it is cut, and no terminal
// obeys one.
#include "protocols/postgres/recorded_reply.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/base/error.h"

namespace {

using namespace hoop;

struct Shown {
  std::vector<std::string> lines;
  bool cut = false;
  bool operator==(const Shown&) const = default;
};

Shown shown(ByteSpan bytes, std::size_t piece) {
  postgres::RecordedReply reply;
  Shown out;
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    reply.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)),
               [&out](std::string line) { out.lines.push_back(std::move(line)); });
  out.cut = reply.was_cut();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan bytes(data, size);
  const Shown whole = shown(bytes, size);
  HOOP_ASSERT(shown(bytes, 1) == whole && shown(bytes, 7) == whole);
  for (const std::string& line : whole.lines)
    HOOP_ASSERT(std::none_of(line.begin(), line.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    }));
  return 0;
}
