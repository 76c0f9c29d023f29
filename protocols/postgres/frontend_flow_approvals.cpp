// SPDX-License-Identifier: Apache-2.0
// Statements that somebody has to approve: for a text alone when it comes, for one with values when
// they are bound.
#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "protocols/postgres/frontend_flow.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/refusals.h"
#include "protocols/postgres/reply_meter.h"

namespace hoop::postgres {
namespace {

constexpr std::size_t kMostShown = 8192;  // of a statement and its values

void append_u32(Bytes& out, std::size_t number) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(number >> shift));
}

bool is_prepare(const access::Action& action) { return action.attributes.contains("prepare"); }

/// One a value; none stands for text, and one for all of them.
std::vector<Format> formats_of(const Bind& message) {
  std::vector<Format> out;
  for (const Format format : message.parameter_formats) out.push_back(format);
  if (out.size() <= 1)
    out.assign(message.parameters.size(), out.empty() ? Format::text : out.front());
  return out;
}

}  // namespace

bool FrontendFlow::needs_approval(const JudgedText& judged) const {
  const session::Gate& gate = conversation_.shared.context.gate;
  return gate.policy().may_require_approval() && !judged.statements.empty() &&
         gate.judge(judged.statements.front().action).effect == access::Effect::require_approval;
}

FrontendFlow::Executed FrontendFlow::executes_what_asks(const JudgedText& judged) {
  session::Gate& gate = conversation_.shared.context.gate;
  Executed out;
  if (!gate.policy().may_require_approval()) return out;
  for (const Statement& statement : judged.statements) {
    if (statement.executes.empty()) continue;
    // One namespace: what the protocol's Parse has named SQL can run, values and all, unasked.
    const auto found = conversation_.statements.find(statement.executes, segment_);
    out.unknown = found.unanswered();
    if (out.unknown) return out;
    if (!found.thing || !(found.thing->asks || needs_approval(*found.thing->judged))) continue;
    out.refusal = gate.refuse(
        conversation_.number, statement.action,
        fixed_denial("approvals", "what needs an approval is not executed by SQL's EXECUTE",
                     "an approval is for one execution: send the statement itself"));
    return out;
  }
  return out;
}

Eventually<session::Verdict> FrontendFlow::ask_gate(const access::Action& action) {
  session::Gate& gate = conversation_.shared.context.gate;
  if (!gate.policy().may_require_approval()) return gate.admit(conversation_.number, action);
  // What SQL prepares, EXECUTE runs as often as it likes.
  if (is_prepare(action) && gate.judge(action).effect == access::Effect::require_approval) {
    return Eventually<session::Verdict>(session::Verdict(
        gate.refuse(conversation_.number, action,
                    fixed_denial("approvals", "what needs an approval cannot be prepared by SQL",
                                 "an approval is for one execution: send the statement itself"))));
  }
  return gate.admit(conversation_.number, action,
                    {[&conversation = conversation_](const std::string& words) {
                       if (conversation.tell) conversation.tell(words);
                     },
                     0, conversation_.database});
}

session::Verdict FrontendFlow::admit_prepared(const JudgedText& judged) {
  if (auto refusal = fixed_refusal(judged)) return std::move(*refusal);
  const access::Action& action = judged.statements.front().action;
  session::Gate& gate = conversation_.shared.context.gate;
  if (is_prepare(action)) return ask_gate(action).take();
  return gate.admit_prepared(conversation_.number, action);
}

/// The digest is of the values, too; they are shown as the log would show them.
access::Action FrontendFlow::bound_action(const Statement& statement,
                                          const PreparedStatement& prepared,
                                          const Bind& message) const {
  access::Action out = statement.action;
  if (message.parameters.size() == 0) return out;
  out.recorded.clear();
  Bytes exact(out.digest.begin(), out.digest.end());
  append_u32(exact, prepared.parameter_types.size());
  for (const Oid type : prepared.parameter_types) append_u32(exact, type);
  std::string shown = out.text;
  const std::vector<Format> formats = formats_of(message);
  std::size_t number = 0;
  for (const Value& value : message.parameters) {
    const Format format = formats[number++];
    exact.push_back(static_cast<std::uint8_t>(format));
    append_u32(exact, value ? value->size() : ~std::size_t{0});
    if (value) exact.insert(exact.end(), value->begin(), value->end());
    out.is_cut = out.is_cut || shown.size() > kMostShown || (value && value->size() > kMostShown);
    if (out.is_cut) continue;
    shown += fmt::format("\n-- ${} = ", number);
    const Oid type =
        number <= prepared.parameter_types.size() ? prepared.parameter_types[number - 1] : 0;
    if (type != 0) shown += fmt::format("(type {}) ", type);
    if (!value) {
      shown += "NULL";
    } else if (statement.touches_masked) {
      shown += "(hidden: the statement is about masked columns)";
    } else if (format == Format::text && is_utf8(as_text(*value))) {
      mask::HiddenCounts hidden;
      const auto clean = conversation_.shared.context.masker.rewrite_text(as_text(*value), hidden);
      shown += clean ? "'" + *clean + "'" : "(cannot be shown)";
    } else {
      shown += "\\x" + to_hex(*value);
    }
  }
  out.digest = crypto::sha256(exact);
  out.is_cut = out.is_cut || shown.size() > kMostShown;
  out.text = std::move(shown);
  return out;
}

