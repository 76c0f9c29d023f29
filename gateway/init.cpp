// SPDX-License-Identifier: Apache-2.0
#include "gateway/init.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/keys.h"
#include "core/identity/private_file.h"
#include "core/net/tls.h"
#include "gateway/config.h"
#include "gateway/ssh_authority.h"

namespace hoop::gateway {
namespace {

constexpr std::string_view kGatewayToml =
    R"(# The gateway's own settings and its targets: hoopctl-gateway(8).
# Files in conf.d/*.toml are read after this one, in the order of their names; a [[target]] of the same name replaces this one's.

[gateway]
listen = "{listen}"
{url}id = "{id}"                 # never change it: the database roles that this gateway made are found by it
# grants_per_minute = 600       # per person

# A PostgreSQL that people may open. The admin login makes one role a session and drops it at the end; what its DBA runs once is
# in hoopctl-gateway(8), DATABASE SET-UP.
#
# [[target]]
# name = "pg-demo"              # hoopctl connect pg-demo
# protocol = "postgres"
# description = "the demo shop"
# host = "127.0.0.1"
# port = 5432
# databases = ["demo"]          # the first one is where a session begins
# tls = "verify-full"           # or verify-ca, disable
# ca_file = "/etc/hoopctl/pg-ca.pem"   # without it: the system's authorities
# server_name = "localhost"     # what the certificate names, if not host
# path = "local"              # or gateway: nothing secret leaves this machine
# labels = {{ env = "demo" }}
#   The password never stands here: file:/path (0600), env:NAME or exec:/path/to/program argument.
# admin = {{ user = "hoop_admin", password = "file:keys/pg-demo.password", database = "postgres" }}
#
# A host that people may reach by SSH: hoopctl-ssh(7). It trusts this gateway's authority, hoopctl gateway ssh-ca public-key DIR.
#
# [[target]]
# name = "web-1"                # hoopctl connect web-1
# protocol = "ssh"
# host = "web-1.example"
# port = 22
#   hoopctl gateway target scan-host-key web-1.example; compare it at the host before it stands here.
# host_keys = ["SHA256:..."]
#
# An internal HTTP service: hoopctl-gateway(8), HTTP SERVICES. Its key stays here, and no program sees it.
#
# [[target]]
# name = "billing-api"          # hoopctl connect billing-api -- sh -c 'curl $HOOPCTL_URL/invoices'
# protocol = "http"
# url = "https://billing.internal:8443/api"
# url_variable = "BILLING_URL"  # where programs find the endpoint, besides HOOPCTL_URL
# credential = {{ header = "X-Api-Key", value = "file:keys/billing" }}   # or bearer, basic, query
#
# A Kubernetes cluster: hoopctl-gateway(8), CLUSTERS. Each session has a token of the service account, which ends with it.
#
# [[target]]
# name = "k8s-prod"             # hoopctl connect k8s-prod -- kubectl get pods
# protocol = "kubernetes"
# url = "https://10.0.0.1:6443"
# ca_file = "/etc/hoopctl/k8s-ca.pem"
# credential = {{ bearer = "file:keys/k8s-prod" }}   # what makes these tokens
# service_account = "hoopctl/developers"
#   Or, in its place: impersonate = true, and the cluster's RBAC is about hoopctl:alice and hoopctl:developers.
)";

constexpr std::string_view kPolicyToml =
    R"(# Who may open what, and what may happen there: hoopctl-policy(5). First deny wins, then allow; what no rule allows is denied.

# A role maps people to targets, and to the database role whose rights they use there.
[[role]]
name = "developers"
members = ["group:developers"]  # or "user:alice", "*"
targets = ["pg-*"]
max_ttl = "30m"
database_role = "app"           # granted to the admin login by the DBA; never a superuser
# logins = ["deploy"]           # of hosts: as whom one may log in there; the first is the default

[[rule]]
name = "no-ddl"
when = { protocol = "postgres", verb = "ddl" }
effect = "deny"
message = "the schema is changed by migrations, not by hand"
hint = "put the change into a migration"

[[rule]]
name = "work"
when = { protocol = "postgres", verb = ["read", "write", "transaction", "set", "prepare", "execute", "deallocate", "listen", "lock", "discard"] }
effect = "allow"

# What is found in results is hidden, in whatever column it stands.
[[mask]]
name = "secrets"
detectors = ["payment_card", "private_key", "aws_secret_key"]
with = "redact"

# A column is hidden by its name; a name without '*' must exist in the target's database.
# [[mask]]
# name = "customer-contact"
# columns = ["public.customers.email"]
# with = "partial"              # redact, partial, hash or null

[limits]
rows_per_statement = 100_000
rows_per_session = 1_000_000
)";

