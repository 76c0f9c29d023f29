// SPDX-License-Identifier: Apache-2.0
// The monitor of one relay: judges what its client asks for, masks what its target says, and has
// both recorded before they pass.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/session/handler.h"
#include "protocols/ssh/byte_budget.h"
#include "protocols/ssh/relay_frames.h"

namespace hoop::ssh {

struct RelayProgram;

class RelayMonitor {
 public:
  /// All outlive it. connection numbers the client's connection in the session.
  RelayMonitor(session::SessionContext context, std::uint64_t connection, ByteBudget& budget,
               net::Stream& relay);
  ~RelayMonitor();
  RelayMonitor(const RelayMonitor&) = delete;
  RelayMonitor& operator=(const RelayMonitor&) = delete;

  /// Until the relay is gone. Fails with what the relay or the record failed with; malformed for a
  /// relay that breaks the protocol: then nothing more of it is believed.
  Task<void> run(RelaySetup setup);
  /// Makes run() tell the client why its session ends, and end it.
  void end(std::string reason);

 private:
  Task<void> take(FromRelay frame);
  Task<void> judge(RelayAsk ask);
  Result<void> resized(const RelayResized& size);
  Task<void> pass(RelayOutput output);
  Task<void> pass_sftp(RelayProgram& channel, RelayOutput output);
  Task<void> pass_in_pieces(std::uint32_t channel, RelayStream stream, Bytes bytes,
                            std::optional<std::uint32_t> answers);
  Task<void> stop(std::uint32_t number, RelayProgram& channel, std::string event,
                  std::string words);
  Task<void> charge(std::uint32_t number, RelayProgram& channel, Bytes& output);
  Result<void> record_output(RelayProgram& channel, RelayStream stream, ByteSpan masked);
  Result<void> record_typed(RelayProgram& channel, ByteSpan shown);
  Result<void> note_terminal(const RelayAsk& ask, const session::Admitted& admitted);
  Result<void> end(RelayProgram& channel, std::string status);
  /// What is held back has waited long enough.
  Task<void> flush();
  bool holds() const;
  Task<void> send(const ToRelay& frame);

  session::SessionContext context_;
  std::uint64_t connection_;
  ByteBudget& budget_;
  net::Stream& relay_;
  std::map<std::uint32_t, std::unique_ptr<RelayProgram>> channels_;
  std::map<std::uint32_t, RelayAsk> terminals_;  // by channel: that were allowed
  std::optional<Error> failed_;
  std::optional<std::string> ending_;  // the reason, until the relay has been told
  bool told_ = false;
};

}  // namespace hoop::ssh
