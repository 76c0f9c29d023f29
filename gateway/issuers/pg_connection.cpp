// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/pg_connection.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>

#include <array>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace hoop::gateway {
namespace {

// The system's authorities, where Debian, Ubuntu and Alpine keep them; libpq 15 cannot ask OpenSSL
// for its default.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// The role catalogues alone are touched: ten seconds is a locked catalogue, not a slow query.
// Losing the last half second of role changes in a server crash is harmless (the reaper and VALID
// UNTIL catch a role that comes back), so no commit waits for the disk.
constexpr const char* kServerOptions =
    "-c search_path=pg_catalog,pg_temp -c statement_timeout=10000 -c lock_timeout=5000 "
    "-c idle_in_transaction_session_timeout=20000 -c synchronous_commit=off -c datestyle=ISO -c "
    "timezone=UTC "
    "-c standard_conforming_strings=on";

// What we use of libpq, each without its PQ.
#define HOOP_LIBPQ_FUNCTIONS(one)                                                            \
  one(clear) one(connectdbParams) one(errorMessage) one(escapeIdentifier) one(escapeLiteral) \
      one(exec) one(execParams) one(finish) one(freemem) one(getisnull) one(getlength)       \
          one(getvalue) one(nfields) one(ntuples) one(resultErrorField) one(resultStatus)    \
              one(serverVersion) one(setNoticeProcessor) one(status)

/// libpq, loaded when the first admin connection is made. It brings twenty libraries with it
/// (Kerberos, LDAP, GnuTLS), which take longer to load than the rest of hoopctl; only a gateway
/// needs them. The functions are as libpq-fe.h declares them.
struct Libpq {
#define HOOP_LIBPQ_MEMBER(name) decltype(&::PQ##name) name = nullptr;
  HOOP_LIBPQ_FUNCTIONS(HOOP_LIBPQ_MEMBER)
#undef HOOP_LIBPQ_MEMBER
};

Error libpq_missing(std::string_view what) {
  return {ErrorCode::config,
          fmt::format("{} cannot be loaded: PostgreSQL targets need it", what),
          "install libpq (Debian: libpq5)",
          {}};
}

Result<Libpq> find_libpq() {
  constexpr const char* kLibrary = "libpq.so.5";
  // Never unloaded: OpenSSL and its like register what runs at the end of the process.
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return std::unexpected(libpq_missing(kLibrary));
  Libpq found;
#define HOOP_LIBPQ_FIND(name)                                                        \
  found.name = reinterpret_cast<decltype(found.name)>(::dlsym(library, "PQ" #name)); \
  if (found.name == nullptr) return std::unexpected(libpq_missing("PQ" #name));
  HOOP_LIBPQ_FUNCTIONS(HOOP_LIBPQ_FIND)
#undef HOOP_LIBPQ_FIND
  return found;
}

/// Fails with config where the library or a function of it is missing.
const Result<Libpq>& load_libpq() {
  static const Result<Libpq> found = find_libpq();
  return found;
}

/// After load_libpq() has succeeded.
const Libpq& libpq() { return *load_libpq(); }

struct ResultDeleter {
  void operator()(PGresult* result) const { libpq().clear(result); }
};
using PgResult = std::unique_ptr<PGresult, ResultDeleter>;

const char* ssl_mode(access::TlsMode mode) {
  switch (mode) {
    case access::TlsMode::disable: return "disable";
    case access::TlsMode::verify_ca: return "verify-ca";
    case access::TlsMode::verify_full: return "verify-full";
  }
  return "verify-full";
}

/// The address of host as text: needed where the certificate names something else than what we
/// dial.
std::optional<std::string> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return std::nullopt;
  std::array<char, NI_MAXHOST> text{};
  const int failed = getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(),
                                 nullptr, 0, NI_NUMERICHOST);
  freeaddrinfo(found);
  if (failed != 0) return std::nullopt;
  return std::string(text.data());
}

/// libpq has no code for why a connection failed, only text in which the server's words are mixed.
/// The text goes to `remote`; what we say of it is one of these.
Error connect_failure(const PgLogin& login, std::string_view text) {
  struct Reason {
    std::string_view needle;
    ErrorCode code;
    std::string_view message;
    std::string_view hint;
  };
  static constexpr std::array<Reason, 9> kReasons{{
      {"password authentication failed", ErrorCode::upstream_refused,
       "the admin login's password was not accepted",
       "check admin.user and admin.password of the target"},
      {"no password supplied", ErrorCode::upstream_refused, "the server wants a password",
       "set admin.password of the target"},
      {"no pg_hba.conf entry", ErrorCode::upstream_refused,
       "the server's pg_hba.conf lets this login in from nowhere near here",
       "add a line for the admin login and for the session roles"},
      {"role \"", ErrorCode::upstream_refused, "the admin login does not exist there",
       "see DATABASE SET-UP in hoopctl-gateway(8)"},
      {"database \"", ErrorCode::upstream_refused, "the admin database does not exist there",
       "set admin.database of the target"},
      {"certificate", ErrorCode::integrity, "the server's certificate was not accepted",
       "check ca_file and server_name of the target"},
      {"does not support SSL", ErrorCode::upstream_refused, "the server does not speak TLS",
       "turn on ssl there, or set tls = \"disable\""},
      {"starting up", ErrorCode::upstream_unreachable, "the server is starting or stopping",
       "try again"},
      {"too many", ErrorCode::upstream_unreachable, "the server has no free connection",
       "try again"},
  }};
  Error error{ErrorCode::upstream_unreachable,
              {},
              "check that the server runs and that host and port of the target are right",
              std::string(text)};
  std::string_view why = "cannot connect";
  for (const Reason& reason : kReasons) {
    if (text.find(reason.needle) == std::string_view::npos) continue;
    error.code = reason.code;
    error.hint = reason.hint;
    why = reason.message;
    break;
  }
  error.message = fmt::format("postgres at {}:{}: {}", login.host, login.port, why);
  return error;
}

}  // namespace

void PgConnection::Close::operator()(pg_conn* connection) const { libpq().finish(connection); }

Result<PgConnection> PgConnection::open(const PgLogin& login) {
  if (const auto& loaded = load_libpq(); !loaded) return std::unexpected(loaded.error());
  std::string host = login.server_name.empty() ? login.host : login.server_name;
  std::string address;
  if (login.by_port) {
    address = "127.0.0.1";
  } else if (host != login.host) {
    const auto resolved = resolve(login.host);
    if (!resolved)
      return fail(ErrorCode::upstream_unreachable, fmt::format("cannot resolve '{}'", login.host),
                  "check host of the target");
    address = *resolved;
  }
  const std::string port = std::to_string(login.by_port.value_or(login.port));
  std::vector<const char*> keys, values;
  const auto set = [&](const char* key, const char* value) {
    keys.push_back(key);
    values.push_back(value);
  };
  set("host", host.c_str());
  if (!address.empty()) set("hostaddr", address.c_str());
  set("port", port.c_str());
  set("user", login.user.c_str());
  set("password", login.password.reveal().c_str());
  set("dbname", login.database.c_str());
  set("sslmode", ssl_mode(login.tls));
  set("sslrootcert", login.ca_file.empty() ? kSystemAuthorities : login.ca_file.c_str());
  // Nothing of the account that runs the gateway takes part: no client certificate, no password
  // file.
  set("sslcert", "/dev/null/none");
  set("passfile", "/dev/null");
  set("gssencmode", "disable");
  set("client_encoding", "UTF8");
  set("application_name", "hoopctl-gateway");
  set("connect_timeout", "5");
  set("keepalives", "1");
  set("keepalives_idle", "30");
  set("keepalives_interval", "10");
  set("keepalives_count", "3");
  set("tcp_user_timeout", "15000");
  set("options", kServerOptions);
  keys.push_back(nullptr);
  values.push_back(nullptr);
  PgConnection connection(libpq().connectdbParams(keys.data(), values.data(), 0));
  if (connection.connection_ == nullptr) return fail(ErrorCode::internal, "out of memory");
  if (libpq().status(connection.connection_.get()) != CONNECTION_OK)
    return std::unexpected(
        connect_failure(login, libpq().errorMessage(connection.connection_.get())));
  libpq().setNoticeProcessor(connection.connection_.get(), [](void*, const char*) {}, nullptr);
  return connection;
}

Error PgConnection::failure(void* result) {
  auto* rows = static_cast<PGresult*>(result);
  const char* state = libpq().resultErrorField(rows, PG_DIAG_SQLSTATE);
  sqlstate_ = state != nullptr ? state : "";
  if (is_broken() || sqlstate_.empty())
    return Error{
        ErrorCode::upstream_unreachable, "the connection to the server was lost", "try again", {}};
  Error error{ErrorCode::upstream_refused,
              fmt::format("the server answered SQLSTATE {}", sqlstate_),
              {},
              {}};
  if (const char* said = libpq().resultErrorField(rows, PG_DIAG_MESSAGE_PRIMARY))
    error.remote = said;
  if (sqlstate_ == "42501")
    error.hint = "the admin login lacks a privilege: see DATABASE SET-UP in hoopctl-gateway(8)";
  if (sqlstate_ == "25006")
    error.hint = "the server is a read-only standby: set host to the primary";
  if (sqlstate_ == "57014") error.code = ErrorCode::timeout;
  return error;
}

Result<std::vector<PgConnection::Row>> PgConnection::query(
    const char* sql, const std::vector<std::string>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  const PgResult result(libpq().execParams(connection_.get(), sql, static_cast<int>(values.size()),
                                           nullptr, values.data(), nullptr, nullptr, 0));
  if (libpq().resultStatus(result.get()) != PGRES_TUPLES_OK)
    return std::unexpected(failure(result.get()));
  std::vector<Row> rows(static_cast<std::size_t>(libpq().ntuples(result.get())));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int column = 0; column < libpq().nfields(result.get()); ++column) {
      const int row = static_cast<int>(i);
      if (libpq().getisnull(result.get(), row, column) != 0) {
        rows[i].emplace_back(std::nullopt);
      } else {
        rows[i].emplace_back(
            std::string(libpq().getvalue(result.get(), row, column),
                        static_cast<std::size_t>(libpq().getlength(result.get(), row, column))));
      }
    }
  }
  return rows;
}

Result<void> PgConnection::run(const std::string& sql) {
  const PgResult result(libpq().exec(connection_.get(), sql.c_str()));
  const ExecStatusType status = libpq().resultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    return std::unexpected(failure(result.get()));
  return {};
}

std::string PgConnection::identifier(std::string_view name) const {
  char* quoted = libpq().escapeIdentifier(connection_.get(), name.data(), name.size());
  std::string out = quoted != nullptr ? quoted : "\"\"";
  libpq().freemem(quoted);
  return out;
}

std::string PgConnection::literal(std::string_view text) const {
  char* quoted = libpq().escapeLiteral(connection_.get(), text.data(), text.size());
  std::string out = quoted != nullptr ? quoted : "''";
  libpq().freemem(quoted);
  return out;
}

int PgConnection::server_version() const { return libpq().serverVersion(connection_.get()); }
bool PgConnection::is_broken() const { return libpq().status(connection_.get()) != CONNECTION_OK; }

}  // namespace hoop::gateway