std::optional<session::Verdict> FrontendFlow::admit_bound(const JudgedText& judged,
                                                          const PreparedStatement& prepared,
                                                          const Bind& message) {
  const Statement& statement = judged.statements.front();
  if (!pending_) {
    pending_.emplace(ask_gate(bound_action(statement, prepared, message)));
    pending_names_ = conversation_.reader.version();
  }
  if (!pending_->ready()) return std::nullopt;
  if (have_names_moved_on(pending_names_)) return names_moved_on(statement.action);
  session::Verdict verdict = pending_->take();
  pending_.reset();
  return verdict;
}

/// They would run together or not at all, and are approved one by one.
std::optional<session::Refusal> FrontendFlow::several_that_ask(const JudgedText& judged) {
  session::Gate& gate = conversation_.shared.context.gate;
  if (judged.statements.size() < 2 || !gate.policy().may_require_approval()) return std::nullopt;
  const auto asks = [&gate](const Statement& one) {
    return gate.judge(one.action).effect == access::Effect::require_approval;
  };
  if (std::count_if(judged.statements.begin(), judged.statements.end(), asks) < 2)
    return std::nullopt;
  return gate.refuse(
      conversation_.number, judged.statements.front().action,
      fixed_denial("approvals", "several statements that need an approval came in one string",
                   "send them one by one"));
}

/// Inside a pipeline a schema change of another connection is not looked at; what has waited for
/// people has given it time.
bool FrontendFlow::have_names_moved_on(std::uint64_t version) const {
  const SessionShared& shared = conversation_.shared;
  return version != conversation_.reader.version() ||
         (shared.reads_catalog && conversation_.catalog_generation != shared.schema_changes);
}

/// What was approved is not what it would be by now. An approval that came is recorded as not used.
session::Verdict FrontendFlow::names_moved_on(const access::Action& action) {
  session::Verdict verdict = pending_->take();
  pending_.reset();
  const auto* admitted = std::get_if<session::Admitted>(&verdict);
  if (admitted == nullptr) return verdict;
  session::Gate& gate = conversation_.shared.context.gate;
  // A log that cannot take it takes nothing that would be released.
  static_cast<void>(record_not_run(gate, *admitted));
  return gate.refuse(
      conversation_.number, action,
      fixed_denial("approvals", "what names mean has changed while it waited for an approval",
                   "run it again"));
}

Result<void> FrontendFlow::drop_pending() {
  if (!pending_) return {};
  Result<void> outcome;
  if (pending_->ready()) {
    const session::Verdict verdict = pending_->take();
    if (const auto* admitted = std::get_if<session::Admitted>(&verdict))
      outcome = record_not_run(conversation_.shared.context.gate, *admitted);
  }
  pending_.reset();
  return outcome;
}

Task<void> FrontendFlow::await_approval() {
  // What came before need not wait for an approver.
  const Result<void> sent = co_await forward();
  if (!sent || conversation_.over)
    conversation_.shared.context.gate.give_up_waiting(conversation_.number);
  conversation_.waits_for_approval = true;
  if (conversation_.begins_to_wait) conversation_.begins_to_wait();
  session::Verdict verdict = co_await pending_->wait();
  conversation_.waits_for_approval = false;
  pending_.emplace(std::move(verdict));
  HOOP_CO_CHECK(sent);
  if (!conversation_.over) co_return Result<void>{};
  HOOP_CO_CHECK(drop_pending());
  co_return fail(ErrorCode::cancelled, "the connection has ended");
}

}  // namespace hoop::postgres
