// SPDX-License-Identifier: Apache-2.0
// BackendFlow: errors, notices, settings, and ReadyForQuery.
#include "protocols/postgres/backend_flow.h"

#include <fmt/format.h>

#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {
namespace {

using Kind = ReplyKind;
constexpr std::string_view kQueryCanceled = "57014";

bool is_fatal(const ErrorFields& fields) {
  // V is never translated; S is what servers before 9.6 have.
  std::string_view severity = find_field(fields, 'V');
  if (severity.empty()) severity = find_field(fields, 'S');
  return severity == "FATAL" || severity == "PANIC";
}

}  // namespace

Result<void> BackendFlow::error(const Frame& frame) {
  HOOP_TRY(const ErrorResponse response, decode_error_response(frame.body));
  const bool fatal = is_fatal(response.fields);
  ExpectedReply* reply = head();
  if (reply != nullptr && reply->audience == ReplyFor::catalog) {
    reply->collected->failed = true;
    return {};
  }
  const Wording words = wording();
  const bool out_of_time = conversation_.time_up && !fatal && reply != nullptr &&
                           reply->current < reply->running.size() &&
                           find_field(response.fields, 'C') == kQueryCanceled;
  if (out_of_time) {
    HOOP_CHECK(begin_result());
    results_.meter().stop(*std::exchange(conversation_.time_up, std::nullopt));
  }
  const bool stopped = results_.under_way() && results_.meter().stopped();
  if (fatal) {
    passed_fatal_ = true;
    HOOP_CHECK(text_.append_error(frame, words, batch_.bytes(), unattributed_));
  } else if (reply == nullptr) {
    return std::unexpected(unexpected(frame.tag));
  } else if (reply->audience == ReplyFor::refusal && reply->refusal) {
    append_error_response(batch_.bytes(), *std::exchange(reply->refusal, nullptr));
  } else if (stopped) {
    append_error_response(batch_.bytes(), *results_.meter().stopped());
  } else {
    mask::HiddenCounts& counts = results_.under_way() ? results_.meter().hidden() : unattributed_;
    HOOP_CHECK(text_.append_error(frame, words, batch_.bytes(), counts));
  }
  if (reply == nullptr) return {};
  conversation_.copy_in = CopyIn::none;
  query_rows_ = nullptr;
  HOOP_CHECK(
      finish_running(*reply, stopped ? "stopped by a limit"
                                     : fmt::format("error {}", find_field(response.fields, 'C'))));
  const bool extended = reply->kind != Kind::query && reply->kind != Kind::sync;
  return extended ? skip_to_sync() : Result<void>{};
}

/// The statement that was being answered ends with status; those after it in the same string never
/// ran.
Result<void> BackendFlow::finish_running(ExpectedReply& reply, std::string_view status) {
  if (reply.current < reply.running.size()) {
    HOOP_CHECK(begin_result());
    HOOP_CHECK(results_.end(std::string(status)));
    ++reply.current;
  }
  for (; reply.current < reply.running.size(); ++reply.current) {
    HOOP_CHECK(
        record_not_run(conversation_.shared.context.gate, reply.running[reply.current].admitted));
  }
  return {};
}

Result<void> BackendFlow::abandon() {
  results_.drop_unmasked();
  for (; !conversation_.expected.empty(); conversation_.expected.pop_front()) {
    ExpectedReply& reply = conversation_.expected.front();
    if (results_.under_way()) {
      HOOP_CHECK(results_.end("cut off"));
      ++reply.current;
    }
    for (; reply.current < reply.running.size(); ++reply.current) {
      HOOP_CHECK(record_unanswered(conversation_.shared.context.gate,
                                   reply.running[reply.current].admitted));
    }
  }
  return {};
}

/// After an error the server reads and ignores everything up to the next Sync.
Result<void> BackendFlow::skip_to_sync() {
  for (bool failed = true; head() != nullptr && head()->kind != Kind::sync; failed = false) {
    ExpectedReply& reply = *head();
    if (reply.kind == Kind::parse) {
      // A failed Parse of the unnamed statement has closed the one before it; of a named one
      // nothing, nor has one that was skipped.
      const bool closes = failed && reply.name.empty();
      closes ? conversation_.statements.confirm(reply.name, nullptr)
             : conversation_.statements.withdraw(reply.name);
    }
    if (reply.kind == Kind::bind) conversation_.portals.withdraw(reply.name);
    if (reply.kind == Kind::close) {
      reply.named == Named::statement ? conversation_.statements.withdraw(reply.name)
                                      : conversation_.portals.withdraw(reply.name);
    }
    for (; reply.current < reply.running.size(); ++reply.current) {
      HOOP_CHECK(
          record_not_run(conversation_.shared.context.gate, reply.running[reply.current].admitted));
    }
    pop();
  }
  // No Sync was sent yet: what the program sends before it will be skipped by the server.
  if (head() == nullptr) conversation_.skip_until_sync = true;
  return {};
}

