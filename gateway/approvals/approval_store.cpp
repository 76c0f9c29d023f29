// SPDX-License-Identifier: Apache-2.0
#include "gateway/approvals/approval_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/words.h"
#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

using access::ApprovalState;

constexpr const char* kRequests =
    "SELECT id, state, subject, kind, session, target, protocol, verb, place, text, digest, exact, "
    "rule, message, reason, claimed_agent, approvers, policy_version, requested_at, expires_at, "
    "decided_at, decided_by, words, spent_at, spent_by FROM approval_request ";

/// A person's or group's name of a policy may hold what it likes, so each says how long it is.
std::string join_people(const std::vector<std::string>& people) {
  std::string out;
  for (const std::string& one : people) out += fmt::format("{}:{}", one.size(), one);
  return out;
}

std::vector<std::string> split_people(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    std::size_t size = 0;
    for (; !text.empty() && text.front() != ':'; text.remove_prefix(1))
      size = size * 10 + static_cast<std::size_t>(text.front() - '0');
    if (text.empty()) break;
    text.remove_prefix(1);
    out.emplace_back(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
  return out;
}

/// A word that nobody knows grants nothing.
ApprovalState read_state(const std::string& word) {
  return access::from_word(access::kApprovalStates, word).value_or(ApprovalState::expired);
}

std::optional<SystemTime> read_time(const Statement& row, int column) {
  const auto value = row.optional_integer(column);
  return value ? std::optional(from_column(*value)) : std::nullopt;
}

ApprovalRequest read_request_row(const Statement& row) {
  ApprovalRequest out;
  out.id = row.text(0);
  out.state = read_state(row.text(1));
  out.subject = row.text(2);
  out.kind =
      access::from_word(access::kIdentityKinds, row.text(3)).value_or(access::IdentityKind::agent);
  out.session = row.text(4);
  out.target = row.text(5);
  out.question.protocol = row.text(6);
  out.question.verb = row.text(7);
  out.question.place = row.text(8);
  out.question.text = row.text(9);
  const auto digest = from_hex(row.text(10));
  if (digest && digest->size() == out.question.digest.size())
    std::ranges::copy(*digest, out.question.digest.begin());
  out.exact = row.integer(11) != 0;
  out.question.rule = row.text(12);
  out.question.message = row.text(13);
  out.reason = row.text(14);
  out.claimed_agent = row.text(15);
  out.approvers = split_people(row.text(16));
  out.policy_version = row.text(17);
  out.requested_at = from_column(row.integer(18));
  out.expires_at = from_column(row.integer(19));
  out.decided_at = read_time(row, 20);
  out.decided_by = row.text(21);
  out.words = row.text(22);
  out.spent_at = read_time(row, 23);
  out.spent_by = row.text(24);
  return out;
}

}  // namespace

