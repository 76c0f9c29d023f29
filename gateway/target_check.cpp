// SPDX-License-Identifier: Apache-2.0
#include "gateway/target_check.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/access/policy.h"
#include "core/base/encoding.h"
#include "gateway/http_target_check.h"
#include "gateway/issuers/postgres_login.h"
#include "gateway/issuers/postgres_role.h"
#include "gateway/kubernetes_target_check.h"
#include "gateway/secret_reference.h"
#include "gateway/ssh_target_check.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::minutes kRoleLife{2};
constexpr const char* kWho = "hoopctl gateway target check";

class TargetCheck {
 public:
  TargetCheck(const GatewayConfig& config, const ConfiguredTarget& target, const Clock& clock,
              Random& random, const TargetReport& report)
      : config_(config), target_(target), clock_(clock), random_(random), report_(report) {}

  void run();

 private:
  Result<std::string> secret();
  Result<std::string> admin();
  Result<std::string> shared_login();
  Result<std::string> enter(const std::string& database_role);
  Result<std::string> database(const std::string& name);
  Result<std::string> session_as(const std::string& database_role);
  Result<std::string> use(const access::PostgresCredential& credential,
                          const std::string& database_role);
  Result<access::Authorization> authorization(const std::string& database_role) const;
  PgLogin login(std::string user, SecretText password, std::string database) const;
  std::set<std::string> database_roles() const;

  const GatewayConfig& config_;
  const ConfiguredTarget& target_;
  const Clock& clock_;
  Random& random_;
  const TargetReport& report_;
  SecretText password_;
};

PgLogin TargetCheck::login(std::string user, SecretText password, std::string database) const {
  const access::Target& at = target_.target;
  return {at.host,         at.port,         at.tls_server_name,  at.tls,
          target_.ca_file, std::move(user), std::move(password), std::move(database)};
}

Result<std::string> TargetCheck::secret() {
  HOOP_TRY(password_, resolve_secret(target_.login.password, config_.layout.directory));
  return std::string("the login's password is there");
}

Result<std::string> TargetCheck::admin() {
  HOOP_TRY(auto connection, PgConnection::open(login(target_.login.user, password_.clone(),
                                                     target_.login.database)));
  HOOP_TRY(const auto rows, connection.query("SELECT r.rolcreaterole::text, r.rolsuper::text FROM "
                                             "pg_catalog.pg_roles r WHERE r.rolname = current_user",
                                             {}));
  const std::string version = fmt::format("PostgreSQL {}.{}", connection.server_version() / 10000,
                                          connection.server_version() % 10000);
  if (rows.at(0)[1] == "true")
    return fail(ErrorCode::config,
                fmt::format("'{}' is a superuser: whoever has its password has everything",
                            target_.login.user),
                "DATABASE SET-UP in hoopctl-gateway(8) says what it needs");
  if (rows.at(0)[0] != "true")
    return fail(ErrorCode::config, fmt::format("'{}' may not make roles", target_.login.user),
                fmt::format("ALTER ROLE {} CREATEROLE", target_.login.user));
  return fmt::format("{} lets '{}' in", version, target_.login.user);
}

Result<std::string> TargetCheck::shared_login() {
  HOOP_TRY(auto connection, PgConnection::open(login(target_.login.user, password_.clone(),
                                                     target_.login.database)));
  HOOP_CHECK(check_shared_login(connection, target_.login.user, {}));
  return fmt::format("PostgreSQL {}.{} lets '{}' in", connection.server_version() / 10000,
                     connection.server_version() % 10000, target_.login.user);
}

Result<std::string> TargetCheck::enter(const std::string& database_role) {
  HOOP_TRY(auto connection, PgConnection::open(login(target_.login.user, password_.clone(),
                                                     target_.login.database)));
  HOOP_CHECK(check_shared_login(connection, target_.login.user, database_role));
  return fmt::format("'{}' may become '{}'", target_.login.user, database_role);
}

Result<std::string> TargetCheck::database(const std::string& name) {
  HOOP_TRY(const auto connection,
           PgConnection::open(login(target_.login.user, password_.clone(), name)));
  return fmt::format("'{}' is there", name);
}