/// localhost first, what was asked for after it, each once.
std::vector<std::string> certificate_names(const std::vector<std::string>& wanted,
                                           const std::string& listen_host) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::find(out, name) == out.end()) out.push_back(name);
  };
  for (const std::string& name : wanted) add(name);
  for (const char* name : {"localhost", "127.0.0.1", "::1"}) add(name);
  if (listen_host != "0.0.0.0" && listen_host != "::") add(listen_host);
  return out;
}

bool is_certificate_name(const std::string& name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == ':';
  };
  return !name.empty() && name.size() <= 253 && std::ranges::all_of(name, fits) &&
         name.front() != '-' && name.front() != '.';
}

struct Writer {
  std::filesystem::path directory;
  InitReport& report;
  Result<void> file(const std::string& name, std::string_view text) {
    HOOP_CHECK(identity::write_private_file(directory / name, text));
    report.files.push_back(name);
    return {};
  }
};

}  // namespace

Result<InitReport> init_directory(const InitOptions& options, Random& random) {
  std::error_code error;
  if (std::filesystem::exists(options.directory, error) &&
      !std::filesystem::is_empty(options.directory, error))
    return fail(ErrorCode::config,
                fmt::format("'{}' exists and is not empty", options.directory.string()),
                "name a new directory: init never overwrites");
  HOOP_TRY(const auto listen, parse_listen(options.listen));
  for (const std::string& name : options.names) {
    if (!is_certificate_name(name))
      return fail(ErrorCode::usage, fmt::format("'{}' is not a host name or an address", name));
  }
  InitReport report;
  report.gateway_id = "gw_" + to_hex(random.bytes(8));
  if (listen.port != 0) {
    GatewayConfig config;
    config.listen_host = listen.host;
    report.url = config.base_url(listen.port);
    if (!options.names.empty()) {
      const std::string& host = options.names.front();
      report.url =
          fmt::format("https://{}:{}",
                      host.find(':') != std::string::npos ? "[" + host + "]" : host, listen.port);
    }
  }

  const auto pki = net::generate_pki("hoopctl gateway " + report.gateway_id,
                                     certificate_names(options.names, listen.host));
  report.ca_sha256 = pki.ca_sha256;
  for (const char* folder : {"", "conf.d", "tls", "keys", "state", "state/logs"})
    HOOP_CHECK(identity::make_private_directory(options.directory / folder));
  Writer write{options.directory, report};
  HOOP_CHECK(write.file("tls/ca.pem", pki.ca_pem));
  HOOP_CHECK(write.file("tls/ca.key", pki.ca_key_pem.reveal()));
  HOOP_CHECK(write.file("tls/server.pem", pki.server_pem));
  HOOP_CHECK(write.file("tls/server.key", pki.server_key_pem.reveal()));
  HOOP_CHECK(write.file("keys/token.pem", crypto::P256Key::generate().to_pem().reveal()));
  HOOP_CHECK(write.file("keys/receipt.pem", crypto::P256Key::generate().to_pem().reveal()));
  HOOP_CHECK(
      write.file("keys/ssh_ca.key", ssh_authority_text(crypto::Ed25519Key::generate()).reveal()));
  const SecretText secret(to_base64url(random.bytes(32)));
  HOOP_CHECK(write.file("keys/secret.key", secret.reveal()));
  HOOP_CHECK(write.file("policy.toml", kPolicyToml));
  // Last: without it the directory is no gateway, so a half-made one is told apart.
  const std::string url =
      report.url.empty()
          ? "# url = \"https://gw.example:8443\"   # made from the port that was bound\n"
          : fmt::format(
                "url = \"{}\"   # what people type after --gateway; issuer and audience of every "
                "token\n",
                report.url);
  HOOP_CHECK(write.file("gateway.toml",
                        fmt::format(fmt::runtime(kGatewayToml), fmt::arg("listen", options.listen),
                                    fmt::arg("url", url), fmt::arg("id", report.gateway_id))));
  return report;
}

}  // namespace hoop::gateway
