// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_monitor.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "protocols/ssh/command_line.h"
#include "protocols/ssh/recorded_action.h"
#include "protocols/ssh/relay_action.h"
#include "protocols/ssh/relay_program.h"

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostChannels = 256;
constexpr std::chrono::milliseconds kSilence{20};  // then what is held back goes out: a prompt
constexpr std::chrono::seconds kLastWords{2};      // for a relay that was told to end
constexpr std::string_view kSftp = "sftp";
// design "Rules", 2: as for replies of a database.
constexpr std::uint64_t kProgressBytes = 1U << 20;
constexpr std::size_t kMostTypedLines = 10'000;  // of a program

bool forwards(RelayAct act) { return act == RelayAct::forward || act == RelayAct::accepted; }

/// Whether something is done by it, and not for what comes after.
bool acts(RelayAct act) { return act != RelayAct::pty && act != RelayAct::env; }

/// Whether a channel comes of it.
bool begins(RelayAct act) {
  return act == RelayAct::shell || act == RelayAct::exec || act == RelayAct::subsystem ||
         forwards(act);
}

}  // namespace

RelayMonitor::RelayMonitor(session::SessionContext context, std::uint64_t connection,
                           ByteBudget& budget, net::Stream& relay)
    : context_(context),
      connection_(connection),
      budget_(budget),
      relay_(relay),
      waits_(relay.executor()) {}
RelayMonitor::~RelayMonitor() = default;

Task<void> RelayMonitor::send(const ToRelay& frame) {
  session::DownstreamBatch batch;
  append_framed(batch.bytes(), encode(frame));
  // Commits first: what the log says of this stands there before the relay hears it.
  co_return co_await finished(context_.gate.deliver(batch, relay_));
}

void RelayMonitor::end(std::string reason) {
  if (!ending_) ending_ = std::move(reason);
  relay_.set_deadline(Deadline::at(context_.clock.steady_now()));  // wakes what reads
}

Task<void> RelayMonitor::run(RelaySetup setup) {
  if (ending_) {
    setup.obstacle = *ending_;
    setup.key = {};
    setup.static_key = {};
    ending_.reset();
    relay_.set_deadline(Deadline::after(context_.clock, kLastWords));
  }
  {
    Bytes bytes;
    append_framed(bytes, encode(ToRelay(std::move(setup))));
    const Result<void> sent = co_await relay_.write_all(bytes);
    wipe(bytes.data(), bytes.size());
    HOOP_CO_CHECK(sent);
  }
  ByteQueue buffer;
  Result<void> outcome;
  for (;;) {
    const auto bytes = next_frame(buffer.view());
    if (!bytes) {
      outcome = std::unexpected(bytes.error());
      break;
    }
    if (*bytes) {
      auto frame = decode_from_relay(**bytes);
      if (!frame) {
        outcome = std::unexpected(std::move(frame).error());
        break;
      }
      buffer.drop(kFramePrefix + (*bytes)->size());
      outcome = co_await take(std::move(*frame));
      if (!outcome) break;
      continue;
    }
    if (has_news() && !ending_) {
      outcome = co_await take_news();
      if (!outcome) break;
      continue;
    }
    if (ending_ && !told_) {
      told_ = true;
      // Not by the gate, through which nothing passes any more once access has ended.
      Bytes last;
      append_framed(last, encode(ToRelay(RelayEnd{*ending_})));
      outcome = co_await relay_.write_all(last);
      if (!outcome) break;
    }
    if (told_) {
      relay_.set_deadline(Deadline::after(context_.clock, kLastWords));
    } else if (holds()) {
      relay_.set_deadline(Deadline::after(context_.clock, kSilence));
    }
    reading_ = true;
    const auto count = co_await relay_.read_some(buffer.make_room(kMaxFrame));
    reading_ = false;
    buffer.keep(count.value_or(0));
    relay_.set_deadline(Deadline::never());
    if (!count && count.error().code == ErrorCode::timeout) {
      if (told_) break;
      outcome = co_await flush();
      if (!outcome) break;
      continue;
    }
    if (!count || *count == 0) break;
  }
  // Nobody is there any more to see what would come of it.
  context_.gate.give_up_waiting(connection_);
  co_await waits_.join();
  const Result<void> late = record_too_late();
  if (outcome && !late) outcome = late;
  // Whatever still ran: its end is not known.
  for (const auto& [number, channel] : channels_) {
    const Result<void> ended = end(*channel, "lost");
    if (outcome && !ended) outcome = ended;
  }
  if (outcome && failed_) outcome = std::unexpected(*failed_);
  co_return outcome;
}

