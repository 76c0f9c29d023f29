// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_target_parts.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/http_names.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

constexpr std::size_t kMostSecrets = 8;  // of headers, and of parameters: as a grant can hold
constexpr const char* kSecretHint =
    "credential = { header = \"X-Api-Key\", value = \"file:keys/billing\" }, { bearer = … }, "
    "{ basic = { user = …, password = … } } or { query = …, value = … }";

void read_base_path(const TomlTable& table, std::string_view target, access::Target& out) {
  if (target.find('?') != std::string_view::npos)
    table.complain("url", "a base URL has no query", "a key in the query is a credential");
  if (target.ends_with('/')) target.remove_suffix(1);
  if (!access::is_base_path(target))
    table.complain(
        "url", "the URL's path is no base path",
        "segments of letters, digits and -._~:@+,= like https://billing.internal/api/v1");
  out.base_path = target;
}

/// The one of the ways in that the table names; empty after a complaint.
std::string_view way_in(const TomlTable& table) {
  std::string_view found;
  for (const std::string_view way : {"header", "bearer", "basic", "query"}) {
    if (!table.has(way)) continue;
    if (!found.empty()) {
      table.complain(way, fmt::format("'{}' and '{}' are two credentials", found, way),
                     "credential = [{ … }, { … }]");
      return {};
    }
    found = way;
  }
  if (found.empty()) table.complain("header", "this is no credential", kSecretHint);
  return found;
}

/// What is none is not repeated: the secret may stand in it.
std::string read_bare_name(const TomlTable& table, std::string_view key) {
  std::string name = table.required_text(key);
  if (name.empty() || access::is_http_name(name)) return name;
  table.complain(key, fmt::format("'{}' holds more than a name", key),
                 "the name alone; the secret is found by 'value'");
  return {};
}

void read_basic(const TomlTable& table, ConfiguredSecret& out) {
  const auto login = table.table("basic");
  if (!login) return;
  out.name = login->required_text("user");
  // RFC 7617 §2: what stands behind the first colon is the password.
  if (!out.name.empty() &&
      (!access::is_http_value(out.name) || out.name.find(':') != std::string::npos))
    login->complain("user", "'user' is no user of a basic login", "one line of text without ':'");
  out.value = read_reference(*login, "password");
}

ConfiguredSecret read_one_secret(const TomlTable& table) {
  ConfiguredSecret out;
  const std::string_view way = way_in(table);
  if (way == "header") {
    out.name = read_bare_name(table, "header");
    if (!out.name.empty() && !access::is_credential_header(out.name))
      table.complain("header", fmt::format("no credential can stand in header '{}'", out.name),
                     "one that the target looks at, like X-Api-Key, and none by which messages are "
                     "framed or routed");
    out.value = read_reference(table, "value");
  } else if (way == "bearer") {
    out.place = SecretPlace::bearer;
    out.value = read_reference(table, "bearer");
  } else if (way == "basic") {
    out.place = SecretPlace::basic;
    read_basic(table, out);
  } else if (way == "query") {
    out.place = SecretPlace::parameter;
    out.name = read_bare_name(table, "query");
    out.value = read_reference(table, "value");
  }
  return out;
}

/// What no two may have.
std::string request_place(const ConfiguredSecret& secret) {
  if (secret.place == SecretPlace::parameter) return fmt::format("parameter '{}'", secret.name);
  std::string name = secret.place == SecretPlace::header ? secret.name : "authorization";
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return fmt::format("header '{}'", name);
}

}  // namespace

/// What is none is not repeated: a password may stand in it.
std::optional<http::Url> read_base_url(const TomlTable& table, access::Target& out) {
  const std::string text = table.required_text("url");
  if (text.empty()) return std::nullopt;
  auto url = http::parse_url(text);
  if (!url) {
    table.complain("url", fmt::format("'url' is no base URL: {}", url.error().message),
                   "like https://billing.internal:8443/api");
    return std::nullopt;
  }
  out.host = url->host;
  out.port = url->port;
  read_base_path(table, url->target, out);
  return std::move(*url);
}

void read_credential(const TomlTable& table, ConfiguredTarget& out) {
  std::vector<std::string> places;
  std::size_t parameters = 0;
  for (const TomlTable& one : table.table_or_tables("credential")) {
    ConfiguredSecret secret = read_one_secret(one);
    const std::string place = request_place(secret);
    if (std::ranges::find(places, place) != places.end())
      one.complain("", fmt::format("two credentials stand in {}", place));
    places.push_back(place);
    if (secret.place == SecretPlace::parameter) ++parameters;
    out.secrets.push_back(std::move(secret));
  }
  if (parameters > kMostSecrets || places.size() - parameters > kMostSecrets)
    table.complain("credential", "more than 8 headers, or 8 parameters, are no credential");
  out.lends = out.secrets.empty() ? Lends::nothing : Lends::shared_secret;
}

/// A secret that outlasts the session leaves the gateway only where somebody has said so.
void read_http_path(const TomlTable& table, ConfiguredTarget& out) {
  out.hand_out = table.boolean("hand_out").value_or(false);
  const bool local = table.text_or("path", "") == "local";
  if (out.hand_out && out.secrets.empty())
    table.complain("hand_out", "there is no credential to hand out");
  if (out.hand_out && !local)
    table.complain("hand_out", "on the gateway path nothing is handed out",
                   "path = \"local\", or leave 'hand_out' out");
  if (local && !out.secrets.empty() && !out.hand_out)
    table.complain("path", "a credential that outlasts the session does not leave the gateway",
                   "path = \"gateway\"; or hand_out = true, and it is in the memory of whoever "
                   "opens the target");
  read_path(table, out.secrets.empty() || out.hand_out ? "" : "the credential", out);
}

}  // namespace hoop::gateway
