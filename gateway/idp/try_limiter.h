// SPDX-License-Identifier: Apache-2.0
// Slows guessing down: TryLimiter by a delay that doubles with each failure, WindowLimiter by a
// count within a span of time.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "core/base/clock.h"

namespace hoop::gateway::idp {

/// Per key (a user, an address). In memory: a restart forgives. Bounded: beyond max_keys the
/// longest quiet key is forgotten.
class TryLimiter {
 public:
  struct Settings {
    int free_tries = 3;                   // failures before the first delay
    std::chrono::seconds first_delay{1};  // then twice as long each time
    std::chrono::seconds longest_delay{60};
    std::chrono::seconds forget_after{900};  // of quiet
    std::size_t max_keys = 10'000;
  };
  explicit TryLimiter(const Settings& settings) : settings_(settings) {}

  /// Zero: go on. Otherwise the time until a try counts again.
  std::chrono::seconds wait_for(const std::string& key, SteadyTime now) const;
  /// Call before the secret is compared, so that parallel tries do not all pass; if it was right,
  /// then one of the two below.
  void failed(const std::string& key, SteadyTime now);
  /// Forgets every failure of key.
  void succeeded(const std::string& key) { tries_.erase(key); }
  /// Forgets the last one alone, with its delay.
  void take_back(const std::string& key);

 private:
  struct Tries {
    int failures = 0;
    SteadyTime last{};
    SteadyTime blocked_until{};
  };
  void make_room(SteadyTime now);
  Settings settings_;
  std::map<std::string, Tries> tries_;
};

/// Per key: at most limit events in each span. Bounded likewise.
class WindowLimiter {
 public:
  WindowLimiter(int limit, std::chrono::seconds span) : limit_(limit), span_(span) {}
  /// Whether one more is within the limit; counts nothing.
  bool allows(const std::string& key, SteadyTime now) const;
  void count(const std::string& key, SteadyTime now);

 private:
  struct Window {
    SteadyTime start{};
    int events = 0;
  };
  int limit_;
  std::chrono::seconds span_;
  std::map<std::string, Window> windows_;
};

}  // namespace hoop::gateway::idp
