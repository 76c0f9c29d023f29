// SPDX-License-Identifier: Apache-2.0
#include "gateway/target_reader.h"

#include <fmt/format.h>

#include "gateway/http_target_reader.h"
#include "gateway/kubernetes_target_reader.h"
#include "gateway/target_parts.h"
#include "protocols/ssh/public_key.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

void read_tls_negotiation(const TomlTable& table, access::Target& out) {
  const std::string negotiation = table.text_or("tls_negotiation", "postgres");
  if (negotiation == "direct" && out.tls != access::TlsMode::disable) {
    out.tls_negotiation = access::TlsNegotiation::direct;
  } else if (negotiation == "direct") {
    table.complain("tls_negotiation", "there is no TLS to begin with");
  } else if (negotiation != "postgres") {
    table.complain("tls_negotiation", fmt::format("'{}' is no way to begin TLS", negotiation),
                   "postgres or direct");
  }
}

void read_login(const TomlTable& table, ConfiguredTarget& out) {
  const auto admin = table.table("admin"), shared = table.table("login");
  if (admin.has_value() == shared.has_value()) {
    table.complain(admin ? "login" : "admin",
                   fmt::format("target '{}' has {} login", out.target.name,
                               admin ? "both an admin and a shared" : "no admin"),
                   "admin = { user = \"hoop_admin\", password = \"file:/path\" }");
    return;
  }
  const TomlTable& login = admin ? *admin : *shared;
  out.lends = admin ? Lends::session_role : Lends::shared_login;
  out.login.user = login.required_text("user");
  out.login.password = read_reference(login, "password");
  if (admin) {
    out.login.database = login.text_or("database", "postgres");
  } else if (!out.target.databases.empty()) {
    out.login.database = out.target.databases.front();
  }
}

void check_name(const TomlTable& table, const access::Target& target) {
  if (!is_name(target.name, 63))
    table.complain("name", fmt::format("'{}' is not a target's name", target.name),
                   "up to 63 of a-z, 0-9, '-', '_' and '.'");
  // A path would make libpq look for a Unix socket, and a comma for a second host.
  if (target.host.find_first_of("/,@ \t") != std::string::npos)
    table.complain("host", fmt::format("'{}' is not a host name or address", target.host));
}

void check_databases(const TomlTable& table, const access::Target& target) {
  if (target.databases.empty())
    table.complain("databases", fmt::format("target '{}' names no database", target.name),
                   "databases = [\"app\"]; the first one is the default");
  for (const std::string& database : target.databases) {
    if (database.empty() || database.size() > 63 ||
        database.find_first_of("= '\\") != std::string::npos)
      table.complain("databases", fmt::format("'{}' is not a database's name", database));
  }
}

/// What a session logs in by and may not leave the gateway.
std::string_view shared_login(const TomlTable& table) {
  return table.has("login") ? "a shared login" : "";
}

void read_postgres(const TomlTable& table, const Layout& layout, ConfiguredTarget& out) {
  out.target.port = static_cast<std::uint16_t>(table.integer("port", 1, 65535).value_or(5432));
  out.target.databases = table.text_list("databases");
  read_tls(table, layout, out);
  read_tls_negotiation(table, out.target);
  read_path(table, shared_login(table), out);
  if (out.via == Via::agent && out.target.tls == access::TlsMode::disable)
    table.complain(
        "tls",
        "what goes through an agent is encrypted by the gateway: tls = \"disable\" cannot be",
        "verify-full, or verify-ca");
  check_databases(table, out.target);
  read_login(table, out);
}

/// Each a fingerprint, or the key itself as ssh-keyscan prints it behind the host.
void read_host_keys(const TomlTable& table, access::Target& target) {
  const std::vector<std::string> given = table.text_list("host_keys");
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto key = ssh::parse_public_key(given[i]);
    if (key) {
      target.host_keys.push_back(ssh::fingerprint(*key));
    } else if (ssh::is_fingerprint(given[i])) {
      target.host_keys.push_back(given[i]);
    } else {
      const bool certificate = key.error().code == ErrorCode::denied;
      table.complain("host_keys", i,
                     certificate ? "a certificate stands where a host's key must"
                                 : fmt::format("'{}' is no host key", given[i]),
                     "\"SHA256:…\" as ssh-keygen -lf prints it, or \"ssh-ed25519 AAAA…\"");
    }
  }
  if (given.empty())
    table.complain(
        "host_keys", fmt::format("target '{}' has no host key", target.name),
        "hoopctl gateway target scan-host-key HOST shows them; compare them at the host");
}

void read_source_addresses(const TomlTable& table, ConfiguredTarget& out) {
  out.source_addresses = table.text_list("source_address");
  for (std::size_t i = 0; i < out.source_addresses.size(); ++i) {
    const std::string& one = out.source_addresses[i];
    if (one.empty() || one.find_first_not_of("0123456789abcdefABCDEF.:/") != std::string::npos)
      table.complain("source_address", i, fmt::format("'{}' is no address", one),
                     "like \"10.1.2.3\" or \"10.0.0.0/8\"");
  }
}

void read_ssh(const TomlTable& table, ConfiguredTarget& out) {
  out.target.port = static_cast<std::uint16_t>(table.integer("port", 1, 65535).value_or(22));
  out.target.tls = access::TlsMode::disable;  // SSH has its own
  out.lends = Lends::session_certificate;
  read_host_keys(table, out.target);
  read_source_addresses(table, out);
  read_path(table, shared_login(table), out);
  const auto login = table.table("login");
  if (!login) return;
  out.lends = Lends::shared_key;
  out.login.password = read_reference(*login, "key");
  if (!out.source_addresses.empty())
    table.complain("source_address", "a key of the gateway's own has no certificate to say it in");
}

}  // namespace

ConfiguredTarget read_target(const TomlTable& table, const Layout& layout) {
  ConfiguredTarget out;
  access::Target& target = out.target;
  target.name = table.required_text("name");
  target.protocol = table.required_text("protocol");
  const bool has_url = target.protocol == "http" || target.protocol == "kubernetes";
  if (!has_url) target.host = table.required_text("host");
  target.description = table.text_or("description", "");
  target.labels = table.text_map("labels");
  check_name(table, target);
  if (target.protocol == "postgres") {
    read_postgres(table, layout, out);
  } else if (target.protocol == "ssh") {
    read_ssh(table, out);
  } else if (target.protocol == "http") {
    read_http_target(table, layout, out);
  } else if (target.protocol == "kubernetes") {
    read_kubernetes_target(table, layout, out);
  } else {
    table.complain("protocol",
                   fmt::format("protocol '{}' is not available in this version", target.protocol),
                   "\"postgres\", \"ssh\", \"http\" and \"kubernetes\" are");
  }
  return out;
}

}  // namespace hoop::gateway
