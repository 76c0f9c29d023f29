// SPDX-License-Identifier: Apache-2.0
// A request as people read it before they decide, and what has become of it.
#include <algorithm>

#include <fmt/format.h>

#include "cmd/requests.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kWholeText = 64U << 20;  // more than an answer can hold
constexpr std::size_t kMostLetters = 60;       // of a text in a table

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(text); }

Value or_null(const std::optional<SystemTime>& time) {
  return time ? Value(to_rfc3339(*time)) : Value();
}

std::string in_full(const std::string& text) { return neutralise(text, kWholeText, Lines::escape); }

std::string names_in(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ", ";
    out += in_full(word);
  }
  return out.empty() ? "-" : out;
}

std::string_view kind_of_place(const RequestDocument& request) {
  if (request.protocol == "postgres") return "database";
  if (request.protocol == "kubernetes") return "namespace";
  return request.protocol == "ssh" ? "login" : "place";
}

using Facts = std::vector<std::pair<std::string_view, std::string>>;

Facts facts_of(const RequestDocument& request, SystemTime now) {
  using access::ApprovalState;
  const access::Approval& approval = request.approval;
  const bool open =
      approval.state == ApprovalState::pending || approval.state == ApprovalState::approved;
  const std::string left =
      open ? ", for " + short_span(approval.expires_at - now) + " more" : std::string();
  Facts out{
      {"request", approval.id},
      {"state", std::string(to_string(approval.state)) + left},
      {"asked by", fmt::format("{} ({})", in_full(request.subject), to_string(request.kind))}};
  if (!request.claimed_agent.empty())
    out.emplace_back("agent", in_full(request.claimed_agent) + " (claimed)");
  out.emplace_back("reason", request.reason.empty() ? std::string("none was given")
                                                    : fmt::format("{} (claimed by the requester)",
                                                                  in_full(request.reason)));
  out.emplace_back("asked at", to_rfc3339(request.requested_at));
  out.emplace_back(open ? "expires at" : "was open until", to_rfc3339(approval.expires_at));
  out.emplace_back("session", in_full(request.session));
  out.emplace_back("rule", in_full(request.rule));
  if (!request.message.empty()) out.emplace_back("its message", in_full(request.message));
  out.emplace_back("approvers", names_in(request.approvers));
  if (request.may_decide) out.emplace_back("you", "may decide it");
  if (!approval.by.empty())
    out.emplace_back("decided by",
                     in_full(approval.by) +
                         (request.decided_at ? ", at " + to_rfc3339(*request.decided_at) : ""));
  if (!approval.words.empty()) out.emplace_back("because", in_full(approval.words));
  if (!request.spent_by.empty())
    out.emplace_back("used by",
                     "session " + in_full(request.spent_by) +
                         (request.spent_at ? ", at " + to_rfc3339(*request.spent_at) : ""));
  out.emplace_back("digest", to_hex(request.digest));
  out.emplace_back("target",
                   fmt::format("{} ({})", in_full(request.target), in_full(request.protocol)));
  // A service is one place; what a request to a cluster is about its text says.
  const bool has_places = request.protocol != "http" && request.protocol != "kubernetes";
  if (has_places || !request.place.empty())
    out.emplace_back(kind_of_place(request), request.place.empty() ? std::string("none was named")
                                                                   : in_full(request.place));
  out.emplace_back("does", in_full(request.verb));
  return out;
}

/// Each line has a mark in front: none of them can be taken for one of ours.
void print_text(Console& console, const RequestDocument& request) {
  const std::string safe = neutralise(request.text, kWholeText, Lines::keep);
  const auto lines = 1 + std::ranges::count(request.text, '\n');
  console.print_line("");
  if (safe != request.text)
    console.print_line(
        "warning: the text has letters that a terminal would hide or obey; they are written out "
        "here (\\u200b)");
  if (!request.exact)
    console.print_line(
        "warning: this is not all of it, letter by letter: what masks hide is left out");
  console.print_line(fmt::format("the text, {} byte{} in {} line{}:", request.text.size(),
                                 request.text.size() == 1 ? "" : "s", lines,
                                 lines == 1 ? "" : "s"));
  std::string_view rest = safe;
  for (;;) {
    const std::size_t end = rest.find('\n');
    console.print_line(fmt::format("  | {}", rest.substr(0, end)));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

std::string short_span(SystemTime::duration span) {
  const auto seconds =
      std::max<std::int64_t>(0, std::chrono::floor<std::chrono::seconds>(span).count());
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / (24 * 3600));
}

std::string whereabouts(const RequestDocument& request) {
  return request.place.empty() ? request.target
                               : fmt::format("{} ({})", request.target, request.place);
}

std::string first_line(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin);
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  std::size_t end = 0, letters = 0;
  for (; end < line.size(); ++end) {
    const bool begins = (static_cast<unsigned char>(line[end]) & 0xC0U) != 0x80U;
    if (begins && ++letters > kMostLetters) break;
  }
  std::string out(line.substr(0, end));
  if (end < text.find_last_not_of(" \t\r\n") + 1) out += " …";
  return out;
}