Task<void> RelayMonitor::take(FromRelay frame) {
  if (auto* ask = std::get_if<RelayAsk>(&frame)) co_return co_await judge(std::move(*ask));
  if (auto* output = std::get_if<RelayOutput>(&frame)) co_return co_await pass(std::move(*output));
  if (const auto* ready = std::get_if<RelayReady>(&frame)) {
    if (std::ranges::find(context_.grant.logins, ready->user) == context_.grant.logins.end())
      co_return fail(ErrorCode::malformed, "an SSH relay names a login that the session has not");
    login_ = ready->user;
    co_return context_.gate.note({"ssh_target",
                                  {{"connection", std::to_string(connection_)},
                                   {"login", neutralise(ready->user, 64, Lines::escape)},
                                   {"host_key", ready->host_key},
                                   {"banner", ready->banner}}});
  }
  if (const auto* failed = std::get_if<RelayFailed>(&frame)) {
    failed_ = failed->error;
    co_return context_.gate.note(
        {"ssh_failed", {{"code", std::string(to_string(failed->error.code))}}});
  }
  if (const auto* size = std::get_if<RelayResized>(&frame)) co_return resized(*size);
  if (const auto* typed = std::get_if<RelayTyped>(&frame)) {
    const auto found = channels_.find(typed->channel);
    if (found != channels_.end() && found->second->typed)
      found->second->typed->type(typed->data, context_.clock.steady_now());
    co_return Result<void>{};
  }
  const auto& ended = std::get<RelayEnded>(frame);
  terminals_.erase(ended.channel);
  give_up(ended.channel);
  const auto found = channels_.find(ended.channel);
  if (found == channels_.end()) co_return Result<void>{};  // it was denied, or never began
  std::string status = ended.has_status ? fmt::format("exit {}", ended.status)
                       : ended.signal.empty()
                           ? std::string("closed")
                           : "signal " + neutralise(ended.signal, 16, Lines::escape);
  if (!found->second->destination.empty()) {
    status = ended.has_status ? "refused by the target" : "closed";
    found->second->bytes = ended.out;
    HOOP_CO_CHECK(context_.gate.note({"forward",
                                      {{"action", std::to_string(found->second->admitted.id())},
                                       {"destination", found->second->destination},
                                       {"sent", std::to_string(ended.in)},
                                       {"received", std::to_string(ended.out)}}}));
  }
  const Result<void> recorded = end(*found->second, std::move(status));
  channels_.erase(found);
  co_return recorded;
}

Result<void> RelayMonitor::resized(const RelayResized& size) {
  const auto found = channels_.find(size.channel);
  if (found == channels_.end()) return {};
  if (found->second->typed) found->second->typed->resize(size.columns, size.rows);
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(
      context_.clock.steady_now() - found->second->began);
  return context_.gate.note({"resized",
                             {{"action", std::to_string(found->second->admitted.id())},
                              {"milliseconds", std::to_string(after.count())},
                              {"columns", std::to_string(size.columns)},
                              {"rows", std::to_string(size.rows)}}});
}

Task<void> RelayMonitor::judge(RelayAsk ask) {
  access::Action action = action_of(ask);
  const Result<void> cleaned = clean_for_log(action, context_.masker);
  RelayVerdict verdict{ask.number, false, {}};
  if (begins(ask.act) && (channels_.contains(ask.channel) || is_awaited(ask.channel)))
    co_return fail(ErrorCode::malformed, "an SSH relay begins two programs on one channel");
  if (!cleaned) {
    verdict.message = "the command cannot be recorded";
  } else if (context_.grant.only && acts(ask.act) &&
             (ask.act != RelayAct::exec || action.digest != *context_.grant.only)) {
    // The host was told of one command, and would run that; also for a subsystem of its name.
    const session::Refusal refusal = context_.gate.refuse(
        connection_, action,
        {access::Effect::deny, "approval",
         "this session is for the command that was approved, and for nothing else",
         "hoopctl connect opens another"});
    verdict.message = words_of(refusal.decision);
  } else if (begins(ask.act) && channels_.size() + waiting_.size() >= kMostChannels) {
    verdict.message = "too many programs run in this session";
  } else {
    const bool says = begins(ask.act) && !forwards(ask.act);
    const std::uint32_t channel = ask.channel;
    Resume resume = [this, ask, action](session::Verdict judged) {
      return conclude(ask, action, std::move(judged));
    };
    auto judged = ask_gate(action, channel, says, std::move(resume));
    if (!judged) co_return Result<void>{};
    co_return co_await conclude(std::move(ask), std::move(action), std::move(*judged));
  }
  const ToRelay answer = std::move(verdict);
  co_return co_await send(answer);
}

