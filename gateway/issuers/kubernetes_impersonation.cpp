// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/kubernetes_impersonation.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/access/http_names.h"
#include "core/base/encoding.h"

namespace hoop::gateway {
namespace {

constexpr std::string_view kSystemNames = "system:";
constexpr std::size_t kMostPrefixBytes = 64;
constexpr std::size_t kMostGroups = 32;       // each is a field of every request
constexpr std::size_t kMostNameBytes = 1024;  // an API server takes 1 MiB of head in all
constexpr std::size_t kShownNameBytes = 64;

Result<void> add_field(access::HttpCredential& out, std::string_view field, std::string value) {
  if (!access::is_http_value(value) || value.size() > kMostNameBytes)
    return fail(ErrorCode::denied,
                fmt::format("'{}' can be no name in the cluster",
                            neutralise(value, kShownNameBytes, Lines::escape)),
                "names have up to 1 KiB, no control characters, and no blank at the end");
  // The prefix sees to it already.
  if (value.starts_with(kSystemNames))
    return fail(ErrorCode::denied, "names of the cluster's own are nobody else's");
  out.headers.push_back({std::string(field), SecretText(std::move(value))});
  return {};
}

}  // namespace

bool is_impersonation_prefix(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._:@/").find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= kMostPrefixBytes && std::ranges::all_of(text, fits) &&
         !kSystemNames.starts_with(text) && !text.starts_with(kSystemNames);
}

Result<access::Credential> KubernetesImpersonator::issue(const access::Authorization& authorization,
                                                         const std::string& name) {
  if (authorization.path() != access::DataPath::gateway)
    return fail(ErrorCode::internal, "a secret of the gateway's does not leave it");
  const access::Identity& who = authorization.identity();
  if (who.groups.size() > kMostGroups)
    return fail(ErrorCode::denied,
                fmt::format("{} is in {} groups: a cluster is told of {} at most",
                            neutralise(who.subject, kShownNameBytes, Lines::escape),
                            who.groups.size(), kMostGroups),
                "have the identity provider send fewer, or give the target a service_account");
  HOOP_TRY(access::HttpCredential out, read_http_secrets(secrets_, read_));
  HOOP_CHECK(add_field(out, "Impersonate-User", prefix_ + who.subject));
  for (const std::string& group : who.groups)
    HOOP_CHECK(add_field(out, "Impersonate-Group", prefix_ + group));
  // Without a character that a key would have to be percent-encoded for.
  HOOP_CHECK(add_field(out, "Impersonate-Extra-hoopctl-session", name));
  out.expires_at = authorization.valid_until();
  return out;
}

Result<void> KubernetesImpersonator::extend(const access::Authorization& authorization,
                                            const std::string& name) {
  if (auto again = issue(authorization, name); !again)
    return std::unexpected(std::move(again).error());
  return {};
}

}  // namespace hoop::gateway
