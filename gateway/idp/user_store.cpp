// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/user_store.h"

#include <algorithm>

#include "gateway/idp/password_hash.h"
#include "gateway/idp/schema.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxGroups = 64;
constexpr std::size_t kMinPasswordBytes = 8;
constexpr std::size_t kMaxPasswordBytes = 1024;

constexpr const char* kUsers =
    "SELECT name, groups, disabled, created_at, coalesce(tries, 0) FROM idp_users LEFT JOIN "
    "idp_wrong_passwords USING (name)";

/// Names stand in policies ("user:NAME"), log lines and role names: a small alphabet saves all of
/// them from quoting.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '@' || c == '+' || c == '-';
  });
}

Result<void> check_password(const SecretText& password) {
  const std::size_t size = password.reveal().size();
  if (size < kMinPasswordBytes || size > kMaxPasswordBytes) {
    return fail(ErrorCode::usage, "the password must have 8 to 1024 bytes");
  }
  return {};
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return out;
}

User read_user(const Statement& row) {
  return {row.text(0), split_lines(row.text(1)), row.integer(2) != 0, from_column(row.integer(3)),
          row.integer(4) >= UserStore::kMostWrongPasswords};
}

std::unexpected<Error> no_such_user(std::string_view name) {
  return fail(ErrorCode::not_found, "there is no user '" + std::string(name) + "'");
}

}  // namespace

Result<UserStore> UserStore::open(Database& database) {
  HOOP_CHECK(make_tables(database));
  return UserStore(database);
}

Result<void> UserStore::add_user(std::string_view name, const SecretText& password,
                                 const std::vector<std::string>& groups, Random& random,
                                 SystemTime now) {
  constexpr const char* kAlphabet =
      "letters, digits and . _ @ + - make a name, at most 128 of them";
  if (!is_name(name)) return fail(ErrorCode::usage, "not a user's name", kAlphabet);
  if (groups.size() > kMaxGroups) return fail(ErrorCode::usage, "more than 64 groups");
  std::string lines;
  for (const std::string& group : groups) {
    if (!is_name(group)) return fail(ErrorCode::usage, "not a group's name", kAlphabet);
    lines += group + "\n";
  }
  HOOP_CHECK(check_password(password));
  HOOP_CHECK(
      database_->run("INSERT INTO idp_users (name, password_hash, groups, created_at) VALUES (?, "
                     "?, ?, ?) ON CONFLICT DO NOTHING",
                     {name, hash_password(password, random), lines, to_column(now)}));
  if (database_->changes() == 0)
    return fail(ErrorCode::usage, "there is a user '" + std::string(name) + "' already");
  return {};
}

Result<std::vector<User>> UserStore::list_users() {
  HOOP_TRY(Statement rows, database_->prepare(std::string(kUsers) + " ORDER BY name"));
  std::vector<User> out;
  while (true) {
    HOOP_TRY(const bool found, rows.step());
    if (!found) return out;
    out.push_back(read_user(rows));
  }
}

Result<std::optional<User>> UserStore::find_user(std::string_view name) {
  HOOP_TRY(const auto row, database_->find(std::string(kUsers) + " WHERE name = ?", {name}));
  if (!row) return std::optional<User>();
  return std::optional<User>(read_user(*row));
}

Result<void> UserStore::set_password(std::string_view name, const SecretText& password,
                                     Random& random) {
  HOOP_CHECK(check_password(password));
  const std::string hash = hash_password(password, random);
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  HOOP_CHECK(database_->run("UPDATE idp_users SET password_hash = ? WHERE name = ?", {hash, name}));
  if (database_->changes() == 0) return no_such_user(name);
  HOOP_CHECK(right_password(name));
  HOOP_CHECK(end_logins(name));
  return transaction.commit();
}

Result<void> UserStore::remove_user(std::string_view name) {
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  HOOP_CHECK(right_password(name));
  HOOP_CHECK(database_->run("DELETE FROM idp_users WHERE name = ?", {name}));
  if (database_->changes() == 0) return no_such_user(name);
  HOOP_CHECK(end_logins(name));
  return transaction.commit();
}

Result<void> UserStore::set_state(std::string_view name, State state) {
  HOOP_TRY(Transaction transaction, Transaction::begin(*database_));
  HOOP_CHECK(database_->run("UPDATE idp_users SET disabled = ? WHERE name = ?",
                            {state == State::disabled ? 1 : 0, name}));
  if (database_->changes() == 0) return no_such_user(name);
  HOOP_CHECK(state == State::disabled ? end_logins(name) : right_password(name));
  return transaction.commit();
}

Result<void> UserStore::end_logins(std::string_view name) {
  // Also what was approved and not yet fetched; otherwise a new user of the same name would inherit
  // it.
  HOOP_CHECK(database_->run("DELETE FROM idp_device_requests WHERE subject = ?", {name}));
  return database_->run("UPDATE idp_logins SET ended = 1 WHERE subject = ?", {name});
}

Result<bool> UserStore::wrong_password(std::string_view name) {
  // Written for an unknown name too, under one for all: that it takes as long tells nothing.
  HOOP_CHECK(database_->run(
      "INSERT INTO idp_wrong_passwords (name, tries) VALUES (coalesce((SELECT name FROM idp_users "
      "WHERE name = ?), ''), 1) ON CONFLICT (name) DO UPDATE SET tries = tries + 1",
      {name}));
  HOOP_TRY(const auto row,
           database_->find("SELECT tries FROM idp_wrong_passwords WHERE name = ?", {name}));
  return row && !name.empty() && row->integer(0) == kMostWrongPasswords;
}

Result<void> UserStore::right_password(std::string_view name) {
  return database_->run("DELETE FROM idp_wrong_passwords WHERE name = ?", {name});
}

Result<std::optional<std::string>> UserStore::password_hash(std::string_view name) {
  HOOP_TRY(
      const auto row,
      database_->find("SELECT password_hash FROM idp_users LEFT JOIN idp_wrong_passwords "
                      "USING (name) WHERE name = ? AND disabled = 0 AND coalesce(tries, 0) < ?",
                      {name, kMostWrongPasswords}));
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(row->text(0));
}

}  // namespace hoop::gateway::idp