Result<void> BackendFlow::ready_for_query(const Frame& frame) {
  HOOP_TRY(const ReadyForQuery ready, decode_ready_for_query(frame.body));
  ExpectedReply* reply = head();
  const bool expected =
      reply != nullptr && (reply->kind == Kind::query || reply->kind == Kind::sync);
  if (!expected && conversation_.swallowed_syncs == 0)
    return std::unexpected(unexpected(frame.tag));
  if (results_.under_way())
    return fail(ErrorCode::malformed, "the target is ready before it has completed a statement");
  // Before a Query runs, the server drops the unnamed statement.
  if (expected && reply->kind == Kind::query) conversation_.statements.forget("");
  conversation_.status = ready.status;
  conversation_.time_up.reset();
  if (ready.status == TransactionStatus::idle) {
    conversation_.portals.forget_confirmed();
    if (std::exchange(conversation_.catalog_uncommitted, false)) conversation_.catalog_stale = true;
    if (std::exchange(conversation_.schema_changed, false)) ++conversation_.shared.schema_changes;
  }
  if (!expected) {
    --conversation_.swallowed_syncs;
    conversation_.skip_until_sync = false;
    return pass(frame);
  }
  const bool program_asked =
      reply->audience == ReplyFor::program || reply->audience == ReplyFor::refusal;
  if (program_asked)
    batch_.bytes().insert(batch_.bytes().end(), frame.whole.begin(), frame.whole.end());
  HOOP_CHECK(finish_running(*reply, "not run"));
  query_rows_ = nullptr;
  pop();
  return {};
}

Result<void> BackendFlow::notice(const Frame& frame) {
  if (head() != nullptr && head()->audience == ReplyFor::catalog) return {};
  mask::HiddenCounts& counts = results_.under_way() ? results_.meter().hidden() : unattributed_;
  return text_.append_notice(frame, wording(), batch_.bytes(), counts);
}

Result<void> BackendFlow::notification(const Frame& frame) {
  return text_.append_notification(frame, batch_.bytes(), unattributed_);
}

Result<void> BackendFlow::parameter_status(const Frame& frame) {
  HOOP_TRY(const ParameterStatus status, decode_parameter_status(frame.body));
  // What we parsed must be what the server parses: a backslash in a literal, a second byte of a
  // character.
  const bool breaks_parsing =
      (status.name == "standard_conforming_strings" && status.value != "on") ||
      (status.name == "client_encoding" && status.value != "UTF8" && status.value != "SQL_ASCII");
  if (breaks_parsing) {
    return fail(ErrorCode::denied,
                fmt::format("'{}' may not be changed in this session", status.name),
                "statements are judged as standard strings in UTF-8");
  }
  batch_.bytes().insert(batch_.bytes().end(), frame.whole.begin(), frame.whole.end());
  return {};
}

/// A reply to one of our catalog queries.
Result<void> BackendFlow::collect(const Frame& frame) {
  if (frame.tag != 'D') return {};
  HOOP_TRY(const DataRow row, decode_data_row(frame.body));
  std::vector<std::optional<std::string>> values;
  values.reserve(row.values.size());
  for (const Value& value : row.values) {
    values.push_back(value ? std::optional(to_text(*value)) : std::nullopt);
  }
  CatalogAnswers& collected = *head()->collected;
  // A hostile target could send rows for ever; the largest real catalogs have some hundred thousand
  // columns.
  constexpr std::size_t kMaxCatalogRows = 2'000'000;
  Catalog::Rows& rows = collected.answers[head()->collected_index];
  if (rows.size() >= kMaxCatalogRows)
    return fail(ErrorCode::too_large, "the target's catalog is too large");
  rows.push_back(std::move(values));
  return {};
}

}  // namespace hoop::postgres
