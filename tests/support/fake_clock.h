// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until a test moves it.
#pragma once

#include "core/base/clock.h"

namespace hoop::test {

class FakeClock final : public Clock {
 public:
  SystemTime system_now() const override { return system; }
  SteadyTime steady_now() const override { return steady; }
  SteadyTime boot_now() const override { return steady + slept; }
  void advance(std::chrono::milliseconds span) {
    system += span;
    steady += span;
  }
  SystemTime system{std::chrono::sys_days(std::chrono::year(2026) / 11 / 20)};
  SteadyTime steady{};
  std::chrono::milliseconds slept{0};
};

}  // namespace hoop::test
