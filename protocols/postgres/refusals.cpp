// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/refusals.h"

#include <fmt/format.h>

#include "protocols/postgres/refusal.h"
#include "protocols/postgres/sqlstate.h"

namespace hoop::postgres {
namespace {

/// The SQLSTATE and the code of what came of a request for an approval. Classes from I to Z are
/// whose implementation it is (SQL:2016 part 2, 24.1).
std::pair<std::string_view, std::string_view> codes_of(access::ApprovalState state) {
  using access::ApprovalState;
  switch (state) {
    case ApprovalState::rejected: return {"OH002", "approval_rejected"};
    case ApprovalState::expired:
    case ApprovalState::spent: return {"OH003", "approval_expired"};
    case ApprovalState::pending:
    case ApprovalState::approved: break;
  }
  return {"OH001", "approval_pending"};
}

}  // namespace

Report report_of(const session::Refusal& refusal) {
  const access::Decision& decision = refusal.decision;
  const bool approval = decision.effect == access::Effect::require_approval;
  std::string message = decision.message;
  if (message.empty())
    message = approval ? "the statement needs an approval" : "policy does not allow the statement";
  if (decision.approval) {
    const auto [sqlstate, code] = codes_of(decision.approval->state);
    return {Severity::error, std::string(sqlstate), std::move(message),
            fmt::format("hoopctl code={} rule={} action={} request={}", code, decision.rule,
                        refusal.action, decision.approval->id),
            decision.hint};
  }
  // A typing mistake is one: programs tell the two apart by the SQLSTATE.
  const bool unreadable = decision.rule == refuse(RefusalCode::unreadable).rule;
  return {
      Severity::error, unreadable ? "42601" : "42501", std::move(message),
      fmt::format("hoopctl code={} rule={} action={}",
                  approval ? "approval_required" : "policy_denied", decision.rule, refusal.action),
      decision.hint};
}

Report report_of(const Error& error) {
  Report report = to_report(error, Severity::fatal);
  if (error.code == ErrorCode::not_found)
    report.sqlstate = "3D000";  // the one thing that is looked up here is a database
  report.detail = fmt::format("hoopctl code={}", to_string(error.code));
  return report;
}

access::Decision fixed_denial(std::string rule, std::string message, std::string hint) {
  return {access::Effect::deny, std::move(rule), std::move(message), std::move(hint)};
}

Report behind_report() {
  return {
      Severity::error, "42501",
      "a schema change in this pipeline must end with Sync before other statements can be judged",
      "hoopctl code=policy_denied rule=masks", "send the schema change apart"};
}

}  // namespace hoop::postgres
