// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/try_limiter.h"

#include <algorithm>

namespace hoop::gateway::idp {
namespace {

constexpr std::size_t kMaxWindows = 10'000;

}  // namespace

std::chrono::seconds TryLimiter::wait_for(const std::string& key, SteadyTime now) const {
  const auto found = tries_.find(key);
  if (found == tries_.end() || found->second.blocked_until <= now) return std::chrono::seconds(0);
  return std::chrono::ceil<std::chrono::seconds>(found->second.blocked_until - now);
}

void TryLimiter::failed(const std::string& key, SteadyTime now) {
  if (!tries_.contains(key)) make_room(now);
  Tries& tries = tries_[key];
  if (tries.failures > 0 && now - tries.last > settings_.forget_after) tries = Tries();
  tries.last = now;
  ++tries.failures;
  const int beyond = tries.failures - settings_.free_tries;
  if (beyond <= 0) return;
  // 2^16 s is above every longest_delay that makes sense.
  const auto delay = settings_.first_delay * (1 << std::min(beyond - 1, 16));
  tries.blocked_until = now + std::min(std::chrono::seconds(delay), settings_.longest_delay);
}

void TryLimiter::take_back(const std::string& key) {
  const auto found = tries_.find(key);
  if (found == tries_.end()) return;
  found->second.blocked_until = {};
  if (--found->second.failures <= 0) tries_.erase(found);
}

void TryLimiter::make_room(SteadyTime now) {
  if (tries_.size() < settings_.max_keys) return;
  std::erase_if(
      tries_, [&](const auto& entry) { return now - entry.second.last > settings_.forget_after; });
  if (tries_.size() < settings_.max_keys) return;
  tries_.erase(
      std::ranges::min_element(tries_, {}, [](const auto& entry) { return entry.second.last; }));
}

bool WindowLimiter::allows(const std::string& key, SteadyTime now) const {
  const auto found = windows_.find(key);
  return found == windows_.end() || now - found->second.start >= span_ ||
         found->second.events < limit_;
}

void WindowLimiter::count(const std::string& key, SteadyTime now) {
  if (windows_.size() >= kMaxWindows && !windows_.contains(key)) {
    std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.start >= span_; });
    if (windows_.size() >= kMaxWindows) windows_.erase(windows_.begin());
  }
  Window& window = windows_[key];
  if (window.events == 0 || now - window.start >= span_) window = Window{now, 0};
  ++window.events;
}

}  // namespace hoop::gateway::idp
