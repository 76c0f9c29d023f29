// SPDX-License-Identifier: Apache-2.0
#include "gateway/config.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "core/access/policy_parser.h"
#include "core/config/toml_reader.h"
#include "core/identity/discovery.h"
#include "gateway/target_reader.h"
#include "gateway/toml_parts.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

// What policy.toml speaks of: access::parse_policy reads it from the same files.
constexpr std::array<std::string_view, 7> kPolicyKeys{"role",   "rule",   "mask",    "detector",
                                                      "limits", "record", "unparsed"};

/// gateway.toml, policy.toml if there, conf.d/*.toml by name. Names are as messages show them:
/// relative to DIR.
Result<std::vector<access::PolicySource>> read_sources(const Layout& layout) {
  std::vector<access::PolicySource> sources;
  HOOP_TRY(auto main_text, read_file(layout.gateway_toml()));
  sources.push_back({"gateway.toml", std::move(main_text)});
  std::error_code error;
  if (std::filesystem::exists(layout.policy_toml(), error)) {
    HOOP_TRY(auto text, read_file(layout.policy_toml()));
    sources.push_back({"policy.toml", std::move(text)});
  }
  std::vector<std::filesystem::path> more;
  for (const auto& entry : std::filesystem::directory_iterator(layout.conf_d(), error)) {
    if (entry.path().extension() == ".toml" && !entry.path().filename().string().starts_with('.'))
      more.push_back(entry.path());
  }
  std::sort(more.begin(), more.end());
  for (const auto& path : more) {
    HOOP_TRY(auto text, read_file(path));
    sources.push_back({"conf.d/" + path.filename().string(), std::move(text)});
  }
  return sources;
}

/// https://host[:port], nothing behind it: it is compared byte by byte as issuer and audience.
bool is_base_url(std::string_view url) {
  if (!url.starts_with("https://") || url.size() > 255) return false;
  url.remove_prefix(8);
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("-.:[]").find(c) != std::string_view::npos;
  };
  return !url.empty() && std::all_of(url.begin(), url.end(), fits);
}

/// As a number: what a name leads to is decided elsewhere.
bool is_loopback(const std::string& host) {
  in_addr four{};
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  return host == "::1";
}

/// Three lines are enough: [gateway.oidc], issuer, client_id.
void read_oidc(const TomlTable& table, GatewayConfig& out) {
  OidcSettings oidc;
  oidc.issuer = table.required_text("issuer");
  if (!oidc.issuer.empty() && !identity::parse_https_url(oidc.issuer))
    table.complain("issuer", fmt::format("'{}' is not an https:// URL", oidc.issuer),
                   "as the issuer's metadata names it, like https://login.example/realms/main");
  oidc.client_id = table.required_text("client_id");
  oidc.audience = table.text_or("audience", "");
  oidc.parameters = {{"scope", table.text_or("scope", "openid offline_access")}};
  for (const auto& [name, value] : table.text_map("parameters"))
    oidc.parameters.insert_or_assign(name, value);
  for (const auto& [name, value] : oidc.parameters) {
    if (!identity::is_request_parameter(name, value))
      table.complain("parameters", fmt::format("'{}' cannot be a parameter of a login", name),
                     "like { resource = \"https://gw.example\" }");
  }
  if (oidc.parameters.size() > identity::kMostParameters)
    table.complain("parameters", "more than 16 parameters");
  oidc.subject_claim = table.text_or("subject_claim", "sub");
  oidc.groups_claim = table.text_or("groups_claim", "groups");
  for (auto& [theirs, ours] : table.text_map("group_names")) oidc.group_names.emplace(theirs, ours);
  oidc.approving_scope = table.text_or("approving_scope", "approve");
  if (!identity::is_scope_word(oidc.approving_scope))
    table.complain("approving_scope", "'approving_scope' is not one word of a scope",
                   "printable, without blanks, quotes and backslashes, like hoopctl:approve");
  if (identity::scope_has(oidc.parameters["scope"], oidc.approving_scope))
    table.complain("approving_scope",
                   fmt::format("every login asks for the scope '{}'", oidc.approving_scope),
                   "tokens with it are for deciding requests, and for nothing else");
  oidc.service_clients = table.text_list("service_clients");
  if (const auto life = table.duration("token_life")) {
    oidc.max_life = *life;
    if (*life < std::chrono::minutes(1) || *life > std::chrono::hours(24))
      table.complain("token_life", "'token_life' must be from 1m to 24h");
  }
  read_ca(table, "ca_file", out.layout, oidc.ca_pem, nullptr);
  if (oidc.ca_pem.size() > identity::kMaxAuthorityBytes)
    table.complain("ca_file", "'ca_file' is longer than 32 KiB",
                   "it needs the issuer's own authorities only");
  out.oidc = std::move(oidc);
}

