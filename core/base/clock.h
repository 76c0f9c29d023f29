// SPDX-License-Identifier: Apache-2.0
// Time as an argument: what needs the time is given a Clock, tests give a FakeClock
// (tests/support/fake_clock.h).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/base/error.h"

namespace hoop {

using SystemTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SystemTime system_now() const = 0;
  virtual SteadyTime steady_now() const = 0;
  /// Goes on while the machine sleeps, as steady_now() may not.
  virtual SteadyTime boot_now() const { return steady_now(); }
};

class SystemClock final : public Clock {
 public:
  SystemTime system_now() const override;
  SteadyTime steady_now() const override;
  SteadyTime boot_now() const override;
};

/// The moment an operation must have ended by. never() means that another deadline further out
/// bounds it.
class Deadline {
 public:
  static Deadline never() { return Deadline(SteadyTime::max()); }
  static Deadline at(SteadyTime when) { return Deadline(when); }
  static Deadline after(const Clock& clock, std::chrono::milliseconds span) {
    return Deadline(clock.steady_now() + span);
  }
  SteadyTime when() const { return when_; }
  bool is_never() const { return when_ == SteadyTime::max(); }
  bool operator==(const Deadline&) const = default;

 private:
  explicit Deadline(SteadyTime when) : when_(when) {}
  SteadyTime when_;
};

/// RFC 3339 in UTC with milliseconds: 2026-11-20T18:30:00.250Z.
std::string to_rfc3339(SystemTime time);
std::optional<SystemTime> parse_rfc3339(std::string_view text);
/// Spans as people write them in configuration: "90s", "30m", "2h", "1d". Fails with malformed.
Result<std::chrono::seconds> parse_duration(std::string_view text);

}  // namespace hoop
