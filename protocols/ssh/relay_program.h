// SPDX-License-Identifier: Apache-2.0
// What runs at the target on one channel, and what the monitor knows of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/mask/stream_masker.h"
#include "core/session/handler.h"
#include "protocols/ssh/agent_text.h"
#include "protocols/ssh/relay_frames.h"
#include "protocols/ssh/sftp_channel.h"
#include "protocols/ssh/typed_lines.h"

namespace hoop::ssh {

/// A program that runs at the target, and what it has said.
struct RelayProgram {
  RelayProgram(session::Admitted by, mask::Masker& masker, SteadyTime now)
      : admitted(by), began(now), out(masker), err(masker) {}
  session::Admitted admitted;
  SteadyTime began;
  mask::StreamMasker out, err;
  std::uint64_t bytes = 0;     // released
  std::uint64_t reported = 0;  // of them, in a record
  std::uint64_t kept = 0;      // of them, in the log
  bool ended = false;
  bool stopped = false;  // nothing of it goes on
  bool has_terminal = false;
  bool is_cut = false;                          // the log has as much of it as it takes
  std::unique_ptr<SftpChannel> sftp;            // where it is that
  std::optional<TypedLines> typed;              // where it has a terminal
  std::size_t typed_lines = 0;                  // in the log
  std::string destination;                      // of a forward
  std::optional<AgentText> out_text, err_text;  // where an agent reads it
  /// Of input, which is answered when the client may go on.
  std::optional<std::uint32_t> unanswered;
  mask::StreamMasker& of(RelayStream stream) { return stream == RelayStream::err ? err : out; }

  void is_read_by_an_agent() {
    out_text.emplace();
    err_text.emplace();
  }
  /// As its client reads it. ends: nothing more comes of that stream.
  Bytes shown(RelayStream stream, Bytes masked, bool ends = false);
  /// What the agent must know of it.
  std::string words_on_changes() const;
  /// For its record.
  record::ReplyEnd outcome(const mask::Masker& masker, std::string status) const;
};

}  // namespace hoop::ssh