/// [[gateway.workload]]: jobs of a CI platform.
ConfiguredWorkload read_workload(const TomlTable& table, const Layout& layout) {
  ConfiguredWorkload out;
  identity::WorkloadTerms& terms = out.terms;
  terms.name = table.required_text("name");
  if (!terms.name.empty() && !is_name(terms.name, 63))
    table.complain("name", fmt::format("'{}' is not a workload's name", terms.name),
                   "up to 63 of a-z, 0-9, '-', '_' and '.'");
  terms.issuer = table.required_text("issuer");
  if (!terms.issuer.empty() && !identity::parse_https_url(terms.issuer))
    table.complain("issuer", fmt::format("'{}' is not an https:// URL", terms.issuer),
                   "like https://token.actions.githubusercontent.com");
  terms.audience = table.text_or("audience", "");
  if (const auto claims = table.table("claims")) {
    for (const std::string& claim : claims->keys()) {
      terms.claims[claim] = claims->text_or_list(claim);
      if (terms.claims[claim].empty())
        claims->complain(claim, fmt::format("'{}' has no value that a token could have", claim));
    }
  }
  if (const std::string why = identity::too_wide(terms); !why.empty())
    table.complain("claims", why,
                   "claims = { repository_id = \"1234\", ref = \"refs/heads/main\" }");
  terms.groups = table.text_list("groups");
  if (terms.groups.empty())
    table.complain("groups", fmt::format("workload '{}' is in no group", terms.name),
                   "groups = [\"ci-deploy\"]; a role's members name it");
  if (const auto life = table.duration("token_life")) {
    terms.life = *life;
    if (*life < std::chrono::minutes(1) || *life > std::chrono::hours(1))
      table.complain("token_life", "'token_life' must be from 1m to 1h");
  }
  read_ca(table, "ca_file", layout, out.ca_pem, nullptr);
  return out;
}

void read_workloads(const TomlTable& table, GatewayConfig& out) {
  for (const TomlTable& one : table.tables("workload")) {
    ConfiguredWorkload read = read_workload(one, out.layout);
    for (const ConfiguredWorkload& other : out.workloads) {
      if (other.terms.name == read.terms.name)
        one.complain("name", fmt::format("there are two workloads '{}'", read.terms.name));
      // Their keys are asked for once.
      if (other.terms.issuer == read.terms.issuer && other.ca_pem != read.ca_pem)
        one.complain("ca_file", "another workload of this issuer has another ca_file");
    }
    out.workloads.push_back(std::move(read));
  }
}

void read_gateway(const TomlTable& table, GatewayConfig& out) {
  if (const auto listen = table.text("listen")) {
    auto address = parse_listen(*listen);
    if (!address) {
      table.complain("listen", address.error().message, address.error().hint);
    } else {
      out.listen_host = address->host;
      out.listen_port = address->port;
    }
  }
  if (const auto metrics = table.text("metrics")) {
    auto address = parse_listen(*metrics);
    if (!address) {
      table.complain("metrics", address.error().message, "write it like 127.0.0.1:9464");
    } else if (!is_loopback(address->host)) {
      table.complain("metrics", fmt::format("'{}' is not a loopback address", *metrics),
                     "metrics have no login: let a reverse proxy ask at 127.0.0.1:9464");
    } else {
      out.metrics = std::move(*address);
    }
  }
  if (const auto url = table.text("url")) {
    out.url = *url;
    if (!is_base_url(*url))
      table.complain("url", fmt::format("'{}' is not a base URL", *url),
                     "write it like https://gw.example:8443, without a path");
  }
  if (table.has("id")) out.id = table.required_text("id");
  if (!out.id.empty() && (!out.id.starts_with("gw_") || !is_name(out.id, 40) ||
                          out.id.find_first_of("-.") != std::string::npos))
    table.complain("id", "'id' must be gw_ and up to 37 of a-z, 0-9 and _");
  if (const auto count = table.integer("grants_per_minute", 1, 1'000'000))
    out.grants_per_minute = static_cast<std::uint32_t>(*count);
  if (const auto count = table.integer("sessions_per_identity", 1, 1'000'000))
    out.sessions_per_identity = static_cast<std::uint32_t>(*count);
  if (const auto count = table.integer("event_loops", 1, 256))
    out.event_loops = static_cast<std::size_t>(*count);
  if (const auto heartbeat = table.integer("heartbeat", 1, 3600))
    out.heartbeat = std::chrono::seconds(*heartbeat);
  if (const auto time = table.duration("approval_time")) {
    out.approval_time = *time;
    if (*time < std::chrono::minutes(1) || *time > std::chrono::hours(24))
      table.complain("approval_time", "'approval_time' must be from 1m to 24h");
  }
  if (const auto interval = table.integer("device_poll_interval", 1, 60))
    out.device_poll_interval = std::chrono::seconds(*interval);
  if (const auto oidc = table.table("oidc")) read_oidc(*oidc, out);
  read_workloads(table, out);
}

