// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/backend_flow.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/refusals.h"

namespace hoop::postgres {
namespace {

using Kind = ReplyKind;
constexpr std::uint16_t bits(Kind kind) { return static_cast<std::uint16_t>(kind); }
constexpr std::uint16_t kAnyTime = 0xFFFF;
constexpr std::uint16_t kDescribes = bits(Kind::describe_statement) | bits(Kind::describe_portal);
// Some fifty columns; a program may keep thousands of statements.
constexpr std::size_t kMostRemembered = 2048;
constexpr std::uint16_t kRuns = bits(Kind::query) | bits(Kind::execute);

}  // namespace

/// A message and the expected replies that it can be part of.
struct BackendFlow::Rule {
  char tag;
  std::uint16_t kinds;
  Step step;
};

const BackendFlow::Rule* BackendFlow::rule_for(char tag) {
  static constexpr Rule kRules[] = {
      {'D', kRuns, &BackendFlow::data_row},
      {'C', kRuns, &BackendFlow::command_complete},
      {'Z', kAnyTime, &BackendFlow::ready_for_query},
      {'T', kDescribes | bits(Kind::query), &BackendFlow::row_description},
      {'1', bits(Kind::parse), &BackendFlow::done},
      {'2', bits(Kind::bind), &BackendFlow::done},
      {'3', bits(Kind::close), &BackendFlow::done},
      {'t', bits(Kind::describe_statement), &BackendFlow::parameter_description},
      {'n', kDescribes, &BackendFlow::no_data},
      {'s', bits(Kind::execute), &BackendFlow::portal_suspended},
      {'I', kRuns, &BackendFlow::empty_query},
      {'G', kRuns, &BackendFlow::copy_in},
      {'H', kRuns, &BackendFlow::copy_out},
      {'d', kRuns, &BackendFlow::copy_data},
      {'c', kRuns, &BackendFlow::copy_done},
      {'E', kAnyTime, &BackendFlow::error},
      {'N', kAnyTime, &BackendFlow::notice},
      {'A', kAnyTime, &BackendFlow::notification},
      {'S', kAnyTime, &BackendFlow::parameter_status},
      // AuthenticationX, BackendKeyData, NegotiateProtocolVersion: not after the login.
      // FunctionCallResponse, CopyBothResponse: never asked for.
  };
  for (const Rule& rule : kRules) {
    if (rule.tag == tag) return &rule;
  }
  return nullptr;
}

BackendFlow::BackendFlow(Conversation& conversation)
    : conversation_(conversation),
      results_(conversation.shared, batch_.bytes()),
      text_(conversation.shared.context.masker) {}

Error BackendFlow::unexpected(char tag) const {
  return {ErrorCode::malformed,
          fmt::format("the target sent message '{}', which answers nothing that was asked", tag),
          {},
          {}};
}

Result<const BackendFlow::Rule*> BackendFlow::expected_rule(char tag) {
  // CopyDone and CopyFail that no COPY waited for: the server has ignored them.
  while (head() != nullptr && head()->kind == Kind::copy_end) pop();
  const Rule* rule = rule_for(tag);
  if (rule == nullptr) return std::unexpected(unexpected(tag));
  if (rule->kinds == kAnyTime) return rule;
  if (head() == nullptr || (rule->kinds & bits(head()->kind)) == 0)
    return std::unexpected(unexpected(tag));
  // Of the poison only an error or ReadyForQuery can come back.
  if (head()->audience == ReplyFor::refusal) return std::unexpected(unexpected(tag));
  return rule;
}

Result<void> BackendFlow::take(const Frame& frame) {
  HOOP_TRY(const Rule* const rule, expected_rule(frame.tag));
  if (rule->kinds != kAnyTime && head()->audience == ReplyFor::catalog) return collect(frame);
  if (frame.tag != 'D') HOOP_CHECK(results_.flush());
  return (this->*rule->step)(frame);
}

Result<void> BackendFlow::take_large(const LargeFrame& large) {
  if (large.tag != 'D' && large.tag != 'd') {
    return fail(ErrorCode::too_large, fmt::format("the target sent message '{}' of {} bytes, above "
                                                  "the limit of {}",
                                                  large.tag, large.size, kMaxMessageBytes));
  }
  HOOP_CHECK(expected_rule(large.tag));
  if (head()->audience == ReplyFor::catalog)
    return fail(ErrorCode::too_large, "the target's catalog holds a row that is too large");
  HOOP_CHECK(results_.flush());
  if (large.tag == 'D') {
    HOOP_CHECK(begin_row());
  } else if (!results_.copying()) {
    return std::unexpected(unexpected(large.tag));
  }
  const bool stopped_before = results_.meter().stopped().has_value();
  HOOP_CHECK(results_.begin_pieces(large.size));
  note_stop(stopped_before);
  return {};
}

Result<void> BackendFlow::pass(const Frame& frame) {
  if (head() != nullptr && head()->audience == ReplyFor::ourselves) return {};
  batch_.bytes().insert(batch_.bytes().end(), frame.whole.begin(), frame.whole.end());
  return {};
}

void BackendFlow::pop() {
  ++conversation_.turns;
  conversation_.expected.pop_front();
  conversation_.changed.notify();
}

Wording BackendFlow::wording() {
  if (!conversation_.reader.catalog().has_masks()) return Wording::scan;
  const ExpectedReply* reply = head();
  if (reply == nullptr) return Wording::withhold;
  const auto may_quote = [](const Statement& statement) {
    // COMMIT runs deferred constraints, whose errors print the row.
    return statement.touches_masked || statement.transaction == TransactionStep::commit;
  };
  if (reply->current < reply->running.size()) {
    return may_quote(reply->running[reply->current].statement()) ? Wording::withhold
                                                                 : Wording::scan;
  }
  if (!reply->judged) return Wording::withhold;
  for (const Statement& statement : reply->judged->statements) {
    if (may_quote(statement)) return Wording::withhold;
  }
  return Wording::scan;
}

// ---- ParseComplete, BindComplete, CloseComplete, descriptions ----

Result<void> BackendFlow::done(const Frame& frame) {
  ExpectedReply& reply = *head();
  HOOP_CHECK(pass(frame));
  if (reply.kind == Kind::parse) conversation_.statements.confirm(reply.name, reply.prepared);
  if (reply.kind == Kind::bind) conversation_.portals.confirm(reply.name, reply.portal);
  if (reply.kind == Kind::close && reply.named == Named::statement)
    conversation_.statements.confirm(reply.name, nullptr);
  if (reply.kind == Kind::close && reply.named == Named::portal)
    conversation_.portals.confirm(reply.name, nullptr);
  pop();
  return {};
}

Result<void> BackendFlow::parameter_description(const Frame& frame) {
  HOOP_CHECK(decode_parameter_description(frame.body));
  return pass(frame);
}

/// As it was answered the last time, if the target says the same and it means the same.
bool BackendFlow::described_before(const Frame& frame) {
  const ExpectedReply& reply = *head();
  if (reply.kind != Kind::describe_portal || !reply.portal->prepared->described) return false;
  const PortalDescription& before = *reply.portal->prepared->described;
  if (before.catalog != conversation_.reader.shared_catalog() ||
      !std::ranges::equal(before.said, frame.whole))
    return false;
  if (reply.audience != ReplyFor::ourselves)
    batch_.bytes().insert(batch_.bytes().end(), before.told.begin(), before.told.end());
  reply.portal->rows = before.rows;
  pop();
  return true;
}

Result<void> BackendFlow::row_description(const Frame& frame) {
  if (described_before(frame)) return {};
  HOOP_TRY(const RowDescription description, decode_row_description(frame.body));
  ExpectedReply& reply = *head();
  // What the first one said of the columns is what their rows are masked by.
  if (reply.kind == Kind::query && query_rows_ != nullptr)
    return fail(ErrorCode::malformed, "the target described a result twice");
  std::shared_ptr<RowMasker> rows;
  if (reply.kind != Kind::describe_statement) {
    rows = std::make_shared<RowMasker>(description, conversation_.reader.catalog(),
                                       conversation_.shared.context.masker);
  }
  Bytes told;
  HOOP_CHECK(text_.append_row_description(frame, description, told, unattributed_));
  if (reply.audience != ReplyFor::ourselves)
    batch_.bytes().insert(batch_.bytes().end(), told.begin(), told.end());
  if (reply.kind == Kind::query) {
    query_rows_ = std::move(rows);
    return begin_result();
  }
  if (reply.kind == Kind::describe_portal) {
    if (frame.whole.size() <= kMostRemembered) {
      reply.portal->prepared->described = std::make_unique<PortalDescription>(
          PortalDescription{Bytes(frame.whole.begin(), frame.whole.end()), std::move(told),
                            conversation_.reader.shared_catalog(), rows});
    }
    reply.portal->rows = std::move(rows);
  }
  pop();
  return {};
}

Result<void> BackendFlow::no_data(const Frame& frame) {
  if (head()->portal) head()->portal->rows = nullptr;
  HOOP_CHECK(pass(frame));
  pop();
  return {};
}

// ---- Rows and completions ----

Result<void> BackendFlow::begin_result() {
  const ExpectedReply& reply = *head();
  if (reply.current >= reply.running.size()) {
    return fail(ErrorCode::malformed, "the target answers more statements than were sent");
  }
  return results_.begin(reply.running[reply.current], reply.portal,
                        reply.portal ? reply.portal->rows : query_rows_);
}

Result<void> BackendFlow::begin_row() {
  if (!results_.under_way()) HOOP_CHECK(begin_result());
  const bool described = head()->portal ? head()->portal->rows != nullptr : query_rows_ != nullptr;
  if (!described && conversation_.needs_descriptions()) {
    return fail(ErrorCode::malformed, "the target sent a row that it did not describe");
  }
  return {};
}

void BackendFlow::note_stop(bool stopped_before) {
  if (!stopped_before && results_.meter().stopped() && !results_.meter().statement().can_write)
    wants_cancel_ = true;
}

Result<void> BackendFlow::data_row(const Frame& frame) {
  HOOP_CHECK(begin_row());
  const bool stopped_before = results_.meter().stopped().has_value();
  HOOP_CHECK(results_.row(frame));
  note_stop(stopped_before);
  return {};
}

Result<void> BackendFlow::command_complete(const Frame& frame) {
  HOOP_TRY(const CommandComplete complete, decode_command_complete(frame.body));
  return completed(frame, std::string(complete.tag));
}

Result<void> BackendFlow::portal_suspended(const Frame& frame) {
  return completed(frame, "suspended");
}

Result<void> BackendFlow::empty_query(const Frame& frame) {
  // No statement, no record: the text was empty or a comment.
  HOOP_CHECK(pass(frame));
  if (head()->kind == Kind::execute) pop();
  return {};
}

Result<void> BackendFlow::completed(const Frame& frame, std::string status) {
  HOOP_CHECK(begin_result());
  conversation_.copy_in = CopyIn::none;
  query_rows_ = nullptr;
  if (results_.meter().stopped()) {
    HOOP_CHECK(completed_above_limit(frame, std::move(status)));
  } else {
    HOOP_CHECK(results_.end(std::move(status)));
    HOOP_CHECK(pass(frame));
  }
  if (head()->kind == Kind::execute) {
    pop();
  } else {
    ++head()->current;
    ++conversation_.turns;
  }
  return {};
}

Result<void> BackendFlow::completed_above_limit(const Frame& frame, std::string status) {
  Report report = *results_.meter().stopped();
  if (results_.meter().statement().can_write) {
    // It has written: saying "error" would be a lie. The rows are withheld, the completion is the
    // truth.
    report.severity = Severity::warning;
    report.message += "; further rows are withheld, the statement itself has run";
    append_notice_response(batch_.bytes(), report);
    HOOP_CHECK(results_.end(std::move(status)));
    return pass(frame);
  }
  HOOP_CHECK(results_.end("stopped by a limit"));
  const ExpectedReply& reply = *head();
  // The cancel came too late. Alone in its transaction the statement may be called failed, since it
  // has read only; in company an error would say that the others were undone, and they are not.
  const bool alone = reply.kind == Kind::query ? reply.running.size() == 1
                                               : reply.units_before == 0 &&
                                                     (conversation_.expected.size() == 1 ||
                                                      conversation_.expected[1].kind == Kind::sync);
  if (!alone) {
    return fail(ErrorCode::too_large,
                report.message + " by one of several statements that were sent together",
                "what the other statements did is not known; send the statement alone");
  }
  append_error_response(batch_.bytes(), report);
  if (reply.kind == Kind::execute && conversation_.expected.size() == 1)
    conversation_.skip_until_sync = true;
  return {};
}

// ---- COPY ----

Result<void> BackendFlow::copy_in(const Frame& frame) {
  HOOP_CHECK(decode_copy_in_response(frame.body));
  if (!head()->takes_copy_data()) return std::unexpected(unexpected(frame.tag));
  HOOP_CHECK(begin_result());
  conversation_.copy_in = CopyIn::streaming;
  // The server reads a Sync that stands before CopyDone as part of the COPY and does not answer it.
  auto next = conversation_.expected.begin() + 1;
  while (next != conversation_.expected.end() && next->kind == Kind::sync) {
    next = conversation_.expected.erase(next);
    ++conversation_.swallowed_syncs;
  }
  if (next != conversation_.expected.end()) {
    if (next->kind != Kind::copy_end) {
      return fail(ErrorCode::malformed,
                  "a COPY from the program was interrupted by another message");
    }
    conversation_.expected.erase(next);
    conversation_.copy_in = CopyIn::none;
  }
  conversation_.changed.notify();
  return pass(frame);
}

Result<void> BackendFlow::copy_out(const Frame& frame) {
  HOOP_TRY(const CopyOutResponse response, decode_copy_out_response(frame.body));
  HOOP_CHECK(begin_result());
  const Statement& statement = results_.meter().statement();
  if (statement.copy != CopyDirection::out) return std::unexpected(unexpected(frame.tag));
  results_.begin_copy(response.format, statement.copy_text);
  return pass(frame);
}

Result<void> BackendFlow::copy_data(const Frame& frame) {
  if (!results_.copying()) return std::unexpected(unexpected(frame.tag));
  const bool stopped_before = results_.meter().stopped().has_value();
  HOOP_CHECK(results_.copy_data(frame));
  note_stop(stopped_before);
  return {};
}

Result<void> BackendFlow::copy_done(const Frame& frame) {
  if (!results_.copying()) return std::unexpected(unexpected(frame.tag));
  HOOP_CHECK(results_.finish_copy());
  const bool ends_in_error = results_.meter().stopped() && !results_.meter().statement().can_write;
  return ends_in_error ? Result<void>{} : pass(frame);
}

}  // namespace hoop::postgres