Result<ApprovalStore> ApprovalStore::open(Database& database) {
  HOOP_CHECK(database.script(R"sql(
    CREATE TABLE IF NOT EXISTS approval_request (
      number INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      state TEXT NOT NULL,             -- pending, approved, rejected, expired, spent
      subject TEXT NOT NULL,
      kind TEXT NOT NULL,              -- person, ci, agent
      session TEXT NOT NULL,
      target TEXT NOT NULL,
      protocol TEXT NOT NULL,
      verb TEXT NOT NULL,
      place TEXT NOT NULL,             -- database, login
      text TEXT NOT NULL,
      digest TEXT NOT NULL,            -- hex
      exact INTEGER NOT NULL,
      rule TEXT NOT NULL,
      message TEXT NOT NULL,
      reason TEXT NOT NULL,
      claimed_agent TEXT NOT NULL,
      approvers TEXT NOT NULL,
      policy_version TEXT NOT NULL,
      requested_at INTEGER NOT NULL,
      expires_at INTEGER NOT NULL,
      decided_at INTEGER,
      decided_by TEXT NOT NULL DEFAULT '',
      words TEXT NOT NULL DEFAULT '',
      spent_at INTEGER,
      spent_by TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX IF NOT EXISTS approval_request_subject
      ON approval_request (subject, digest);
    CREATE INDEX IF NOT EXISTS approval_request_open
      ON approval_request (expires_at) WHERE state IN ('pending', 'approved');
  )sql"));
  return ApprovalStore(database);
}

Result<void> ApprovalStore::add(const ApprovalRequest& request) {
  const access::ApprovalQuestion& question = request.question;
  const std::string digest = to_hex(question.digest), people = join_people(request.approvers);
  return database_->run(
      "INSERT INTO approval_request (id, state, subject, kind, session, target, protocol, verb, "
      "place, text, digest, exact, rule, message, reason, claimed_agent, approvers, "
      "policy_version, requested_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
      "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
      {request.id,
       to_string(request.state),
       request.subject,
       to_string(request.kind),
       request.session,
       request.target,
       question.protocol,
       question.verb,
       question.place,
       question.text,
       digest,
       std::int64_t{request.exact},
       question.rule,
       question.message,
       request.reason,
       request.claimed_agent,
       people,
       request.policy_version,
       to_column(request.requested_at),
       to_column(request.expires_at)});
}

Result<std::optional<ApprovalRequest>> ApprovalStore::find(const std::string& id) {
  HOOP_TRY(const auto row, database_->find(std::string(kRequests) + "WHERE id = ?1", {id}));
  if (!row) return std::nullopt;
  return read_request_row(*row);
}

Result<std::vector<ApprovalRequest>> ApprovalStore::same(const ApprovalRequest& as) {
  HOOP_TRY(Statement rows,
           database_->prepare(std::string(kRequests) +
                              "WHERE subject = ?1 AND digest = ?2 AND target = ?3 AND rule = ?4 "
                              "AND protocol = ?5 AND verb = ?6 AND place = ?7 AND text = ?8 AND "
                              "claimed_agent = ?9 ORDER BY number DESC LIMIT 64"));
  const access::ApprovalQuestion& question = as.question;
  const std::string digest = to_hex(question.digest);
  HOOP_CHECK(rows.bind({as.subject, digest, as.target, question.rule, question.protocol,
                        question.verb, question.place, question.text, as.claimed_agent}));
  std::vector<ApprovalRequest> out;
  for (;;) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back(read_request_row(rows));
  }
}

Result<std::size_t> ApprovalStore::count_open(const std::string& subject, SystemTime now) {
  HOOP_TRY(const auto row,
           database_->find("SELECT count(*) FROM approval_request WHERE subject = ?1 AND state IN "
                           "('pending', 'approved') AND expires_at > ?2",
                           {subject, to_column(now)}));
  return row ? static_cast<std::size_t>(row->integer(0)) : 0;
}

Result<std::vector<ApprovalStore::Entry>> ApprovalStore::entries(const std::string& subject,
                                                                 Which which) {
  std::string sql =
      "SELECT id, state, subject, rule, approvers, expires_at FROM approval_request WHERE (?1 = '' "
      "OR subject = ?1)";
  if (which == Which::open) sql += " AND state IN ('pending', 'approved')";
  HOOP_TRY(Statement rows, database_->prepare(sql + " ORDER BY number DESC"));
  HOOP_CHECK(rows.bind({subject}));
  std::vector<Entry> out;
  for (;;) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back({rows.text(0), read_state(rows.text(1)), rows.text(2), rows.text(3),
                   split_people(rows.text(4)), from_column(rows.integer(5))});
  }
}

Result<bool> ApprovalStore::decide(const std::string& id, const Verdict& verdict) {
  HOOP_CHECK(database_->run(
      "UPDATE approval_request SET state = ?2, decided_at = ?3, decided_by = ?4, words = ?5, "
      "expires_at = ?6 WHERE id = ?1 AND state = 'pending' AND expires_at > ?3",
      {id, to_string(verdict.state), to_column(verdict.at), verdict.by, verdict.words,
       to_column(verdict.expires_at)}));
  return database_->changes() == 1;
}

Result<bool> ApprovalStore::spend(const std::string& id, const std::string& session,
                                  SystemTime now) {
  HOOP_CHECK(database_->run(
      "UPDATE approval_request SET state = 'spent', spent_at = ?2, spent_by = ?3 WHERE id = ?1 AND "
      "state = 'approved' AND spent_at IS NULL AND expires_at > ?2",
      {id, to_column(now), session}));
  return database_->changes() == 1;
}

Result<void> ApprovalStore::expire(const std::string& id) {
  return database_->run(
      "UPDATE approval_request SET state = 'expired' WHERE id = ?1 AND state IN ('pending', "
      "'approved')",
      {id});
}

Result<void> ApprovalStore::sweep(SystemTime now, SystemTime forgotten) {
  HOOP_CHECK(
      database_->run("UPDATE approval_request SET state = 'expired' WHERE state IN ('pending', "
                     "'approved') AND expires_at <= ?1",
                     {to_column(now)}));
  return database_->run(
      "DELETE FROM approval_request WHERE state NOT IN ('pending', 'approved') AND requested_at < "
      "?1",
      {to_column(forgotten)});
}

}  // namespace hoop::gateway
