// SPDX-License-Identifier: Apache-2.0
// What either end of a tunnel may be sent: the reader says the same of the bytes however they are
// cut and holds no more than its caps; an opening that is taken has one encoding.
#include <algorithm>

#include "core/session/tunnel_frames.h"

namespace {

using namespace hoop;
using namespace hoop::session;
using Event = FrameReader::Event;

struct Trace {
  Bytes data;
  std::vector<Event> events;  // data apart
  std::vector<Bytes> payloads;
  std::string failure;
  bool operator==(const Trace&) const = default;
};

Trace read(FrameReader::Sender sender, ByteSpan bytes, std::size_t first, std::size_t piece) {
  FrameReader reader(sender);
  Trace trace;
  for (std::size_t size = first; !bytes.empty(); size = piece) {
    ByteSpan in = bytes.first(std::min(size, bytes.size()));
    bytes = bytes.subspan(in.size());
    for (;;) {
      const auto event = reader.next(in);
      if (!event) {
        trace.failure = event.error().message;
        return trace;
      }
      HOOP_ASSERT(reader.payload().size() <= kMaxOpening);
      if (*event == Event::need_more) break;
      if (*event == Event::data) {
        HOOP_ASSERT(!reader.data().empty());
        trace.data.insert(trace.data.end(), reader.data().begin(), reader.data().end());
        continue;
      }
      trace.events.push_back(*event);
      trace.payloads.emplace_back(reader.payload().begin(), reader.payload().end());
    }
    HOOP_ASSERT(in.empty());
  }
  return trace;
}

void check_opening(ByteSpan payload) {
  const auto opening = decode_opening(payload);
  if (!opening) return;
  const auto again = encode_opening(*opening);
  HOOP_ASSERT(again ? std::equal(again->begin(), again->end(), payload.begin(), payload.end())
                    : payload.size() > kMaxOpening);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto sender = data[0] % 2 == 0 ? FrameReader::Sender::client : FrameReader::Sender::gateway;
  const ByteSpan bytes(data + 1, size - 1);
  const auto whole = read(sender, bytes, bytes.size(), bytes.size());
  HOOP_ASSERT(read(sender, bytes, 1, 1) == whole);
  HOOP_ASSERT(read(sender, bytes, 1 + data[0] % bytes.size(), bytes.size()) == whole);
  for (std::size_t i = 0; i < whole.events.size(); ++i)
    if (whole.events[i] == Event::opening) check_opening(whole.payloads[i]);
  check_opening(bytes);
  return 0;
}
