// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/problem.h"

#include "core/base/json_writer.h"

namespace hoop::http_target {
namespace {

constexpr int kDenied = 403;

std::string_view code_of(const access::Decision& decision) {
  if (!decision.approval)
    return decision.effect == access::Effect::require_approval ? "approval_unavailable" : "denied";
  switch (decision.approval->state) {
    case access::ApprovalState::rejected: return "approval_rejected";
    case access::ApprovalState::expired: return "approval_expired";
    case access::ApprovalState::spent: return "approval_spent";
    case access::ApprovalState::pending:
    case access::ApprovalState::approved: break;
  }
  return "approval_pending";
}

}  // namespace

http::Response answer_of(const Problem& problem, const std::string& session) {
  JsonWriter body;
  body.text("type", "about:blank")
      .text("title", http::reason_phrase(problem.status))
      .integer("status", problem.status)
      .text("detail", problem.detail)
      .text("code", problem.code);
  if (!problem.rule.empty()) body.text("rule", problem.rule);
  if (!problem.hint.empty()) body.text("hint", problem.hint);
  if (!problem.approval.empty()) body.text("approval_id", problem.approval);
  body.text("session", session);
  http::Response out;
  out.status = problem.status;
  out.headers.add("Content-Type", "application/problem+json");
  out.headers.add("Cache-Control", "no-store");
  out.body = body.take() + "\n";
  return out;
}

Problem problem_of(const access::Decision& decision) {
  Problem out{kDenied, std::string(code_of(decision)), decision.message, decision.hint,
              decision.rule};
  if (decision.approval) out.approval = decision.approval->id;
  return out;
}

access::Decision mask_comes_back() {
  return {access::Effect::deny, "write_back",
          "the request carries a masked value: the target would store the mask",
          "send the value itself, or leave the field out"};
}

Problem malformed(std::string detail, std::string hint) {
  return {400, "malformed_request", std::move(detail), std::move(hint)};
}

}  // namespace hoop::http_target
