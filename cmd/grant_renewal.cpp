// SPDX-License-Identifier: Apache-2.0
#include "cmd/grant_renewal.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::chrono::milliseconds kEarliest = std::chrono::minutes(10);
constexpr std::chrono::milliseconds kAnswerTime{15'000};
constexpr std::chrono::milliseconds kShortestPause{200};
constexpr std::chrono::milliseconds kLongestPause{30'000};

/// Whether asking again cannot help.
bool cannot_be_renewed(const Error& error) {
  return error.code == ErrorCode::denied || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::unauthenticated || error.code == ErrorCode::unsupported;
}

}  // namespace

void GrantRenewal::start(SystemTime expires_at, std::function<void(SystemTime)> renewed) {
  renewed_ = std::move(renewed);
  tasks_.spawn(run(expires_at));
}

void GrantRenewal::give_up() {
  renewed_ = nullptr;
  timer_.cancel();
}

asio::awaitable<void> GrantRenewal::stop() {
  give_up();
  tasks_.cancel();
  co_await tasks_.join();
}

asio::awaitable<void> GrantRenewal::run(SystemTime expires_at) {
  const Clock& clock = environment_.clock;
  const auto left = [&clock, &expires_at] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(expires_at - clock.system_now());
  };
  std::chrono::milliseconds pause = left() - std::min(left() / 3, kEarliest);
  for (;;) {
    timer_.expires_after(std::max(pause, kShortestPause));
    co_await timer_.async_wait(as_result);
    if (!renewed_) co_return;
    const SystemTime asked_at = clock.system_now();
    auto lasts = co_await client_.renew_grant(session_, kAnswerTime);
    if (!renewed_) co_return;
    if (lasts) {
      // As at the beginning: on the local path not later than the target, on the gateway path not
      // earlier than the gateway.
      expires_at = (path_ == access::DataPath::local ? asked_at : clock.system_now()) + *lasts;
      environment_.console.detail("access_renewed",
                                  fmt::format("access lasts until {}", to_rfc3339(expires_at)),
                                  {{"session", session_}, {"expires_at", to_rfc3339(expires_at)}});
      renewed_(expires_at);
      pause = left() - std::min(left() / 3, kEarliest);
      continue;
    }
    environment_.console.detail("not_renewed", "access was not renewed: " + lasts.error().message,
                                {{"session", session_}});
    if (cannot_be_renewed(lasts.error())) co_return;
    pause = std::min(left() / 6, kLongestPause);
    if (left() <= kShortestPause) co_return;
  }
}

}  // namespace hoop::cmd
