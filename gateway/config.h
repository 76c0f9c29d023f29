// SPDX-License-Identifier: Apache-2.0
// The gateway's configuration: DIR/gateway.toml, DIR/policy.toml and DIR/conf.d/*.toml, read once
// and checked whole.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/policy_parser.h"
#include "core/access/target.h"
#include "core/base/error.h"
#include "core/identity/token_request.h"
#include "gateway/workload_exchange.h"

namespace hoop::gateway {

/// How the gateway logs in to a target. password is a reference (secret_reference.h), never the
/// secret.
struct GatewayLogin {
  std::string user;
  std::string password;
  std::string database = "postgres";
  bool operator==(const GatewayLogin&) const = default;
};

/// How the gateway reaches a target: itself, or through an agent that serves the target's labels.
enum class Via { direct, agent };

/// By what sessions log in: a database role of their own, which the gateway's login makes and
/// drops; a certificate of the gateway's SSH authority; a token of a cluster's service account; a
/// login, key or other secret that is the gateway's own, and lasts; that secret, with which the
/// gateway speaks for each person by a name (impersonation); or nothing at all.
enum class Lends {
  session_role,
  session_certificate,
  session_token,
  shared_login,
  shared_key,
  shared_secret,
  impersonation,
  nothing
};
/// As listings name it.
std::string_view to_string(Lends lends);

/// Where in a request a secret stands. bearer and basic are forms of the header Authorization (RFC
/// 6750, RFC 7617); a parameter is one of the URL.
enum class SecretPlace { header, bearer, basic, parameter };

/// Of an HTTP or Kubernetes target. value is a reference (secret_reference.h), never the secret.
struct ConfiguredSecret {
  SecretPlace place = SecretPlace::header;
  std::string name;  // of the header or the parameter; basic: the user
  std::string value;
  bool operator==(const ConfiguredSecret&) const = default;
};

/// Of a cluster, in a namespace of it.
struct ServiceAccount {
  std::string space;
  std::string name;
  bool operator==(const ServiceAccount&) const = default;
};

struct ConfiguredTarget {
  access::Target target;
  Via via = Via::direct;
  Lends lends = Lends::session_role;
  GatewayLogin login;                             // of shared_key: its password is the key
  std::vector<ConfiguredSecret> secrets;          // http, kubernetes
  bool hand_out = false;                          // the secrets may leave the gateway
  std::optional<ServiceAccount> service_account;  // of session_token
  std::string impersonate_prefix;  // of impersonation: what names in the cluster begin with
  std::vector<std::string> source_addresses;  // ssh: from where certificates are good; empty: any
  std::string ca_file;                        // absolute; libpq wants a file
  bool operator==(const ConfiguredTarget&) const = default;
};

/// Where things lie in DIR; all of it 0600 and 0700.
struct Layout {
  std::filesystem::path directory;
  std::filesystem::path gateway_toml() const { return directory / "gateway.toml"; }
  std::filesystem::path policy_toml() const { return directory / "policy.toml"; }
  std::filesystem::path conf_d() const { return directory / "conf.d"; }
  std::filesystem::path ca_pem() const { return directory / "tls/ca.pem"; }
  std::filesystem::path ca_key() const { return directory / "tls/ca.key"; }
  std::filesystem::path server_pem() const { return directory / "tls/server.pem"; }
  std::filesystem::path server_key() const { return directory / "tls/server.key"; }
  std::filesystem::path token_key() const { return directory / "keys/token.pem"; }
  std::filesystem::path receipt_key() const { return directory / "keys/receipt.pem"; }
  std::filesystem::path ssh_ca_key() const { return directory / "keys/ssh_ca.key"; }
  std::filesystem::path secret_key() const { return directory / "keys/secret.key"; }
  std::filesystem::path state() const { return directory / "state"; }
  std::filesystem::path database() const { return directory / "state/gateway.db"; }
  std::filesystem::path logs() const { return directory / "state/logs"; }
  std::filesystem::path spool() const { return directory / "state/spool"; }
  std::filesystem::path listen_file() const { return directory / "state/listen"; }
  std::filesystem::path metrics_file() const { return directory / "state/metrics"; }
};

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
};

/// An identity provider in the place of the embedded one.
struct OidcSettings {
  std::string issuer;  // as its tokens name it, byte by byte
  std::string client_id;
  std::string audience;                    // of tokens for us; empty: the base URL
  identity::RequestParameters parameters;  // what login tells the issuer besides
  std::string subject_claim = "sub";
  std::string groups_claim = "groups";
  std::map<std::string, std::string, std::less<>> group_names = {};
  std::string approving_scope = "approve";   // of tokens for deciding requests
  std::vector<std::string> service_clients;  // whose tokens are a CI's
  std::chrono::seconds max_life{3600};       // of a token
  std::string ca_pem;                        // empty: the system's authorities
  bool operator==(const OidcSettings&) const = default;
};

struct GatewayConfig {
  Layout layout;
  std::string listen_host = "127.0.0.1";
  std::uint16_t listen_port = 8443;
  std::optional<ListenAddress> metrics;  // a loopback address
  std::string url;                       // empty: made from the listening address, see base_url()
  std::string id;
  std::uint32_t grants_per_minute = 600;         // per identity
  std::uint32_t sessions_per_identity = 100;     // that are live at once
  std::optional<std::size_t> event_loops;        // for sessions; none: as many as processors
  std::chrono::seconds heartbeat{60};            // of sessions: how long a client may be unheard
  std::chrono::seconds approval_time{3600};      // of a request that nobody decides
  std::chrono::seconds device_poll_interval{5};  // of the embedded identity provider
  std::optional<OidcSettings> oidc;              // none: the embedded identity provider
  std::vector<ConfiguredWorkload> workloads;
  std::vector<ConfiguredTarget> targets;
  access::PolicyDocument policy;

  /// Base URL, without a slash at its end: issuer of what the gateway signs, and audience of tokens
  /// for it. port is the one that was bound.
  std::string base_url(std::uint16_t port) const;
};

/// Reads and checks everything. Fails with config; the message begins "file:line:column: " wherever
/// there is a line to blame.
Result<GatewayConfig> load_config(const std::filesystem::path& directory);

/// A policy alone, in the order of its files, as load_config() would take it. Fails with config.
Result<access::PolicyDocument> read_policy(const std::vector<access::PolicySource>& sources);

/// "127.0.0.1:8443", "[::1]:0". Fails with config.
Result<ListenAddress> parse_listen(std::string_view text);

}  // namespace hoop::gateway
