// SPDX-License-Identifier: Apache-2.0
// The messages of the extended query protocol that prepare, bind, describe and execute.
#include <algorithm>

#include <fmt/format.h>

#include "core/mask/write_back.h"
#include "protocols/postgres/frontend_flow.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/refusal.h"
#include "protocols/postgres/refusals.h"

namespace hoop::postgres {
namespace {

using Kind = ReplyKind;

/// pgjdbc keeps 256, others some hundred. Each costs its text here and its plan on the server.
constexpr std::size_t kMaxPreparedStatements = 4096;

/// As the server says it.
Report missing(std::string_view sqlstate, std::string_view what, std::string_view name) {
  if (name.empty() && sqlstate == "26000")
    return {Severity::error,
            std::string(sqlstate),
            "unnamed prepared statement does not exist",
            {},
            {}};
  return {Severity::error,
          std::string(sqlstate),
          fmt::format("{} \"{}\" does not exist", what, name),
          {},
          {}};
}

}  // namespace

void FrontendFlow::poison_extended(Report report) {
  Bytes poison;
  append_parse(poison, kPoisonStatement, kPoisonText);
  batch_.add_control(poison);
  ExpectedReply& reply =
      expect(Kind::describe_statement);  // changes no name: Parse's bookkeeping must not see it
  reply.audience = ReplyFor::refusal;
  reply.refusal = std::make_shared<const Report>(std::move(report));
  segment_open_ = true;
  conversation_.skip_until_sync = true;
}

Result<FrontendFlow::Need> FrontendFlow::parse(const Frame& frame) {
  HOOP_TRY(const Parse message, decode_parse(frame.body));
  const Names names = names_now();
  if (names == Names::stale) return Need::names;
  if (names == Names::behind) {
    poison_extended(behind_report());
    return Need::nothing;
  }
  const JudgedPtr judged = read_text(message.text);
  const bool several = judged->statements.size() > 1;
  if (several || conversation_.statements.size() >= kMaxPreparedStatements) {
    poison_extended(
        several
            ? Report{Severity::error,
                     "42601",
                     "cannot insert multiple commands into a prepared statement",
                     {},
                     {}}
            : Report{Severity::error, "53400", "too many prepared statements", {}, "close some"});
    return Need::nothing;
  }
  auto prepared = std::make_shared<PreparedStatement>(PreparedStatement{
      judged, conversation_.reader.version(), std::nullopt, 0, false, {}, nullptr});
  // Policy may come to ask for it before it is bound.
  for (const Oid type : message.parameter_types) prepared->parameter_types.push_back(type);
  if (judged->statements.empty()) {
    Bytes canonical;
    append_parse(canonical, message.statement, "");
    batch_.add_control(canonical);
  } else if (needs_approval(*judged)) {
    const session::Verdict verdict = admit_prepared(*judged);
    if (const auto* refusal = std::get_if<session::Refusal>(&verdict)) {
      poison_extended(report_of(*refusal));
      return Need::nothing;
    }
    prepared->parsed = std::get<session::Admitted>(verdict);
    prepared->asks = true;
    batch_.add(*prepared->parsed, frame.whole);
  } else {
    HOOP_TRY(std::optional<Verdicts> verdicts, admit(judged));
    if (!verdicts) return Need::approval;
    if (const auto* refusal = std::get_if<session::Refusal>(&*verdicts)) {
      poison_extended(report_of(*refusal));
      return Need::nothing;
    }
    prepared->parsed = std::get<std::vector<RunningStatement>>(*verdicts).front().admitted;
    prepared->unspent_in_segment = segment_;
    batch_.add(*prepared->parsed, frame.whole);
  }
  segment_open_ = true;
  conversation_.statements.propose(std::string(message.statement), prepared, segment_);
  ExpectedReply& reply = expect(Kind::parse);
  reply.name = message.statement;
  reply.judged = judged;
  reply.prepared = std::move(prepared);
  return Need::nothing;
}

bool FrontendFlow::writes_mask(const JudgedText& judged, const Bind& message) const {
  const bool writes = std::any_of(judged.statements.begin(), judged.statements.end(),
                                  [](const Statement& one) { return one.writes_values; });
  if (!writes || !conversation_.needs_descriptions()) return false;
  for (const Value& value : message.parameters)
    if (value && mask::carries_mask(as_text(*value))) return true;
  return false;
}

Result<FrontendFlow::Need> FrontendFlow::bind(const Frame& frame) {
  HOOP_TRY(const Bind message, decode_bind(frame.body));
  const Names names = names_now();
  if (names == Names::stale) return Need::names;
  const auto found = conversation_.statements.find(message.statement, segment_);
  if (found.unanswered()) return Need::answers;
  const std::shared_ptr<PreparedStatement>& prepared = found.thing;
  if (names == Names::behind || !prepared) {
    poison_extended(prepared ? behind_report()
                             : missing("26000", "prepared statement", message.statement));
    return Need::nothing;
  }
  JudgedPtr judged = prepared->judged;
  if (prepared->names_version != conversation_.reader.version()) {
    // The server plans a statement anew when the meaning of its names has changed, so it is judged
    // anew.
    judged = read_text(prepared->judged->text);
    if (const auto refusal = fixed_refusal(*judged)) {
      poison_extended(report_of(*refusal));
      return Need::nothing;
    }
  }
  if (!prepared->parsed && message.parameters.size() != 0) {
    // None of the program's text is sent for it, its values neither.
    Report report{
        Severity::error,
        "08P01",
        fmt::format("bind message supplies {} parameters, but prepared statement \"{}\" requires 0",
                    message.parameters.size(), message.statement),
        {},
        {}};
    poison_extended(std::move(report));
    return Need::nothing;
  }
  if (writes_mask(*judged, message)) {
    const auto refusal = conversation_.shared.context.gate.refuse(
        conversation_.number, judged->statements.front().action, refuse(RefusalCode::write_back));
    poison_extended(report_of(refusal));
    return Need::nothing;
  }
  std::optional<session::Admitted> approved;
  if (prepared->parsed && (prepared->asks || needs_approval(*judged))) {
    const auto verdict = admit_bound(*judged, *prepared, message);
    if (!verdict) return Need::approval;
    if (const auto* refusal = std::get_if<session::Refusal>(&*verdict)) {
      poison_extended(report_of(*refusal));
      return Need::nothing;
    }
    approved = std::get<session::Admitted>(*verdict);
  }
  if (prepared->parsed) {
    batch_.add(approved ? *approved : *prepared->parsed, frame.whole);
  } else {
    Bytes canonical;
    append_bind(canonical, message.portal, message.statement, {}, {}, {});
    batch_.add_control(canonical);
  }
  segment_open_ = true;
  auto portal = std::make_shared<Portal>();
  portal->name = message.portal;
  portal->judged = judged;
  portal->prepared = prepared;
  portal->was_approved = approved.has_value();
  portal->approved = std::move(approved);
  conversation_.portals.propose(portal->name, portal, segment_);
  ExpectedReply& reply = expect(Kind::bind);
  reply.name = portal->name;
  reply.judged = std::move(judged);
  reply.portal = std::move(portal);
  return Need::nothing;
}

Result<FrontendFlow::Need> FrontendFlow::describe(const Frame& frame) {
  HOOP_TRY(const Describe message, decode_describe(frame.body));
  std::shared_ptr<Portal> portal;
  JudgedPtr judged;
  if (message.what == Named::portal) {
    auto found = conversation_.portals.find(message.name, segment_);
    if (found.unanswered()) return Need::answers;
    portal = std::move(found.thing);
    if (portal) judged = portal->judged;
  } else {
    const auto found = conversation_.statements.find(message.name, segment_);
    if (found.unanswered()) return Need::answers;
    if (found.thing) judged = found.thing->judged;
  }
  if (!judged) {
    poison_extended(message.what == Named::portal
                        ? missing("34000", "portal", message.name)
                        : missing("26000", "prepared statement", message.name));
    return Need::nothing;
  }
  batch_.add_control(frame.whole);  // holds a name alone
  segment_open_ = true;
  ExpectedReply& reply = expect(portal ? Kind::describe_portal : Kind::describe_statement);
  reply.judged = std::move(judged);
  reply.portal = portal;
  described_ = std::move(portal);
  return Need::nothing;
}

Result<FrontendFlow::Need> FrontendFlow::execute(const Frame& frame) {
  HOOP_TRY(const Execute message, decode_execute(frame.body));
  const auto found = conversation_.portals.find(message.portal, segment_);
  if (found.unanswered()) return Need::answers;
  const std::shared_ptr<Portal>& portal = found.thing;
  if (!portal) {
    // It may be a cursor that SQL declared, which would be read unjudged.
    poison_extended(missing("34000", "portal", message.portal));
    return Need::nothing;
  }
  const JudgedPtr judged = portal->judged;
  if (!forget_names(*judged)) return Need::answers;
  const Executed executed = executes_what_asks(*judged);
  if (executed.unknown) return Need::answers;
  if (executed.refusal) {
    poison_extended(report_of(*executed.refusal));
    return Need::nothing;
  }
  std::vector<RunningStatement> running;
  const bool counted =
      portal->prepared->unspent_in_segment == segment_ && judged == portal->prepared->judged;
  if (portal->approved) {
    running.push_back({judged, 0, *std::exchange(portal->approved, std::nullopt)});
  } else if (portal->was_approved || needs_approval(*judged)) {
    // Also where policy has begun to ask since the portal was bound.
    const auto refusal = conversation_.shared.context.gate.refuse(
        conversation_.number, judged->statements.front().action,
        fixed_denial("approvals", "an approval is for one execution of what was bound for it",
                     "bind it again, and fetch all rows at once"));
    poison_extended(report_of(refusal));
    return Need::nothing;
  } else if (!judged->statements.empty() && counted) {
    running.push_back({judged, 0, *portal->prepared->parsed});
    portal->prepared->unspent_in_segment = 0;
  } else if (!judged->statements.empty()) {
    HOOP_TRY(std::optional<Verdicts> verdicts, admit(judged));
    if (!verdicts) return Need::approval;
    if (const auto* refusal = std::get_if<session::Refusal>(&*verdicts)) {
      poison_extended(report_of(*refusal));
      return Need::nothing;
    }
    running = std::move(std::get<std::vector<RunningStatement>>(*verdicts));
  }
  send_execute(frame, portal, std::move(running));
  apply_effects(*judged);
  return Need::nothing;
}

void FrontendFlow::send_execute(const Frame& frame, const std::shared_ptr<Portal>& portal,
                                std::vector<RunningStatement> running) {
  if (!running.empty() && conversation_.needs_descriptions() && described_ != portal) {
    Bytes ours;
    append_describe(ours, Named::portal, portal->name);
    batch_.add_control(ours);
    ExpectedReply& description = expect(Kind::describe_portal);
    description.audience = ReplyFor::ourselves;
    description.judged = portal->judged;
    description.portal = portal;
  }
  if (running.empty()) {
    batch_.add_control(frame.whole);  // of an empty text; holds a name alone
  } else {
    batch_.add(running.front().admitted, frame.whole);
    begin_copies(running.front());
  }
  segment_open_ = true;
  ExpectedReply& reply = expect(Kind::execute);
  reply.judged = portal->judged;
  reply.portal = portal;
  reply.running = std::move(running);
  reply.units_before = units_++;
}

}  // namespace hoop::postgres
