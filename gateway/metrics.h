// SPDX-License-Identifier: Apache-2.0
// What has happened since the gateway began, for Prometheus. A label holds a word of ours or the
// name of a rule: never a value, a statement, a subject or a session.
#pragma once

#include <array>
#include <atomic>
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

/// Where time goes between a program and its target, on the gateway path. open: from the opening of
/// a connection to its first answer, the target's login included; the others as session::Stage.
enum class Stage { open, decide, commit, answer };
/// What came of a log that the gateway wrote itself, each time that it was to be kept.
enum class LogKept { receipted, refused, failed };

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
  void took(Stage stage, std::chrono::duration<double> span);
  void came_from_program(std::uint64_t bytes) { from_program_ += bytes; }
  void went_to_program(std::uint64_t bytes) { to_program_ += bytes; }
  void log_kept(LogKept what);
  /// In the gateway's own spool, for another try.
  void logs_waiting(std::size_t count) { waiting_ = count; }

  // Of agents: their control streams, and the streams to targets that go through them.
  void agent_connected();
  void agent_disconnected();
  void agent_stream_began();
  void agent_stream_ended();

  /// Text format 0.0.4. local_sessions: how many live on the local path; nullopt when that could
  /// not be found out, and then it is left out.
  std::string text(std::optional<std::size_t> local_sessions) const;

 private:
  // Upper bounds, in seconds: making a role takes tens of milliseconds, an unreachable database ten
  // seconds.
  static constexpr std::array kBounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0};
  // A decision takes microseconds, a statement as long as it likes.
  static constexpr std::array kStageBounds{0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005,
                                           0.01,    0.05,    0.1,    0.5,    1.0,   10.0};
  static constexpr std::size_t kStages = 4;
  template <std::size_t Bounds>
  struct Histogram {
    std::array<std::uint64_t, Bounds> at_most{};
    std::uint64_t count = 0;
    double sum = 0;
  };
  template <std::size_t Bounds>
  static void observe(Histogram<Bounds>& histogram, const std::array<double, Bounds>& bounds,
                      double seconds);
  template <std::size_t Bounds>
  static void write(std::string& out, std::string_view name, std::string_view label,
                    const Histogram<Bounds>& histogram, const std::array<double, Bounds>& bounds);
  void write_sessions(std::string& out, std::optional<std::size_t> local_sessions) const;
  void write_decisions(std::string& out) const;
  using Counts = std::map<std::string, std::uint64_t, std::less<>>;
  mutable std::mutex mutex_;
  Counts requests_{{"1xx", 0}, {"2xx", 0}, {"3xx", 0}, {"4xx", 0}, {"5xx", 0}};
  Counts grants_{{"issued", 0}, {"denied", 0}, {"rate_limited", 0}, {"invalid", 0}, {"failed", 0}};
  Counts uploads_{{"receipted", 0}, {"refused", 0}, {"failed", 0}};
  Counts revocations_{{"ok", 0}, {"failed", 0}};
  std::map<std::string, std::array<std::uint64_t, 3>, std::less<>>
      decisions_;  // by rule; by Effect
  Histogram<kBounds.size()> grant_seconds_;
  std::array<Histogram<kStageBounds.size()>, kStages> stage_seconds_;
  Counts kept_{{"receipted", 0}, {"refused", 0}, {"failed", 0}};
  std::atomic<std::uint64_t> from_program_ = 0;
  std::atomic<std::uint64_t> to_program_ = 0;
  std::atomic<std::size_t> waiting_ = 0;
  std::uint64_t masked_values_ = 0;
  std::size_t sessions_ = 0;
  std::size_t tunnels_ = 0;
  std::size_t agents_ = 0;
  std::size_t agent_streams_ = 0;
};

}  // namespace hoop::gateway
