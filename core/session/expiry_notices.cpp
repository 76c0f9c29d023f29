// SPDX-License-Identifier: Apache-2.0
#include "core/session/expiry_notices.h"

#include <array>

namespace hoop::session {
namespace {

struct Notice {
  std::chrono::minutes before;
  const char* words;
};
constexpr std::array<Notice, 2> kNotices{
    Notice{std::chrono::minutes(5), "access ends in 5 minutes"},
    Notice{std::chrono::minutes(1), "access ends in 1 minute"}};

}  // namespace

void ExpiryNotices::start(SystemTime expires_at, const Clock& clock, Say say) {
  say_ = std::move(say);
  wait_for(0, expires_at - clock.system_now());
}

void ExpiryNotices::wait_for(std::size_t notice, std::chrono::milliseconds left) {
  while (notice < kNotices.size() && left <= kNotices[notice].before) ++notice;
  if (notice == kNotices.size()) return;
  timer_.expires_after(left - kNotices[notice].before);
  timer_.async_wait([this, notice](const std::error_code& failure) {
    if (failure) return;
    // Before the words: saying them may end this object.
    const Say say = say_;
    wait_for(notice + 1, kNotices[notice].before);
    say(kNotices[notice].words);
  });
}

}  // namespace hoop::session
