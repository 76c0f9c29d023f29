// SPDX-License-Identifier: Apache-2.0
#include "gateway/kubernetes_target_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/http_target_parts.h"
#include "gateway/issuers/kubernetes_impersonation.h"

namespace hoop::gateway {
namespace {

using config::TomlTable;

constexpr const char* kImpersonatePrefix = "hoopctl:";
// RFC 1123, as the API server has them.
constexpr std::size_t kMostNamespaceBytes = 63;
constexpr std::size_t kMostAccountBytes = 253;

bool is_dns_label(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= kMostNamespaceBytes && text.front() != '-' &&
         text.back() != '-' && std::ranges::all_of(text, fits);
}

bool is_account_name(std::string_view text) {
  if (text.size() > kMostAccountBytes) return false;
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

void check_url(const TomlTable& table, const http::Url& url) {
  if (url.scheme != "https")
    table.complain("url", "an API server is reached by TLS", "like https://10.0.0.1:6443");
}

/// What an API server looks for, and so what the gateway can take its own part out by.
void check_credential(const TomlTable& table, const ConfiguredTarget& out) {
  const bool fits = std::ranges::all_of(out.secrets, [](const ConfiguredSecret& secret) {
    return secret.place == SecretPlace::bearer || secret.place == SecretPlace::basic;
  });
  if (!fits)
    table.complain("credential", "an API server takes a token, or a login by name and password",
                   "credential = { bearer = \"file:keys/k8s-prod\" }");
}

void read_service_account(const TomlTable& table, ConfiguredTarget& out) {
  const auto text = table.text("service_account");
  if (!text) return;
  const std::size_t slash = std::min(text->find('/'), text->size());
  ServiceAccount account{text->substr(0, slash), text->substr(std::min(slash + 1, text->size()))};
  if (!is_dns_label(account.space) || !is_account_name(account.name)) {
    table.complain("service_account", fmt::format("'{}' is no service account", *text),
                   "NAMESPACE/NAME, like \"hoopctl/developers\"");
  } else if (out.secrets.empty()) {
    table.complain("service_account", "without a credential the gateway cannot make tokens",
                   "credential = { bearer = … }: RBAC in hoopctl-gateway(8)");
  }
  out.service_account = std::move(account);
  out.lends = Lends::session_token;
}

void read_impersonation(const TomlTable& table, ConfiguredTarget& out) {
  const bool is_wanted = table.boolean("impersonate").value_or(false);
  const auto prefix = table.text("impersonate_prefix");
  if (!is_wanted) {
    if (prefix)
      table.complain("impersonate_prefix", "nobody is impersonated", "impersonate = true");
    return;
  }
  out.impersonate_prefix = prefix.value_or(kImpersonatePrefix);
  out.lends = Lends::impersonation;
  if (!is_impersonation_prefix(out.impersonate_prefix))
    table.complain("impersonate_prefix",
                   fmt::format("'{}' keeps names apart from nobody's", out.impersonate_prefix),
                   "like \"hoopctl:\": letters, digits and -._:@/, and nothing that \"system:\" "
                   "could begin with");
  if (out.secrets.empty())
    table.complain("impersonate", "without a credential the gateway cannot speak for anybody",
                   "credential = { bearer = … }: RBAC in hoopctl-gateway(8)");
  if (out.service_account)
    table.complain("impersonate", "a session has a service account's token, or its person's name",
                   "leave 'service_account' or 'impersonate' out");
}

/// A token that is made for a session ends with it, and may leave the gateway.
void read_cluster_path(const TomlTable& table, ConfiguredTarget& out) {
  if (!out.service_account) {
    read_http_path(table, out);
    if (out.hand_out && out.lends == Lends::impersonation)
      table.complain("hand_out", "whoever held the credential could speak for anybody",
                     "leave it out");
    return;
  }
  if (table.boolean("hand_out").value_or(false))
    table.complain("hand_out", "sessions have tokens of their own: there is nothing to hand out",
                   "leave it out; path = \"local\" alone");
  read_path(table, "", out);
}

}  // namespace

void read_kubernetes_target(const TomlTable& table, const Layout& layout, ConfiguredTarget& out) {
  const auto url = read_base_url(table, out.target);
  if (url) check_url(table, *url);
  read_credential(table, out);
  check_credential(table, out);
  read_service_account(table, out);
  read_impersonation(table, out);
  read_cluster_path(table, out);
  read_tls(table, layout, out);
  if (out.target.tls == access::TlsMode::disable)
    table.complain("tls", "an API server is reached by TLS", "verify-full, or verify-ca");
}

}  // namespace hoop::gateway