Task<void> RelayMonitor::conclude(RelayAsk ask, access::Action action, session::Verdict judged) {
  RelayVerdict verdict{ask.number, false, {}};
  if (const auto* refusal = std::get_if<session::Refusal>(&judged)) {
    verdict.message = words_of(refusal->decision);
    verdict.status = status_of(refusal->decision);
  } else {
    verdict.allowed = true;
    HOOP_CO_CHECK(begin(ask, action, std::get<session::Admitted>(judged), verdict));
  }
  const ToRelay answer = std::move(verdict);
  co_return co_await send(answer);
}

Result<void> RelayMonitor::begin(const RelayAsk& ask, access::Action& action,
                                 const session::Admitted& admitted, RelayVerdict& verdict) {
  if (const std::string* forced = admitted.forced_command()) {
    verdict.command = *forced;
    HOOP_CHECK(context_.gate.note(
        {"forced_command", {{"action", std::to_string(admitted.id())}, {"command", *forced}}}));
  }
  if (!begins(ask.act)) {
    // Asked for again it is the later one; of a channel that has gone, none.
    if (ask.act == RelayAct::pty && terminals_.size() < kMostChannels)
      terminals_.insert_or_assign(ask.channel, ask);
    record::ReplyEnd done;
    done.action = admitted.id();
    done.status = "asked";
    return context_.gate.reply_end(admitted, std::move(done));
  }
  auto channel =
      std::make_unique<RelayProgram>(admitted, context_.masker, context_.clock.steady_now());
  if (ask.act == RelayAct::subsystem && ask.text == kSftp) {
    AskGate ask_for_file = [this, number = ask.channel](const access::Action& one) {
      return ask_gate(one, number, true, [this, number](session::Verdict judged) {
        return go_on_with_sftp(number, std::move(judged));
      });
    };
    channel->sftp =
        std::make_unique<SftpChannel>(context_, connection_, budget_, std::move(ask_for_file));
    verdict.inspected = true;
  }
  const bool is_text = ask.act == RelayAct::shell ||
                       (ask.act == RelayAct::exec &&
                        !is_for_programs(verdict.command.empty() ? ask.text : verdict.command));
  if (is_text && context_.grant.identity.is_agent()) channel->is_read_by_an_agent();
  if (forwards(ask.act))
    channel->destination = action.attributes[std::string(access::kDestinationKey)];
  HOOP_CHECK(context_.gate.reply_begin(admitted, {admitted.id(), {}, 0}));
  if (const auto terminal = terminals_.find(ask.channel); terminal != terminals_.end()) {
    channel->has_terminal = true;
    channel->typed.emplace(terminal->second.columns, terminal->second.rows);
    verdict.tells_keys = true;
    HOOP_CHECK(note_terminal(terminal->second, admitted));
  }
  channels_.emplace(ask.channel, std::move(channel));
  return {};
}

/// What the screen says that was typed. For finding one's way, and no more.
Result<void> RelayMonitor::record_typed(RelayProgram& channel, ByteSpan shown) {
  const SteadyTime now = context_.clock.steady_now();
  channel.typed->show(shown, now);
  for (const std::string& line : channel.typed->take()) {
    if (channel.typed_lines++ >= kMostTypedLines) return {};
    mask::HiddenCounts hidden;
    HOOP_TRY(std::string text, context_.masker.rewrite_text(line, hidden));
    const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(now - channel.began);
    HOOP_CHECK(context_.gate.note({"typed",
                                   {{"action", std::to_string(channel.admitted.id())},
                                    {"milliseconds", std::to_string(after.count())},
                                    {"line", std::move(text)}}}));
  }
  return {};
}

Result<void> RelayMonitor::record_output(RelayProgram& channel, RelayStream stream,
                                         ByteSpan masked) {
  session::Gate& gate = context_.gate;
  channel.bytes += masked.size();
  if (channel.bytes - channel.reported >= kProgressBytes) {
    HOOP_CHECK(gate.reply_progress(channel.admitted, {channel.admitted.id(), 0, channel.bytes}));
    channel.reported = channel.bytes;
  }
  if (gate.policy().document().record != access::RecordLevel::full) return {};
  if (channel.typed && stream == RelayStream::out) HOOP_CHECK(record_typed(channel, masked));
  if (channel.is_cut) return {};
  const std::size_t keeps = budget_.keep(channel.kept, masked.size(), channel.has_terminal);
  channel.kept += keeps;
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(
      context_.clock.steady_now() - channel.began);
  if (keeps != 0)
    HOOP_CHECK(
        gate.output(channel.admitted, after, stream == RelayStream::err, masked.first(keeps)));
  if (keeps == masked.size()) return {};
  channel.is_cut = true;
  return gate.note({"output_cut",
                    {{"action", std::to_string(channel.admitted.id())},
                     {"kept", std::to_string(channel.kept)}}});
}

