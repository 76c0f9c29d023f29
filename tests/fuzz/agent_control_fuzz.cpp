// SPDX-License-Identifier: Apache-2.0
// What either end of an agent's control stream may be sent: the reader says the same of the bytes
// however they are cut, holds no more than a frame, and every message has one encoding.
#include <algorithm>

#include "core/session/agent_frames.h"

namespace {

using namespace hoop;
using namespace hoop::session;

struct Trace {
  std::vector<ControlMessage> messages;
  std::string failure;
  bool operator==(const Trace&) const = default;
};

Trace read(ControlReader::Sender sender, ByteSpan bytes, std::size_t piece) {
  ControlReader reader(sender);
  Trace trace;
  while (!bytes.empty()) {
    ByteSpan in = bytes.first(std::min(piece, bytes.size()));
    bytes = bytes.subspan(in.size());
    for (;;) {
      auto message = reader.next(in);
      if (!message) {
        trace.failure = message.error().message;
        return trace;
      }
      if (!*message) break;
      trace.messages.push_back(std::move(**message));
    }
    HOOP_ASSERT(in.empty());
  }
  return trace;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto sender =
      data[0] % 2 == 0 ? ControlReader::Sender::gateway : ControlReader::Sender::agent;
  const ByteSpan bytes(data + 1, size - 1);
  const auto whole = read(sender, bytes, bytes.size());
  HOOP_ASSERT(read(sender, bytes, 1) == whole);
  HOOP_ASSERT(read(sender, bytes, 1 + data[0] % bytes.size()) == whole);
  Bytes again;
  for (const ControlMessage& message : whole.messages) append_control(again, message);
  HOOP_ASSERT(again.size() <= bytes.size() &&
              std::equal(again.begin(), again.end(), bytes.begin()));
  return 0;
}
