// SPDX-License-Identifier: Apache-2.0
// What has happened since the gateway began, for Prometheus. A label holds a word of ours or the
// name of a rule: never a value, a statement, a subject or a session.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/access/policy.h"

namespace hoop::gateway {

/// Which requests are counted one by one.
enum class Asked { grant, upload, other };
Asked what_is_asked(std::string_view method, std::string_view path);

/// Safe from several threads at once.
class Metrics {
 public:
  /// An answer of the API, and how long it took.
  void answered(Asked asked, int status, std::chrono::duration<double> took);
  void revoked(bool success);

  // Of sessions on the gateway path.
  void session_began();
  void session_ended();
  void tunnel_began();
  void tunnel_ended();
  void decided(const access::Decision& decision);
  void masked(std::uint64_t values);

  /// Text format 0.0.4. local_sessions: how many live on the local path; nullopt when that could
  /// not be found out, and then it is left out.
  std::string text(std::optional<std::size_t> local_sessions) const;

 private:
  // Upper bounds, in seconds: making a role takes tens of milliseconds, an unreachable database ten
  // seconds.
  static constexpr std::array kBounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0};
  struct Histogram {
    std::array<std::uint64_t, kBounds.size()> at_most{};
    std::uint64_t count = 0;
    double sum = 0;
  };
  using Counts = std::map<std::string, std::uint64_t, std::less<>>;
  mutable std::mutex mutex_;
  Counts requests_{{"1xx", 0}, {"2xx", 0}, {"3xx", 0}, {"4xx", 0}, {"5xx", 0}};
  Counts grants_{{"issued", 0}, {"denied", 0}, {"rate_limited", 0}, {"invalid", 0}, {"failed", 0}};
  Counts uploads_{{"receipted", 0}, {"refused", 0}, {"failed", 0}};
  Counts revocations_{{"ok", 0}, {"failed", 0}};
  std::map<std::string, std::array<std::uint64_t, 3>, std::less<>>
      decisions_;  // by rule; by Effect
  Histogram grant_seconds_;
  std::uint64_t masked_values_ = 0;
  std::size_t sessions_ = 0;
  std::size_t tunnels_ = 0;
};

}  // namespace hoop::gateway