std::vector<Field> fields_of(const RequestDocument& request) {
  const access::Approval& approval = request.approval;
  return {{"id", approval.id},
          {"state", std::string(to_string(approval.state))},
          {"subject", request.subject},
          {"kind", std::string(to_string(request.kind))},
          {"claimed_agent", or_null(request.claimed_agent)},
          {"session", request.session},
          {"target", request.target},
          {"protocol", request.protocol},
          {"verb", request.verb},
          {"place", request.place},
          {"text", request.text},
          {"digest", to_hex(request.digest)},
          {"exact", request.exact},
          {"rule", request.rule},
          {"message", or_null(request.message)},
          {"reason", or_null(request.reason)},
          {"requested_at", to_rfc3339(request.requested_at)},
          {"expires_at", to_rfc3339(approval.expires_at)},
          {"decided_at", or_null(request.decided_at)},
          {"decided_by", or_null(approval.by)},
          {"decision_reason", or_null(approval.words)},
          {"spent_at", or_null(request.spent_at)},
          {"spent_by", or_null(request.spent_by)},
          {"approvers", request.approvers},
          {"may_decide", request.may_decide}};
}

void print_request(Console& console, const RequestDocument& request, SystemTime now) {
  if (console.listings() == Form::json) {
    console.print(fields_of(request));
    return;
  }
  for (const auto& [label, value] : facts_of(request, now))
    console.print_line(fmt::format("{:<16}{}", fmt::format("{}:", label), value));
  print_text(console, request);
}

ExitStatus tell_outcome(Environment& environment, const RequestDocument& request) {
  using access::ApprovalState;
  const access::Approval& approval = request.approval;
  const std::string id = approval.id, by = remote_text(approval.by);
  const std::string because =
      approval.words.empty() ? std::string() : ": " + remote_text(approval.words);
  Console& console = environment.console;
  switch (approval.state) {
    case ApprovalState::pending:
      console.insist(
          "pending_approval", fmt::format("{} still waits for an approver", id),
          {{"approval_id", id},
           {"resume", "hoopctl resume " + id},
           {"poll_after_s", std::int64_t{60}},
           {"expires_at", to_rfc3339(approval.expires_at)},
           {"retryable", true},
           {"exit_status", std::int64_t{static_cast<int>(ExitStatus::approval_pending)}}});
      return ExitStatus::approval_pending;
    case ApprovalState::approved:
    case ApprovalState::spent:
      console.say(to_string(approval.state),
                  fmt::format("{} was approved by {}{}", id, by, because) +
                      (request.spent_by.empty() ? std::string()
                                                : fmt::format("; session {} has used that",
                                                              remote_text(request.spent_by))),
                  {{"approval_id", id},
                   {"by", approval.by},
                   {"expires_at", to_rfc3339(approval.expires_at)},
                   {"spent_by", or_null(request.spent_by)}});
      return ExitStatus::ok;
    case ApprovalState::rejected:
    case ApprovalState::expired: break;
  }
  const bool rejected = approval.state == ApprovalState::rejected;
  console.insist(
      rejected ? "approval_rejected" : "approval_expired",
      rejected ? fmt::format("{} was rejected by {}{}", id, by, because)
      : by.empty()
          ? fmt::format("{} has expired: nobody decided it in time", id)
          : fmt::format("{} has expired: {} approved it, and it was not used in time", id, by),
      {{"approval_id", id},
       {"by", or_null(approval.by)},
       {"retryable", false},
       {"exit_status", std::int64_t{static_cast<int>(ExitStatus::approval_refused)}}});
  return ExitStatus::approval_refused;
}

}  // namespace hoop::cmd
