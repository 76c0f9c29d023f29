// SPDX-License-Identifier: Apache-2.0
// FrontendFlow: messages that carry no statement, COPY data, admission, and the catalog.
#include "protocols/postgres/frontend_flow.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/refusal.h"
#include "protocols/postgres/refusals.h"
#include "protocols/postgres/reply_meter.h"

namespace hoop::postgres {
namespace {

using Kind = ReplyKind;

}  // namespace

// ---- Messages without a statement ----

Result<FrontendFlow::Need> FrontendFlow::close(const Frame& frame) {
  HOOP_TRY(const Close message, decode_close(frame.body));
  batch_.add_control(frame.whole);  // holds a name alone
  segment_open_ = true;
  std::string name(message.name);
  if (message.what == Named::portal) {
    conversation_.portals.propose(name, nullptr, segment_);
  } else {
    conversation_.statements.propose(name, nullptr, segment_);
  }
  ExpectedReply& reply = expect(Kind::close);
  reply.named = message.what;
  reply.name = std::move(name);
  return Need::nothing;
}

Result<FrontendFlow::Need> FrontendFlow::flush(const Frame& frame) {
  HOOP_CHECK(decode_flush(frame.body));
  batch_.add_control(frame.whole);
  return Need::nothing;
}

Result<FrontendFlow::Need> FrontendFlow::sync(const Frame& frame) {
  HOOP_CHECK(decode_sync(frame.body));
  batch_.add_control(frame.whole);
  if (conversation_.copy_in == CopyIn::streaming) {
    ++conversation_.swallowed_syncs;
    return Need::nothing;
  }
  expect(Kind::sync);
  conversation_.skip_until_sync = false;
  ++segment_;
  segment_open_ = false;
  units_ = 0;
  return Need::nothing;
}

Result<FrontendFlow::Need> FrontendFlow::terminate(const Frame& frame) {
  HOOP_CHECK(decode_terminate(frame.body));
  batch_.add_control(frame.whole);
  conversation_.terminated = true;
  return Need::nothing;
}

/// After a COPY has failed a program sends on until it reads the error; the server would ignore it
/// too.
bool FrontendFlow::takes_copy() const {
  const bool streaming = conversation_.copy_in == CopyIn::streaming;
  const bool pending =
      std::any_of(conversation_.expected.begin(), conversation_.expected.end(),
                  [](const ExpectedReply& reply) { return reply.takes_copy_data(); });
  return (streaming || pending) && copy_proof_ && !copy_refused_;
}

Result<void> FrontendFlow::take_large(const LargeFrame& large) {
  if (large.tag != 'd' || conversation_.needs_descriptions()) {
    return fail(ErrorCode::too_large,
                fmt::format("message '{}' of {} bytes is above the limit of {}", large.tag,
                            large.size, kMaxMessageBytes));
  }
  gives_pieces_ = takes_copy();
  return {};
}

void FrontendFlow::take_piece(ByteSpan piece) {
  if (gives_pieces_) batch_.add(*copy_proof_, piece);
}

Result<FrontendFlow::Need> FrontendFlow::copy(const Frame& frame) {
  if (!takes_copy()) return Need::nothing;
  const bool streaming = conversation_.copy_in == CopyIn::streaming;
  const bool watched = frame.tag == 'd' && conversation_.needs_descriptions();
  if (watched && copy_watch_.carries_mask(frame.body)) {
    batch_.add_control(refuse_copy());
  } else {
    batch_.add(*copy_proof_, frame.whole);
    if (frame.tag == 'd') return Need::nothing;
  }
  if (streaming) {
    conversation_.copy_in = CopyIn::none;
  } else {
    expect(Kind::copy_end);
  }
  return Need::nothing;
}

void FrontendFlow::begin_copies(const RunningStatement& statement) {
  copy_proof_ = statement.admitted;
  copy_watch_ = {};
  copy_refused_ = false;
  copy_action_ = {};
  for (const Statement& one : statement.judged->statements)
    if (one.copy == CopyDirection::in) copy_action_ = one.action;
}

/// CopyFail, in the place of the program's data: the server fails the COPY with our words.
Bytes FrontendFlow::refuse_copy() {
  copy_refused_ = true;
  const auto refusal = conversation_.shared.context.gate.refuse(conversation_.number, copy_action_,
                                                                refuse(RefusalCode::write_back));
  Bytes fail;
  append_copy_fail(fail, refusal.decision.message);
  return fail;
}

// ---- Admission ----

JudgedPtr FrontendFlow::read_text(std::string_view text) {
  JudgedPtr judged = conversation_.reader.read(text);
  const auto moves_path = [](const Statement& statement) { return statement.changes_search_path; };
  const bool moved_inside =
      judged->statements.size() > 1 &&
      std::any_of(judged->statements.begin(), judged->statements.end(), moves_path);
  if (!moved_inside) return judged;
  // `SET search_path = x; SELECT …` in one string: what follows is judged as if every schema were
  // meant.
  conversation_.reader.forget_search_path();
  return conversation_.reader.read(text);
}

std::optional<FrontendFlow::FixedDecision> FrontendFlow::fixed_decision(
    const JudgedText& judged) const {
  const bool several = judged.statements.size() > 1;
  bool schema_changed = false;
  for (const Statement& statement : judged.statements) {
    if (statement.refusal) return FixedDecision{&statement, *statement.refusal};
    const bool judged_too_early = schema_changed &&
                                  statement.transaction == TransactionStep::none &&
                                  !statement.changes_catalog;
    if (judged_too_early && conversation_.reader.catalog().has_masks()) {
      return FixedDecision{
          &statement,
          fixed_denial("masks",
                       "a statement after a schema change in the same string cannot be judged",
                       "send the schema change apart")};
    }
    const bool executes_old_names =
        statement.action.verb == "execute" && conversation_.names_moved();
    if (executes_old_names && conversation_.reader.catalog().has_masks()) {
      // SQL's EXECUTE plans the text anew, with names that have got another meaning since it was
      // judged.
      return FixedDecision{
          &statement,
          fixed_denial("masks",
                       "EXECUTE after a change of search_path or of the schema cannot be judged",
                       "send the statement itself")};
    }
    const bool after_failed =
        several && conversation_.catalog_stale && conversation_.status == TransactionStatus::failed;
    if (after_failed) {
      return FixedDecision{
          &statement,
          fixed_denial("masks", "several statements after a failed schema change cannot be judged",
                       "send ROLLBACK alone")};
    }
    schema_changed = schema_changed || statement.changes_catalog;
  }
  return std::nullopt;
}

std::optional<session::Refusal> FrontendFlow::fixed_refusal(const JudgedText& judged) {
  auto fixed = fixed_decision(judged);
  if (!fixed) return std::nullopt;
  return conversation_.shared.context.gate.refuse(conversation_.number, fixed->statement->action,
                                                  std::move(fixed->decision));
}

Result<std::optional<FrontendFlow::Verdicts>> FrontendFlow::admit(JudgedPtr judged) {
  if (!admission_) {
    // All of the fixed refusals first: a string of which a part is refused is not half admitted.
    if (auto refusal = fixed_refusal(*judged)) return Verdicts(std::move(*refusal));
    if (auto refusal = several_that_ask(*judged)) return Verdicts(std::move(*refusal));
    admission_.emplace(Admission{std::move(judged), {}, conversation_.reader.version()});
    admission_->running.reserve(admission_->judged->statements.size());
  }
  const JudgedText& text = *admission_->judged;
  if (pending_ && pending_->ready() && have_names_moved_on(admission_->names_version)) {
    session::Verdict verdict = names_moved_on(text.statements[admission_->running.size()].action);
    Verdicts refused(std::get<session::Refusal>(std::move(verdict)));
    HOOP_CHECK(withdraw_admission());
    return refused;
  }
  while (admission_->running.size() < text.statements.size()) {
    const std::size_t index = admission_->running.size();
    if (!pending_) pending_.emplace(ask_gate(text.statements[index].action));
    if (!pending_->ready()) return std::nullopt;
    session::Verdict verdict = pending_->take();
    pending_.reset();
    if (auto* refusal = std::get_if<session::Refusal>(&verdict)) {
      Verdicts refused(std::move(*refusal));
      HOOP_CHECK(withdraw_admission());
      return refused;
    }
    admission_->running.push_back(
        {admission_->judged, index, std::get<session::Admitted>(verdict)});
  }
  Verdicts admitted(std::move(admission_->running));
  admission_.reset();
  return admitted;
}

Result<void> FrontendFlow::withdraw_admission() {
  if (!admission_) return {};
  const std::vector<RunningStatement> running = std::move(admission_->running);
  admission_.reset();
  return withdraw(running);
}

Result<void> FrontendFlow::withdraw(const std::vector<RunningStatement>& running) {
  for (const RunningStatement& statement : running) {
    HOOP_CHECK(record_not_run(conversation_.shared.context.gate, statement.admitted));
  }
  return {};
}

bool FrontendFlow::forget_names(const JudgedText& judged) {
  using What = Statement::Renames::What;
  const auto forget = [](auto& table, const std::string& name) {
    if (name.empty()) return table.forget_confirmed();
    table.forget(name);
  };
  for (const Statement& statement : judged.statements) {
    const Statement::Renames& renames = statement.renames;
    if (renames.what == What::nothing) continue;
    if (!conversation_.expected.empty()) return false;
    if (renames.what == What::statement) forget(conversation_.statements, renames.name);
    if (renames.what == What::portal) forget(conversation_.portals, renames.name);
  }
  return true;
}

void FrontendFlow::apply_effects(const JudgedText& judged) {
  for (const Statement& statement : judged.statements) {
    if (statement.changes_search_path) conversation_.reader.forget_search_path();
    if (statement.changes_catalog && conversation_.shared.reads_catalog) {
      conversation_.catalog_stale = true;
      conversation_.schema_changed = true;
    }
    const bool may_undo = statement.transaction == TransactionStep::rollback ||
                          statement.transaction == TransactionStep::other;
    if (may_undo && conversation_.catalog_uncommitted) conversation_.catalog_stale = true;
  }
}

// ---- Waiting ----

Task<void> FrontendFlow::forward() {
  while (conversation_.cancelling > 0 && !conversation_.over) co_await conversation_.changed.wait();
  auto forwarding = conversation_.shared.context.gate.forward(batch_, upstream_);
  co_return co_await finished(std::move(forwarding));
}

Eventually<Result<void>> FrontendFlow::start_forward() {
  if (conversation_.cancelling > 0 && !conversation_.over)
    return Eventually<Result<void>>(forward());
  return conversation_.shared.context.gate.forward(batch_, upstream_);
}

Task<void> FrontendFlow::settle() {
  if (segment_open_) {
    Bytes flush;
    append_flush(flush);
    batch_.add_control(flush);
  }
  HOOP_CO_CHECK(co_await forward());
  while (!conversation_.expected.empty()) {
    if (conversation_.over) co_return fail(ErrorCode::cancelled, "the connection has ended");
    if (conversation_.copy_in == CopyIn::streaming)
      co_return fail(ErrorCode::malformed, "a message came during a COPY");
    co_await conversation_.changed.wait();
  }
  co_return Result<void>{};
}

// ---- The catalog ----

Task<void> FrontendFlow::open_catalog() {
  if (!conversation_.shared.reads_catalog || adopt_catalog()) co_return Result<void>{};
  co_return co_await read_catalog();
}

/// Takes what another connection to the same database has read, if it is as new as can be.
bool FrontendFlow::adopt_catalog() {
  const SessionShared& shared = conversation_.shared;
  const auto known = shared.catalogs.find(conversation_.database);
  if (known == shared.catalogs.end() || known->second.generation != shared.schema_changes)
    return false;
  conversation_.reader.set_catalog(known->second.catalog);
  conversation_.has_catalog = true;
  conversation_.catalog_generation = known->second.generation;
  conversation_.catalog_stale = false;
  return true;
}

FrontendFlow::Names FrontendFlow::names_now() const {
  const SessionShared& shared = conversation_.shared;
  const bool overtaken = conversation_.catalog_generation != shared.schema_changes;
  if (!shared.reads_catalog || (!conversation_.catalog_stale && (!overtaken || segment_open_)))
    return Names::current;
  if (segment_open_) return Names::behind;
  return names_refreshed_ ? Names::current : Names::stale;
}

Task<void> FrontendFlow::refresh_names() {
  HOOP_CO_CHECK(co_await settle());
  names_refreshed_ = true;
  if (conversation_.status == TransactionStatus::idle && adopt_catalog()) co_return Result<void>{};
  // In a failed transaction the server runs nothing but its end; fixed_refusal() sees to strings
  // that hold more.
  if (conversation_.status == TransactionStatus::failed) co_return Result<void>{};
  co_return co_await read_catalog();
}

void FrontendFlow::expect_catalog(std::string_view sql, std::shared_ptr<CatalogAnswers> collected,
                                  std::size_t index) {
  Bytes bytes;
  append_query(bytes, sql);
  batch_.add_control(bytes);
  ExpectedReply& reply = expect(Kind::query);
  reply.audience = ReplyFor::catalog;
  reply.collected = std::move(collected);
  reply.collected_index = index;
}

Task<void> FrontendFlow::read_catalog() {
  SessionShared& shared = conversation_.shared;
  const std::uint64_t generation = shared.schema_changes;
  const bool inside = conversation_.status == TransactionStatus::in_transaction;
  const std::vector<std::string> queries = Catalog::queries();
  const auto collected = std::make_shared<CatalogAnswers>();
  collected->answers.resize(queries.size() +
                            1);  // the last takes what the frame around the queries answers
  expect_catalog(inside ? "SAVEPOINT hoopctl" : "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
                 collected, queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    expect_catalog(queries[i], collected, i);
    if (i != 0) continue;
    // Only now: the first query asks what the program's own path is. A savepoint rolled back gives
    // that path back; pg_temp stands last, or a temporary table could pose as a catalog.
    expect_catalog("SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = 0",
                   collected, queries.size());
  }
  expect_catalog(inside ? "ROLLBACK TO SAVEPOINT hoopctl; RELEASE SAVEPOINT hoopctl" : "COMMIT",
                 collected, queries.size());
  HOOP_CO_CHECK(co_await settle());
  if (collected->failed)
    co_return fail(ErrorCode::upstream_refused, "the target's catalog could not be read");
  collected->answers.pop_back();
  // The empty one of the beginning is no earlier one: every mask must name something the first
  // time.
  const Catalog* const earlier =
      conversation_.has_catalog ? &conversation_.reader.catalog() : nullptr;
  HOOP_CO_TRY(
      Catalog catalog,
      Catalog::build(collected->answers, shared.context.gate.policy().document().masks, earlier));
  conversation_.has_catalog = true;
  conversation_.reader.set_catalog(shared.cache->share(std::move(catalog)));
  conversation_.catalog_stale = false;
  conversation_.catalog_uncommitted = inside;
  conversation_.catalog_generation = generation;
  if (!inside) {
    shared.catalogs[conversation_.database] = {conversation_.reader.shared_catalog(), generation};
  }
  co_return Result<void>{};
}

}  // namespace hoop::postgres
