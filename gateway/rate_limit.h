// SPDX-License-Identifier: Apache-2.0
// A token bucket per identity: so many at once, so many a minute after that.
#pragma once

#include <string>
#include <unordered_map>

#include "core/base/clock.h"

namespace hoop::gateway {

/// One thread. Memory is bounded: full buckets are forgotten.
class RateLimit {
 public:
  RateLimit(std::uint32_t per_minute, const Clock& clock)
      : per_minute_(per_minute), clock_(clock) {}
  /// Zero: go on, and it has been counted. Otherwise how long until the next one is let through.
  std::chrono::milliseconds take(const std::string& key);

 private:
  struct Bucket {
    double tokens = 0;
    SteadyTime filled{};
  };
  void forget_full();
  double per_minute_;
  const Clock& clock_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace hoop::gateway