Result<void> RelayMonitor::note_terminal(const RelayAsk& ask, const session::Admitted& admitted) {
  return context_.gate.note({"terminal",
                             {{"action", std::to_string(admitted.id())},
                              {"kind", neutralise(ask.text, 64, Lines::escape)},
                              {"columns", std::to_string(ask.columns)},
                              {"rows", std::to_string(ask.rows)}}});
}

/// The last piece is the answer to a question of the relay's, where there is one.
Task<void> RelayMonitor::pass_in_pieces(std::uint32_t channel, RelayStream stream, Bytes bytes,
                                        std::optional<std::uint32_t> answers) {
  session::DownstreamBatch batch;
  ByteSpan rest(bytes);
  for (; rest.size() > kMaxOutput || (!answers && !rest.empty());
       rest = rest.subspan(std::min(rest.size(), kMaxOutput)))
    append_more(batch.bytes(), channel, stream, rest.first(std::min(rest.size(), kMaxOutput)));
  if (answers) append_masked(batch.bytes(), *answers, rest);
  if (batch.empty()) co_return Result<void>{};
  co_return co_await finished(context_.gate.deliver(batch, relay_));
}

Task<void> RelayMonitor::stop(std::uint32_t number, RelayProgram& channel, std::string event,
                              std::string words) {
  channel.stopped = true;
  HOOP_CO_CHECK(context_.gate.note(
      {std::move(event), {{"action", std::to_string(channel.admitted.id())}, {"reason", words}}}));
  const ToRelay frame = RelayStop{number, std::move(words)};
  co_return co_await send(frame);
}

Task<void> RelayMonitor::pass(RelayOutput output) {
  const auto found = channels_.find(output.channel);
  if (found == channels_.end())
    co_return fail(ErrorCode::malformed, "an SSH relay has output of a program that was not begun");
  RelayProgram& channel = *found->second;
  if (channel.sftp && output.stream != RelayStream::err) {
    if (channel.stopped)
      co_return co_await pass_in_pieces(output.channel, output.stream, {}, output.number);
    co_return co_await pass_sftp(channel, std::move(output));
  }
  if (output.stream == RelayStream::in)
    co_return fail(ErrorCode::malformed, "an SSH relay has input that nobody asked for");
  mask::StreamMasker& masker = channel.of(output.stream);
  const bool ends = output.data.empty();
  HOOP_CO_TRY(Bytes masked, ends ? masker.finish() : masker.take(output.data));
  HOOP_CO_CHECK(co_await charge(output.channel, channel, masked));
  HOOP_CO_CHECK(record_output(channel, output.stream, masked));
  masked = channel.shown(output.stream, std::move(masked), ends);
  if (ends && output.stream == RelayStream::out)
    HOOP_CO_CHECK(co_await pass_in_pieces(output.channel, RelayStream::err,
                                          to_bytes(channel.words_on_changes()), {}));
  co_return co_await pass_in_pieces(output.channel, output.stream, std::move(masked),
                                    output.number);
}

/// Empties what may not go on any more.
Task<void> RelayMonitor::charge(std::uint32_t number, RelayProgram& channel, Bytes& output) {
  if (!channel.stopped && !output.empty()) {
    std::string words = budget_.charge(channel.bytes, output.size());
    if (!words.empty())
      HOOP_CO_CHECK(co_await stop(number, channel, "limit_reached", std::move(words)));
  }
  if (channel.stopped) output.clear();
  co_return Result<void>{};
}

bool RelayMonitor::holds() const {
  return std::ranges::any_of(channels_, [](const auto& one) {
    return one.second->out.holds() || one.second->err.holds();
  });
}

Task<void> RelayMonitor::flush() {
  for (const auto& [number, channel] : channels_) {
    for (const RelayStream stream : {RelayStream::out, RelayStream::err}) {
      RelayMore more{number, stream, {}};
      HOOP_CO_TRY(more.data, channel->of(stream).flush());
      HOOP_CO_CHECK(co_await charge(number, *channel, more.data));
      if (more.data.empty()) continue;
      HOOP_CO_CHECK(record_output(*channel, stream, more.data));
      HOOP_CO_CHECK(co_await pass_in_pieces(number, stream,
                                            channel->shown(stream, std::move(more.data)), {}));
    }
  }
  co_return Result<void>{};
}

Result<void> RelayMonitor::end(RelayProgram& program, std::string status) {
  if (program.ended) return {};
  program.ended = true;
  if (program.sftp) HOOP_CHECK(program.sftp->end());
  return context_.gate.reply_end(program.admitted,
                                 program.outcome(context_.masker, std::move(status)));
}

}  // namespace hoop::ssh