/// Of a person that no policy knows: what is asked is whether the target can serve the role, and
/// not who may have it.
Result<access::Authorization> TargetCheck::authorization(const std::string& database_role) const {
  access::Role role;
  role.name = kWho;
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = kRoleLife;
  role.database_role = database_role;
  access::PolicyDocument document;
  document.roles.push_back(std::move(role));
  access::Identity nobody;
  nobody.subject = kWho;
  return access::PolicyEngine(std::move(document))
      .authorize(nobody, target_.target, kRoleLife, clock_.system_now());
}

Result<std::string> TargetCheck::use(const access::PostgresCredential& credential,
                                     const std::string& database_role) {
  const auto& databases = target_.target.databases;
  const std::string where = databases.empty() ? target_.login.database : databases.front();
  auto opened = PgConnection::open(login(credential.username, credential.password.clone(), where));
  if (!opened)
    return std::unexpected(
        std::move(opened)
            .error()
            .within("log in as a session")
            .with_hint(
                "pg_hba.conf must let roles in whose names begin with hoop_, by scram-sha-256"));
  HOOP_TRY(const auto rows, opened->query("SELECT current_user::text", {}));
  if (rows.at(0)[0] != database_role)
    return fail(ErrorCode::config, fmt::format("a session did not become '{}'", database_role),
                "may the admin hand it out? GRANT … TO … WITH ADMIN OPTION");
  return fmt::format("a session role was made, logged in as '{}' and was dropped", database_role);
}

Result<std::string> TargetCheck::session_as(const std::string& database_role) {
  PostgresRoleIssuer issuer(
      config_.id, target_.login.database,
      [this](const std::string& database) -> Result<PgLogin> {
        return login(target_.login.user, password_.clone(), database);
      },
      clock_, random_);
  const std::string name = issuer.name_for("s_check" + to_hex(random_.bytes(8)));
  HOOP_TRY(const access::Authorization allowed, authorization(database_role));
  auto credential = issuer.issue(allowed, name);
  if (!credential) return std::unexpected(std::move(credential).error());
  Result<std::string> used = use(std::get<access::PostgresCredential>(*credential), database_role);
  // Whatever came of it: the role goes.
  if (auto gone = issuer.revoke(name); !gone) return std::unexpected(std::move(gone).error());
  return used;
}

std::set<std::string> TargetCheck::database_roles() const {
  std::set<std::string> out;
  for (const access::Role& role : config_.policy.roles) {
    const bool leads_here = std::ranges::any_of(role.targets, [&](const std::string& pattern) {
      return access::glob_matches(pattern, target_.target.name);
    });
    if (leads_here && !role.database_role.empty()) out.insert(role.database_role);
  }
  return out;
}

void TargetCheck::run() {
  const Result<std::string> found = secret();
  report_("secret", found);
  if (!found || target_.via == Via::agent) return;
  const bool shared = target_.lends == Lends::shared_login;
  const Result<std::string> reached = shared ? shared_login() : admin();
  report_(shared ? "login" : "admin", reached);
  if (!reached) return;
  for (const std::string& name : target_.target.databases) report_("database", database(name));
  const std::set<std::string> roles = database_roles();
  for (const std::string& role : roles) report_("role", shared ? enter(role) : session_as(role));
  if (roles.empty() && !shared)
    report_("role", fail(ErrorCode::config, "no role of the policy leads here with a database_role",
                         "[[role]] in hoopctl-policy(5)"));
}

}  // namespace

void check_target(const GatewayConfig& config, const ConfiguredTarget& target, const Clock& clock,
                  Random& random, const TargetReport& report) {
  if (target.target.protocol == "ssh")
    return check_ssh_target(config, target, clock, random, report);
  if (target.target.protocol == "http") return check_http_target(config, target, clock, report);
  if (target.target.protocol == "kubernetes")
    return check_kubernetes_target(config, target, clock, random, report);
  TargetCheck(config, target, clock, random, report).run();
}

}  // namespace hoop::gateway
