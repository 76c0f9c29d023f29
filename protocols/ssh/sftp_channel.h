// SPDX-License-Identifier: Apache-2.0
// A channel of SFTP as the monitor has it: each file judged, what moves counted and recorded.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "core/session/handler.h"
#include "protocols/ssh/byte_budget.h"
#include "protocols/ssh/sftp_session.h"

namespace hoop::ssh {

/// Asks the gate; nullopt: somebody has to approve, and decided() is called with what comes of it.
using AskGate = std::function<std::optional<session::Verdict>(const access::Action&)>;

class SftpChannel {
 public:
  /// All outlive it.
  SftpChannel(session::SessionContext context, std::uint64_t connection, ByteBudget& budget,
              AskGate ask);

  /// A piece of either side: judged, and recorded, as far as it can be. Fail with malformed when
  /// what that side says cannot be followed any more.
  Result<void> take_input(ByteSpan piece);
  Result<void> take_output(ByteSpan piece);

  /// Of what waits: it goes on, as after a piece.
  Result<void> decided(const session::Verdict& verdict);

  /// What goes on then.
  Bytes take_for_target() { return sftp_.take_for_target(); }
  Bytes take_for_client() { return sftp_.take_for_client(); }
  /// Lines for the user, of what was refused.
  std::string take_words() { return std::exchange(words_, {}); }
  /// The client should send no more for now.
  bool is_stalled() const { return sftp_.is_stalled(); }
  /// It is over: what was not through is recorded as lost.
  Result<void> end();

 private:
  Result<void> judge();
  Result<void> apply(const session::Verdict& verdict);
  Result<void> record();
  Result<void> record(const SftpOutcome& outcome);
  Result<void> record(const SftpTransfer& transfer, std::uint64_t action);
  void say(std::string_view words);

  session::SessionContext context_;
  std::uint64_t connection_;
  SftpSession sftp_;
  AskGate ask_;
  bool waits_ = false;  // what is wished for next, for somebody to approve it
  std::map<std::uint64_t, session::Admitted> running_;
  std::string words_;
  unsigned lines_ = 0;
};

}  // namespace hoop::ssh
