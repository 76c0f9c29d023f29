// SPDX-License-Identifier: Apache-2.0
// Channels of SFTP, in both directions through the monitor.
#include <utility>

#include "protocols/ssh/relay_monitor.h"
#include "protocols/ssh/relay_program.h"

namespace hoop::ssh {

Task<void> RelayMonitor::pass_sftp(RelayProgram& channel, RelayOutput output) {
  const bool is_input = output.stream == RelayStream::in;
  const Result<void> taken =
      is_input ? channel.sftp->take_input(output.data) : channel.sftp->take_output(output.data);
  if (!taken && taken.error().code == ErrorCode::malformed) {
    HOOP_CO_CHECK(co_await stop(output.channel, channel, "sftp_failed", taken.error().message));
    co_return co_await pass_in_pieces(output.channel, output.stream, {}, output.number);
  }
  HOOP_CO_CHECK(taken);
  std::optional<std::uint32_t> answers;
  if (is_input) {
    channel.unanswered = output.number;
  } else {
    answers = output.number;
  }
  co_return co_await pass_sftp_on(output.channel, channel, answers);
}

/// answers: a question about what the target has said.
Task<void> RelayMonitor::pass_sftp_on(std::uint32_t number, RelayProgram& channel,
                                      std::optional<std::uint32_t> answers) {
  Bytes words = to_bytes(channel.sftp->take_words());
  HOOP_CO_CHECK(co_await pass_in_pieces(number, RelayStream::err, std::move(words), {}));
  HOOP_CO_CHECK(
      co_await pass_in_pieces(number, RelayStream::out, channel.sftp->take_for_client(), answers));
  answers.reset();
  // What was its last word is answered in any case: no more comes.
  if (!channel.sftp->is_stalled()) answers = std::exchange(channel.unanswered, {});
  co_return co_await pass_in_pieces(number, RelayStream::in, channel.sftp->take_for_target(),
                                    answers);
}

Task<void> RelayMonitor::go_on_with_sftp(std::uint32_t number, session::Verdict verdict) {
  const auto found = channels_.find(number);
  if (found == channels_.end() || !found->second->sftp) co_return Result<void>{};
  RelayProgram& channel = *found->second;
  if (const auto going = channel.sftp->decided(verdict); !going) {
    if (going.error().code != ErrorCode::malformed) co_return going;
    co_return co_await stop(number, channel, "sftp_failed", going.error().message);
  }
  co_return co_await pass_sftp_on(number, channel, {});
}

}  // namespace hoop::ssh
