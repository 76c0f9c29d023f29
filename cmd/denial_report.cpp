// SPDX-License-Identifier: Apache-2.0
#include "cmd/denial_report.h"

#include <fmt/format.h>

namespace hoop::cmd {
namespace {

constexpr int kDenialsBeforeEscalation = 3;

/// The status of the line, and its sentence.
std::pair<std::string_view, std::string> words_of(const session::ControlApproval& news,
                                                  const std::string& target) {
  using access::ApprovalState;
  const std::string id = remote_text(news.request), by = remote_text(news.by);
  switch (news.state) {
    case ApprovalState::pending:
      if (news.waits)
        return {"pending_approval",
                fmt::format("'{}' on {} waits for an approver (rule '{}'): "
                            "hoopctl requests approve {}",
                            remote_text(news.verb), target, remote_text(news.rule), id)};
      return {"pending_approval", remote_text(news.message)};
    case ApprovalState::approved: return {"approved", fmt::format("{} was approved by {}", id, by)};
    case ApprovalState::rejected: return {"approval_rejected", remote_text(news.message)};
    case ApprovalState::expired: return {"approval_expired", remote_text(news.message)};
    case ApprovalState::spent: return {"approval_spent", remote_text(news.message)};
  }
  return {"pending_approval", remote_text(news.message)};
}

}  // namespace

void DenialReport::say(const session::ControlApproval& news) {
  const auto [status, sentence] = words_of(news, target_);
  const bool pending = status == "pending_approval";
  const std::string id = remote_text(news.request);
  const std::string resume = "hoopctl resume " + id;
  const std::string fix = !pending ? remote_text(news.hint)
                                   : "tell the user, go on with other work, then run " +
                                         (news.resumes ? resume : "the same again") +
                                         "; do not ask for it again";
  const bool approved = news.state == access::ApprovalState::approved;
  // Nobody needs it who wants to hear of errors alone.
  const auto tell = approved ? &Console::say : &Console::insist;
  (console_.*tell)(
      status, sentence,
      {{"approval_id", id},
       {"waiting", news.waits},
       {"resume", pending && news.resumes ? Value(resume) : Value()},
       {"poll_after_s", pending ? Value(std::int64_t{60}) : Value()},
       {"expires_at",
        news.expires_at == SystemTime{} ? Value() : Value(to_rfc3339(news.expires_at))},
       {"summary", remote_text(news.summary)},
       {"rule", remote_text(news.rule)},
       {"target", target_},
       {"verb", remote_text(news.verb)},
       {"by", news.by.empty() ? Value() : Value(remote_text(news.by))},
       {"retryable", pending},
       {"fix", fix.empty() ? Value() : Value(fix)},
       {"session", session_}});
}

void DenialReport::say(const session::ControlDenied& denied) {
  if (console_.messages() != Form::json) return;
  const bool again = ++counts_[denied.rule] >= kDenialsBeforeEscalation;
  console_.insist("denied", denied.message,
                  {{"code", std::string("denied")},
                   {"rule", denied.rule},
                   {"target", target_},
                   {"verb", denied.verb},
                   {"retryable", false},
                   {"fix", denied.hint.empty() ? Value() : Value(denied.hint)},
                   {"escalate", again ? Value(std::string("ask_user")) : Value()},
                   {"session", session_}});
}

}  // namespace hoop::cmd
