// SPDX-License-Identifier: Apache-2.0
// A client and a server of SFTP that say whatever they like, with a judge between them.
#include <cstddef>
#include <cstdint>

#include "core/access/path_pattern.h"
#include "protocols/ssh/sftp_session.h"

namespace {

using namespace hoop;

/// What we write is what anybody reads.
void check_requests(const Bytes& bytes) {
  for (ByteReader reader(bytes); !reader.empty();) {
    const auto packet = reader.take(reader.u32().value());
    const auto request = ssh::decode_sftp_request(packet.value());
    if (!request || request->type == ssh::SftpType::init) continue;
    Bytes again;
    ssh::append_sftp(again, *request);
    if (!std::equal(packet->begin(), packet->end(), again.begin() + 4, again.end()))
      __builtin_trap();
  }
}

void check_answers(const Bytes& bytes) {
  for (ByteReader reader(bytes); !reader.empty();) {
    const auto packet = reader.take(reader.u32().value());
    if (!ssh::decode_sftp_answer(packet.value())) __builtin_trap();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t moved = 0;
  ssh::SftpSession session(
      {[&moved](std::uint64_t, std::uint64_t more) {
         moved += more;
         return std::string(moved > 4096 ? "too much" : "");
       },
       size % 2 == 0
           ? std::function<Result<std::string>(std::string_view)>()
           : [](std::string_view name) { return Result<std::string>(std::string(name)); }});
  std::uint64_t action = 0;
  ByteReader reader(ByteSpan(data, size));
  while (!reader.empty()) {
    const std::uint8_t how = reader.u8().value();
    const std::size_t length = std::min<std::size_t>(
        how >> 2U == 63 ? reader.u16().value_or(0) : how >> 2U, reader.size());
    const ByteSpan piece = reader.take(length).value();
    if (!((how & 1U) != 0 ? session.from_client(piece) : session.from_target(piece))) break;
    while (const access::Action* wish = session.wish()) {
      for (const access::Resource& one : wish->resources) {
        if (!one.name.starts_with('/') || access::lexical_path({}, one.name) != one.name)
          __builtin_trap();
      }
      if (!((how & 2U) != 0 ? session.allow(++action) : session.refuse("no"))) return 0;
    }
    check_requests(session.take_for_target());
    check_answers(session.take_for_client());
    session.take_events();
  }
  session.end();
  std::uint64_t ended = 0;
  for (const auto& event : session.take_events()) {
    const auto* outcome = std::get_if<ssh::SftpOutcome>(&event);
    if (outcome != nullptr && (outcome->action == 0 || outcome->action > action)) __builtin_trap();
    ended += outcome != nullptr ? 1 : 0;
  }
  if (ended > action) __builtin_trap();
  return 0;
}
