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

std::string_view to_string(LogKept what) {
  switch (what) {
    case LogKept::receipted: return "receipted";
    case LogKept::refused: return "refused";
    case LogKept::failed: return "failed";
  }
  return "failed";
}

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::open: return "open";
    case Stage::decide: return "decide";
    case Stage::commit: return "commit";
    case Stage::answer: return "answer";
  }
  return "answer";
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
  observe(grant_seconds_, kBounds, took.count());
}

template <std::size_t Bounds>
void Metrics::observe(Histogram<Bounds>& histogram, const std::array<double, Bounds>& bounds,
                      double seconds) {
  for (std::size_t i = 0; i < Bounds; ++i) {
    if (seconds <= bounds[i]) ++histogram.at_most[i];
  }
  ++histogram.count;
  histogram.sum += seconds;
}

void Metrics::took(Stage stage, std::chrono::duration<double> span) {
  const std::lock_guard lock(mutex_);
  observe(stage_seconds_[static_cast<std::size_t>(stage)], kStageBounds, span.count());
}

void Metrics::log_kept(LogKept what) {
  const std::lock_guard lock(mutex_);
  ++kept_.find(to_string(what))->second;
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

void Metrics::agent_connected() {
  const std::lock_guard lock(mutex_);
  ++agents_;
}

void Metrics::agent_disconnected() {
  const std::lock_guard lock(mutex_);
  --agents_;
}

void Metrics::agent_stream_began() {
  const std::lock_guard lock(mutex_);
  ++agent_streams_;
}

void Metrics::agent_stream_ended() {
  const std::lock_guard lock(mutex_);
  --agent_streams_;
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

template <std::size_t Bounds>
void Metrics::write(std::string& out, std::string_view name, std::string_view label,
                    const Histogram<Bounds>& histogram, const std::array<double, Bounds>& bounds) {
  const auto to = std::back_inserter(out);
  const std::string before(label.empty() ? "" : fmt::format("{},", label));
  const std::string alone(label.empty() ? "" : fmt::format("{{{}}}", label));
  for (std::size_t i = 0; i < Bounds; ++i)
    fmt::format_to(to, "{}_bucket{{{}le=\"{}\"}} {}\n", name, before, bounds[i],
                   histogram.at_most[i]);
  fmt::format_to(to, "{0}_bucket{{{1}le=\"+Inf\"}} {3}\n{0}_sum{2} {4}\n{0}_count{2} {3}\n", name,
                 before, alone, histogram.count, histogram.sum);
}

void Metrics::write_sessions(std::string& out, std::optional<std::size_t> local_sessions) const {
  const auto to = std::back_inserter(out);
  head(out, "hoopctl_sessions_live", "gauge", "Sessions whose access has not ended.");
  fmt::format_to(to, "hoopctl_sessions_live{{path=\"gateway\"}} {}\n", sessions_);
  if (local_sessions)
    fmt::format_to(to, "hoopctl_sessions_live{{path=\"local\"}} {}\n", *local_sessions);
  head(out, "hoopctl_tunnels_open", "gauge", "Connections of programs on the gateway path.");
  fmt::format_to(to, "hoopctl_tunnels_open {}\n", tunnels_);
  head(out, "hoopctl_bytes_total", "counter", "Bytes of programs on the gateway path.");
  fmt::format_to(to,
                 "hoopctl_bytes_total{{direction=\"from_program\"}} {}\n"
                 "hoopctl_bytes_total{{direction=\"to_program\"}} {}\n",
                 from_program_.load(), to_program_.load());
  head(out, "hoopctl_stage_seconds", "histogram", "Where time goes on the gateway path.");
  for (const auto stage : {Stage::open, Stage::decide, Stage::commit, Stage::answer})
    write(out, "hoopctl_stage_seconds", fmt::format("stage=\"{}\"", to_string(stage)),
          stage_seconds_[static_cast<std::size_t>(stage)], kStageBounds);
  counters(out, "hoopctl_logs_kept_total", "result",
           "Session logs of the gateway path that were to be kept.", kept_);
  head(out, "hoopctl_logs_waiting", "gauge", "Session logs of the gateway path not kept yet.");
  fmt::format_to(to, "hoopctl_logs_waiting {}\n", waiting_.load());
  head(out, "hoopctl_agents_connected", "gauge", "Control streams of agents.");
  fmt::format_to(to, "hoopctl_agents_connected {}\n", agents_);
  head(out, "hoopctl_agent_streams_open", "gauge", "Connections to targets through agents.");
  fmt::format_to(to, "hoopctl_agent_streams_open {}\n", agent_streams_);
}

void Metrics::write_decisions(std::string& out) const {
  head(out, "hoopctl_decisions_total", "counter",
       "Actions on the gateway path by the rule that decided.");
  for (const auto& [rule, counts] : decisions_) {
    for (const auto effect :
         {access::Effect::allow, access::Effect::deny, access::Effect::require_approval}) {
      if (const auto count = counts[static_cast<std::size_t>(effect)]; count > 0)
        fmt::format_to(std::back_inserter(out),
                       "hoopctl_decisions_total{{rule=\"{}\",effect=\"{}\"}} {}\n", escaped(rule),
                       access::to_string(effect), count);
    }
  }
}

std::string Metrics::text(std::optional<std::size_t> local_sessions) const {
  std::string out;
  const std::lock_guard lock(mutex_);
  counters(out, "hoopctl_http_requests_total", "code",
           "Answers of the API by class of their status.", requests_);
  counters(out, "hoopctl_grants_total", "result", "Grants that were asked for.", grants_);
  head(out, "hoopctl_grant_seconds", "histogram", "How long a grant took that was issued.");
  write(out, "hoopctl_grant_seconds", "", grant_seconds_, kBounds);
  counters(out, "hoopctl_credentials_revoked_total", "result",
           "Credentials that were to be revoked at their target.", revocations_);
  counters(out, "hoopctl_log_uploads_total", "result",
           "Session logs that clients have delivered to the end.", uploads_);
  write_sessions(out, local_sessions);
  write_decisions(out);
  head(out, "hoopctl_masked_values_total", "counter", "Values masked on the gateway path.");
  fmt::format_to(std::back_inserter(out), "hoopctl_masked_values_total {}\n", masked_values_);
  return out;
}

}  // namespace hoop::gateway
