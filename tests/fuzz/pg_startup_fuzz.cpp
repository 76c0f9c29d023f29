// SPDX-License-Identifier: Apache-2.0
// The untagged packets before authentication: independent of splits, and what is let through names
// nothing that is not on the list.
#include <algorithm>

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/startup.h"

namespace {

using namespace hoop;
using namespace hoop::postgres;

std::vector<Bytes> packets(ByteSpan bytes, std::size_t part) {
  FrameReader reader;
  std::vector<Bytes> out;
  while (!bytes.empty()) {
    const std::size_t size = std::min(part, bytes.size());
    reader.append(bytes.first(size));
    bytes = bytes.subspan(size);
    for (;;) {
      const auto frame = reader.next_startup();
      if (!frame) return out;
      if (!*frame) break;
      out.emplace_back((*frame)->body.begin(), (*frame)->body.end());
    }
  }
  return out;
}

void check(const Startup& startup) {
  HOOP_ASSERT(!startup.parameters.empty() && startup.parameters[0].first == "user");
  std::vector<std::string> names;
  for (const auto& [name, value] : startup.parameters) {
    HOOP_ASSERT(name == "user" || name == "database" || is_session_setting(name));
    HOOP_ASSERT(name != "client_encoding" || value == "UTF8");
    HOOP_ASSERT(std::find(names.begin(), names.end(), name) == names.end());
    names.push_back(name);
  }
  // What was let through is let through again, unchanged.
  Bytes again;
  append_startup_message(again, kProtocol30, startup.parameters);
  const auto packet = decode_startup_packet(ByteSpan(again).subspan(4));
  HOOP_ASSERT(packet.has_value());
  const auto second = judge_startup(std::get<StartupMessage>(*packet));
  HOOP_ASSERT(second && second->parameters == startup.parameters);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto whole = packets({data, size}, size + 1);
  HOOP_ASSERT(whole == packets({data, size}, 1));
  for (const Bytes& body : whole) {
    const auto packet = decode_startup_packet(body);
    if (!packet) continue;
    const auto* message = std::get_if<StartupMessage>(&*packet);
    if (message == nullptr) continue;
    if (const auto startup = judge_startup(*message)) check(*startup);
  }
  return 0;
}
