// SPDX-License-Identifier: Apache-2.0
// One libpq connection of the issuer: hardened parameters, constant SQL, errors as Result.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/target.h"
#include "core/base/error.h"
#include "core/base/secret.h"

struct pg_conn;

namespace hoop::gateway {

struct PgLogin {
  std::string host;
  std::uint16_t port = 5432;
  std::string server_name;  // what the certificate must name; empty: host
  access::TlsMode tls = access::TlsMode::verify_full;
  std::string ca_file;  // empty: the system's
  std::string user;
  SecretText password;
  std::string database;
  // A port of 127.0.0.1 that leads to host. The certificate is checked as if it did not.
  std::optional<std::uint16_t> by_port = std::nullopt;
};

/// How to reach a database of a server; asked anew for every connection, so that a changed password
/// is taken up.
using PgLoginFor = std::function<Result<PgLogin>(const std::string& database)>;

/// Resource, used by one thread at a time; every call blocks, bounded by connect_timeout and
/// statement_timeout.
class PgConnection {
 public:
  using Row = std::vector<std::optional<std::string>>;

  /// search_path is pg_catalog, pg_temp from the first statement on. Fails with
  /// upstream_unreachable, upstream_refused, integrity.
  static Result<PgConnection> open(const PgLogin& login);
  PgConnection(PgConnection&&) noexcept = default;
  PgConnection& operator=(PgConnection&&) noexcept = default;

  /// One statement with $1, $2, … Fails with upstream_refused (see sqlstate()) or
  /// upstream_unreachable (is_broken()).
  Result<std::vector<Row>> query(const char* sql, const std::vector<std::string>& parameters);
  /// One or several statements as one transaction; their rows are dropped.
  Result<void> run(const std::string& sql);

  std::string identifier(std::string_view name) const;
  std::string literal(std::string_view text) const;
  /// 150020 for 15.20.
  int server_version() const;
  bool is_broken() const;
  /// The SQLSTATE of the last failed statement.
  const std::string& sqlstate() const { return sqlstate_; }

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };
  explicit PgConnection(pg_conn* connection) : connection_(connection) {}
  Error failure(void* result);
  std::unique_ptr<pg_conn, Close> connection_;
  std::string sqlstate_;
};

}  // namespace hoop::gateway
