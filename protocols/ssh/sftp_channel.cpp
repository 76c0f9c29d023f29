// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/sftp_channel.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "protocols/ssh/recorded_action.h"

namespace hoop::ssh {
namespace {

// A client that looks at each file of a folder would otherwise fill the screen.
constexpr unsigned kMostLines = 10;

bool reads_a_file(const access::Action& action) {
  const auto verbs = action.attributes.find("verbs");
  return action.verb == "read_file" ||
         (verbs != action.attributes.end() && verbs->second.find("read_file") != std::string::npos);
}

SftpSession::Parts parts_of(mask::Masker& masker, ByteBudget& budget) {
  SftpSession::Parts out;
  out.charge = [&budget](std::uint64_t before, std::uint64_t more) {
    return budget.charge(before, more);
  };
  if (masker.has_detectors())
    out.hide = [&masker](std::string_view name) {
      mask::HiddenCounts hidden;
      return masker.rewrite_text(name, hidden);
    };
  return out;
}

}  // namespace

SftpChannel::SftpChannel(session::SessionContext context, std::uint64_t connection,
                         ByteBudget& budget, AskGate ask)
    : context_(context),
      connection_(connection),
      sftp_(parts_of(context.masker, budget)),
      ask_(std::move(ask)) {}

Result<void> SftpChannel::take_input(ByteSpan piece) {
  HOOP_CHECK(sftp_.from_client(piece));
  return judge();
}

Result<void> SftpChannel::take_output(ByteSpan piece) {
  HOOP_CHECK(sftp_.from_target(piece));
  return judge();
}

Result<void> SftpChannel::decided(const session::Verdict& verdict) {
  waits_ = false;
  HOOP_CHECK(apply(verdict));
  return judge();
}

void SftpChannel::say(std::string_view words) {
  if (lines_ > kMostLines) return;
  words_ += ++lines_ > kMostLines ? "hoopctl: more was refused\r\n"
                                  : "hoopctl: " + neutralise(words, 1000, Lines::escape) + "\r\n";
}

Result<void> SftpChannel::judge() {
  while (!waits_ && sftp_.wish() != nullptr) {
    access::Action action = *sftp_.wish();
    // Asked of everything by every client: what it may not know it is not told, and that is all.
    const bool quiet = sftp_.wishes_meaning();
    if (quiet && context_.gate.judge(action).effect != access::Effect::allow) {
      HOOP_CHECK(sftp_.refuse({}));
      continue;
    }
    if (auto cleaned = clean_for_log(action, context_.masker); !cleaned) {
      say("the path cannot be recorded");
      HOOP_CHECK(sftp_.refuse("the path cannot be recorded"));
      continue;
    }
    if (reads_a_file(action) && context_.masker.has_detectors()) {
      // What is hidden in a file would break it, and what is not would be a way around the masks.
      const session::Refusal refusal = context_.gate.refuse(
          connection_, action,
          {access::Effect::deny,
           "masked-transfer",
           "files of this target are not read: what its masks hide would be in them",
           {}});
      say(words_of(refusal.decision));
      HOOP_CHECK(sftp_.refuse(words_of(refusal.decision)));
      continue;
    }
    const auto verdict = ask_(action);
    waits_ = !verdict;
    if (verdict) HOOP_CHECK(apply(*verdict));
  }
  return record();
}

Result<void> SftpChannel::apply(const session::Verdict& verdict) {
  if (const auto* refusal = std::get_if<session::Refusal>(&verdict)) {
    say(words_of(refusal->decision));
    return sftp_.refuse(words_of(refusal->decision));
  }
  const auto& admitted = std::get<session::Admitted>(verdict);
  running_.emplace(admitted.id(), admitted);
  return sftp_.allow(admitted.id());
}

Result<void> SftpChannel::record() {
  for (const SftpEvent& event : sftp_.take_events()) {
    if (const auto* outcome = std::get_if<SftpOutcome>(&event)) {
      HOOP_CHECK(record(*outcome));
    } else if (const auto* progress = std::get_if<SftpProgress>(&event)) {
      const auto running = running_.find(progress->action);
      if (running != running_.end())
        HOOP_CHECK(
            context_.gate.reply_progress(running->second, {progress->action, 0, progress->bytes}));
    } else {
      const auto& cut = std::get<SftpCut>(event);
      say(cut.words);
      HOOP_CHECK(context_.gate.note(
          {"limit_reached", {{"action", std::to_string(cut.action)}, {"reason", cut.words}}}));
    }
  }
  return {};
}

Result<void> SftpChannel::record(const SftpOutcome& outcome) {
  const auto running = running_.find(outcome.action);
  if (running == running_.end()) return {};
  for (const SftpTransfer& transfer : outcome.transfers)
    HOOP_CHECK(record(transfer, outcome.action));
  record::ReplyEnd end;
  end.action = outcome.action;
  end.bytes = outcome.bytes;
  end.status = outcome.status;
  const session::Admitted admitted = running->second;
  running_.erase(running);
  return context_.gate.reply_end(admitted, std::move(end));
}

Result<void> SftpChannel::record(const SftpTransfer& transfer, std::uint64_t action) {
  mask::HiddenCounts hidden;
  HOOP_TRY(std::string path, context_.masker.rewrite_text(transfer.path, hidden));
  record::Note note{"file",
                    {{"action", std::to_string(action)},
                     {"direction", transfer.upload ? "upload" : "download"},
                     {"path", std::move(path)},
                     {"bytes", std::to_string(transfer.bytes)}}};
  if (transfer.sha256) note.fields["sha256"] = to_hex(*transfer.sha256);
  if (!transfer.upload) note.fields["whole"] = transfer.whole ? "yes" : "no";
  return context_.gate.note(note);
}

Result<void> SftpChannel::end() {
  sftp_.end();
  return record();
}

}  // namespace hoop::ssh
