// SPDX-License-Identifier: Apache-2.0
#include "cmd/http_clients.h"

#include <string_view>

#include <fmt/format.h>

#include "core/access/http_names.h"

namespace hoop::cmd {
namespace {

constexpr std::string_view kOurHosts = "127.0.0.1,localhost";

/// The user's hosts that no proxy is asked for, and ours. Clients read one of the two names only:
/// what stands in the other holds for both.
std::string hosts_without_proxy(const std::map<std::string, std::string>& user,
                                const std::string& name, const std::string& other) {
  const auto own = user.find(name);
  const auto found = own != user.end() ? own : user.find(other);
  if (found == user.end() || found->second.empty()) return std::string(kOurHosts);
  // Alone it stands for every host, and in a list for none.
  if (found->second == "*") return found->second;
  return fmt::format("{},{}", found->second, kOurHosts);
}

}  // namespace

Result<void> check_http_target(const access::Target& target) {
  if (!access::is_base_path(target.base_path))
    return fail(ErrorCode::config,
                fmt::format("the base path of target '{}' is no path of a URL", target.name),
                "the gateway's operator writes it like base_path = \"/api\"");
  const std::string& variable = target.url_variable;
  const bool is_taken = is_withheld(variable) || is_withheld_from_ssh(variable);
  if (!variable.empty() && (is_taken || !access::is_url_variable(variable)))
    return fail(ErrorCode::config,
                fmt::format("target '{}' wants to be found by a variable that programs are not "
                            "given by a target",
                            target.name),
                "the gateway's operator names one like url_variable = \"BILLING_URL\"");
  return {};
}

std::string http_url(const TargetEndpoint& endpoint) {
  const std::string out = endpoint.is_unix()
                              ? std::string("http://localhost")
                              : fmt::format("http://{}:{}", endpoint.host(), endpoint.port());
  return out + endpoint.target().base_path;
}

HttpService http_service(const TargetEndpoint& endpoint) {
  return {endpoint.target().name, http_url(endpoint), endpoint.target().url_variable};
}

Variables variables_without_proxy(const std::map<std::string, std::string>& user) {
  return {{"NO_PROXY", hosts_without_proxy(user, "NO_PROXY", "no_proxy")},
          {"no_proxy", hosts_without_proxy(user, "no_proxy", "NO_PROXY")}};
}

Result<Variables> http_variables(const std::vector<HttpService>& services, bool is_alone) {
  Variables ours{{"HOOPCTL_URL", services.front().url}};
  std::map<std::string_view, std::string_view> named;  // variables, by whom
  for (const HttpService& service : services) {
    if (!is_alone) ours.emplace_back(url_variable(service.target), service.url);
    if (service.variable.empty()) continue;
    const auto [other, is_first] = named.emplace(service.variable, service.target);
    if (!is_first)
      return fail(ErrorCode::usage,
                  fmt::format("targets '{}' and '{}' are both found by {}", other->second,
                              service.target, service.variable),
                  "leave one out, or have the gateway's operator name another url_variable");
    ours.emplace_back(service.variable, service.url);
  }
  return ours;
}

}  // namespace hoop::cmd
