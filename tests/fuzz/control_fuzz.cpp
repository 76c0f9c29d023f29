// SPDX-License-Identifier: Apache-2.0
// Whatever either side of a control channel sends: refused, or a message that writes and reads as
// itself; and lines come out the same however the bytes are cut.
#include <cstdlib>

#include "core/session/control.h"

using namespace hoop;
using namespace hoop::session;

namespace {

std::vector<std::string> lines_of(ByteSpan bytes, std::size_t piece) {
  LineSplitter splitter(512);
  std::vector<std::string> out;
  for (std::size_t from = 0; from < bytes.size(); from += piece) {
    splitter.feed(bytes.subspan(from, std::min(piece, bytes.size() - from)));
    for (;;) {
      auto line = splitter.next();
      if (!line) return out;
      if (!*line) break;
      out.push_back(std::move(**line));
    }
  }
  return out;
}

template <class Message, class Decode>
void check(std::string_view line, const Decode& decode) {
  const Result<Message> message = decode(line);
  if (!message) return;
  std::string written = encode(*message);
  if (written.empty() || written.back() != '\n') std::abort();
  written.pop_back();
  const Result<Message> again = decode(written);
  if (!again || encode(*again) != written + '\n') std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteSpan bytes(data, size);
  const auto whole = lines_of(bytes, size + 1);
  if (whole != lines_of(bytes, 1)) std::abort();
  for (const std::string& line : whole) {
    check<FromGateway>(line, decode_from_gateway);
    check<FromClient>(line, decode_from_client);
  }
  return 0;
}
