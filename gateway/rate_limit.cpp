// SPDX-License-Identifier: Apache-2.0
#include "gateway/rate_limit.h"

#include <algorithm>

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxBuckets = 10'000;

}  // namespace

std::chrono::milliseconds RateLimit::take(const std::string& key) {
  const SteadyTime now = clock_.steady_now();
  if (buckets_.size() >= kMaxBuckets) forget_full();
  auto [place, made] = buckets_.try_emplace(key, Bucket{per_minute_, now});
  Bucket& bucket = place->second;
  const std::chrono::duration<double> passed = now - bucket.filled;
  bucket.tokens = std::min(per_minute_, bucket.tokens + passed.count() * per_minute_ / 60);
  bucket.filled = now;
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return std::chrono::milliseconds(0);
  }
  return std::chrono::milliseconds(
      1 + static_cast<std::int64_t>((1 - bucket.tokens) * 60'000 / per_minute_));
}

void RateLimit::forget_full() {
  const SteadyTime now = clock_.steady_now();
  std::erase_if(buckets_, [&](const auto& entry) {
    return now - entry.second.filled > std::chrono::minutes(1);
  });
}

}  // namespace hoop::gateway
