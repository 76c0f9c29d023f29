// SPDX-License-Identifier: Apache-2.0
// A named thing that one can open.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hoop::access {

enum class DataPath { local, gateway };
std::string_view to_string(DataPath path);

enum class TlsMode { disable, verify_ca, verify_full };
/// As in configuration: "disable", "verify-ca", "verify-full".
std::string_view to_string(TlsMode mode);

/// How TLS begins on a connection to PostgreSQL: after a question and its answer, or at once, which
/// servers since 17 take. As libpq's sslnegotiation.
enum class TlsNegotiation { postgres, direct };
std::string_view to_string(TlsNegotiation negotiation);

struct Target {
  std::string name;
  std::string protocol;  // "postgres", "ssh", "http"
  std::string description;
  std::string host;
  std::uint16_t port = 0;
  std::vector<std::string> databases;  // postgres: the first one is the default
  std::vector<std::string> host_keys;  // ssh: fingerprints, one of which the host must show
  std::string base_path;               // http: what every path begins with, "/api"; empty: any path
  std::string url_variable;  // http: where programs find the endpoint's URL besides HOOPCTL_URL
  /// http: media types, "image/*", that pass though masks cannot be applied to them.
  std::vector<std::string> unmasked_types;
  TlsMode tls = TlsMode::verify_full;
  TlsNegotiation tls_negotiation = TlsNegotiation::postgres;
  std::string tls_ca_pem;       // empty: the system store
  std::string tls_server_name;  // empty: host
  std::map<std::string, std::string> labels;
  DataPath path = DataPath::local;
  bool operator==(const Target&) const = default;
};

}  // namespace hoop::access
