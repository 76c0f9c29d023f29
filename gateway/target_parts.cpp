// SPDX-License-Identifier: Apache-2.0
#include "gateway/target_parts.h"

#include <fmt/format.h>

#include "gateway/secret_reference.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

/// What others than PostgreSQL, whose encryption is the gateway's own affair, are reached by.
void check_agent_labels(const TomlTable& table, const ConfiguredTarget& out) {
  if (out.via == Via::agent && out.target.labels.empty())
    table.complain(
        "via", fmt::format("target '{}' has no labels, and so no agent serves it", out.target.name),
        "labels = { site = \"berlin\" }");
}

}  // namespace

void read_tls(const TomlTable& table, const Layout& layout, ConfiguredTarget& out) {
  const std::string mode = table.text_or("tls", "verify-full");
  if (mode == "verify-full") {
    out.target.tls = access::TlsMode::verify_full;
  } else if (mode == "verify-ca") {
    out.target.tls = access::TlsMode::verify_ca;
  } else if (mode == "disable") {
    out.target.tls = access::TlsMode::disable;
  } else {
    table.complain("tls", fmt::format("'{}' is not a TLS mode", mode),
                   "verify-full, verify-ca or disable");
  }
  out.target.tls_server_name = table.text_or("server_name", "");
  read_ca(table, "ca_file", layout, out.target.tls_ca_pem, &out.ca_file);
}

/// An agent dials back to the gateway alone, and carries what the gateway has encrypted: the local
/// path cannot lead through it.
void read_path(const TomlTable& table, std::string_view stays, ConfiguredTarget& out) {
  const std::string via = table.text_or("via", "direct");
  if (via != "direct" && via != "agent")
    table.complain("via", fmt::format("'{}' is not a way to a target", via), "direct or agent");
  out.via = via == "agent" ? Via::agent : Via::direct;
  const std::string path =
      table.text_or("path", out.via == Via::agent || !stays.empty() ? "gateway" : "local");
  if (path != "local" && path != "gateway")
    table.complain("path", fmt::format("'{}' is not a path", path), "local or gateway");
  out.target.path = path == "local" ? access::DataPath::local : access::DataPath::gateway;
  if (!stays.empty() && path == "local")
    table.complain("path",
                   fmt::format("{} does not leave the gateway: it has no local path", stays),
                   "path = \"gateway\", or leave it out");
  if (out.via == Via::agent && path == "local")
    table.complain("path", "a target that is reached through an agent has no local path",
                   "path = \"gateway\", or leave it out");
  check_agent_labels(table, out);
}

std::string read_reference(const TomlTable& table, std::string_view key) {
  std::string reference = table.required_text(key);
  if (auto checked = check_secret_reference(reference); !checked && !reference.empty())
    table.complain(key, checked.error().message, checked.error().hint);
  return reference;
}

}  // namespace hoop::gateway