Result<void> read_source(const access::PolicySource& source, GatewayConfig& out) {
  HOOP_TRY(const auto root, TomlTable::parse(source.name, source.text));
  for (const std::string_view key : kPolicyKeys) root.ignore(key);
  if (const auto table = root.table("gateway")) read_gateway(*table, out);
  std::vector<std::string> names;
  for (const TomlTable& table : root.tables("target")) {
    ConfiguredTarget target = read_target(table, out.layout);
    if (std::find(names.begin(), names.end(), target.target.name) != names.end())
      table.complain("name",
                     fmt::format("target '{}' stands twice in this file", target.target.name));
    names.push_back(target.target.name);
    std::erase_if(out.targets, [&](const ConfiguredTarget& other) {
      return other.target.name == target.target.name;
    });
    out.targets.push_back(std::move(target));
  }
  return root.finish();
}

}  // namespace

Result<ListenAddress> parse_listen(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::config, fmt::format("'{}' is not an address to listen on", text),
                "write it like 127.0.0.1:8443 or [::1]:8443");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return bad();
  }
  ListenAddress out{std::string(host), 0};
  const auto [stop, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (host.empty() || port.empty() || error != std::errc() || stop != port.data() + port.size())
    return bad();
  if (host.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos &&
      host != "localhost")
    return bad();
  return out;
}

std::string_view to_string(Lends lends) {
  switch (lends) {
    case Lends::session_role: return "session_role";
    case Lends::session_certificate: return "session_certificate";
    case Lends::session_token: return "session_token";
    case Lends::shared_login: return "shared_login";
    case Lends::shared_key: return "shared_key";
    case Lends::shared_secret: return "shared_secret";
    case Lends::impersonation: return "impersonation";
    case Lends::nothing: return "nothing";
  }
  return "unknown";
}

std::string GatewayConfig::base_url(std::uint16_t port) const {
  if (!url.empty()) return url;
  const bool near = listen_host.starts_with("127.") || listen_host == "::1" ||
                    listen_host == "0.0.0.0" || listen_host == "::";
  const std::string host = near                                         ? "localhost"
                           : listen_host.find(':') != std::string::npos ? "[" + listen_host + "]"
                                                                        : listen_host;
  return fmt::format("https://{}:{}", host, port);
}

Result<access::PolicyDocument> read_policy(const std::vector<access::PolicySource>& sources) {
  return access::parse_policy(sources);
}

Result<GatewayConfig> load_config(const std::filesystem::path& directory) {
  GatewayConfig out;
  std::error_code error;
  out.layout.directory = std::filesystem::absolute(directory, error);
  HOOP_TRY(const auto sources, read_sources(out.layout));
  for (const access::PolicySource& source : sources) HOOP_CHECK(read_source(source, out));
  if (out.id.empty())
    return fail(ErrorCode::config, "gateway.toml:1:1: '[gateway] id' is missing",
                "'hoopctl gateway init DIR' makes one");
  HOOP_TRY(auto policy, access::parse_policy(sources));
  out.policy = std::move(policy);
  return out;
}

}  // namespace hoop::gateway
