// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.h"

#include <iterator>

#include <fmt/format.h>

namespace hoop::gateway {
namespace {

// A policy has tens of rules; one that is written by a program, and replaced, must not grow us.
constexpr std::size_t kMostRules = 1000;
constexpr std::string_view kOtherRules = "other";

std::string_view grant_result(int status) {
  if (status == 201) return "issued";
  if (status == 403) return "denied";
  if (status == 429) return "rate_limited";
  return status < 500 ? "invalid" : "failed";
}

std::string_view upload_result(int status) {
  if (status == 200) return "receipted";
  return status < 500 ? "refused" : "failed";
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

/// A label's value: a rule's name is whatever the policy's author wrote.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

template <class Counts>
void counters(std::string& out, std::string_view name, std::string_view label,
              std::string_view help, const Counts& counts) {
  head(out, name, "counter", help);
  for (const auto& [value, count] : counts)
    fmt::format_to(std::back_inserter(out), "{}{{{}=\"{}\"}} {}\n", name, label, value, count);
}

}  // namespace

Asked what_is_asked(std::string_view method, std::string_view path) {
  if (method != "POST") return Asked::other;
  if (path == "/v1/grants") return Asked::grant;
  const bool finish = path.starts_with("/v1/sessions/") && path.ends_with("/finish");
  return finish ? Asked::upload : Asked::other;
}

void Metrics::answered(Asked asked, int status, std::chrono::duration<double> took) {
  const std::lock_guard lock(mutex_);
  if (status >= 100 && status < 600) ++requests_[fmt::format("{}xx", status / 100)];
  switch (asked) {
    case Asked::grant: ++grants_.find(grant_result(status))->second; break;
    case Asked::upload: ++uploads_.find(upload_result(status))->second; break;
    case Asked::other: break;
  }
  if (asked != Asked::grant || status != 201) return;
  for (std::size_t i = 0; i < kBounds.size(); ++i) {
    if (took.count() <= kBounds[i]) ++grant_seconds_.at_most[i];
  }
  ++grant_seconds_.count;
  grant_seconds_.sum += took.count();
}

void Metrics::revoked(bool success) {
  const std::lock_guard lock(mutex_);
  ++revocations_.find(success ? "ok" : "failed")->second;
}

void Metrics::session_began() {
  const std::lock_guard lock(mutex_);
  ++sessions_;
}

void Metrics::session_ended() {
  const std::lock_guard lock(mutex_);
  --sessions_;
}

void Metrics::tunnel_began() {
  const std::lock_guard lock(mutex_);
  ++tunnels_;
}

void Metrics::tunnel_ended() {
  const std::lock_guard lock(mutex_);
  --tunnels_;
}

void Metrics::decided(const access::Decision& decision) {
  const std::lock_guard lock(mutex_);
  auto found = decisions_.find(decision.rule);
  if (found == decisions_.end()) {
    const std::string name(decisions_.size() < kMostRules ? std::string_view(decision.rule)
                                                          : kOtherRules);
    found = decisions_.try_emplace(name).first;
  }
  ++found->second[static_cast<std::size_t>(decision.effect)];
}

void Metrics::masked(std::uint64_t values) {
  const std::lock_guard lock(mutex_);
  masked_values_ += values;
}

std::string Metrics::text(std::optional<std::size_t> local_sessions) const {
  std::string out;
  const auto to = std::back_inserter(out);
  const std::lock_guard lock(mutex_);
  counters(out, "hoopctl_http_requests_total", "code",
           "Answers of the API by class of their status.", requests_);
  counters(out, "hoopctl_grants_total", "result", "Grants that were asked for.", grants_);
  head(out, "hoopctl_grant_seconds", "histogram", "How long a grant took that was issued.");
  for (std::size_t i = 0; i < kBounds.size(); ++i)
    fmt::format_to(to, "hoopctl_grant_seconds_bucket{{le=\"{}\"}} {}\n", kBounds[i],
                   grant_seconds_.at_most[i]);
  fmt::format_to(to,
                 "hoopctl_grant_seconds_bucket{{le=\"+Inf\"}} {}\nhoopctl_grant_seconds_sum {}\n"
                 "hoopctl_grant_seconds_count {}\n",
                 grant_seconds_.count, grant_seconds_.sum, grant_seconds_.count);
  counters(out, "hoopctl_credentials_revoked_total", "result",
           "Credentials that were to be revoked at their target.", revocations_);
  counters(out, "hoopctl_log_uploads_total", "result",
           "Session logs that clients have delivered to the end.", uploads_);
  head(out, "hoopctl_sessions_live", "gauge", "Sessions whose access has not ended.");
  fmt::format_to(to, "hoopctl_sessions_live{{path=\"gateway\"}} {}\n", sessions_);
  if (local_sessions)
    fmt::format_to(to, "hoopctl_sessions_live{{path=\"local\"}} {}\n", *local_sessions);
  head(out, "hoopctl_tunnels_open", "gauge", "Connections of programs on the gateway path.");
  fmt::format_to(to, "hoopctl_tunnels_open {}\n", tunnels_);
  head(out, "hoopctl_decisions_total", "counter",
       "Actions on the gateway path by the rule that decided.");
  for (const auto& [rule, counts] : decisions_) {
    for (const auto effect :
         {access::Effect::allow, access::Effect::deny, access::Effect::require_approval}) {
      if (const auto count = counts[static_cast<std::size_t>(effect)]; count > 0)
        fmt::format_to(to, "hoopctl_decisions_total{{rule=\"{}\",effect=\"{}\"}} {}\n",
                       escaped(rule), access::to_string(effect), count);
    }
  }
  head(out, "hoopctl_masked_values_total", "counter", "Values masked on the gateway path.");
  fmt::format_to(to, "hoopctl_masked_values_total {}\n", masked_values_);
  return out;
}

}  // namespace hoop::gateway
