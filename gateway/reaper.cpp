// SPDX-License-Identifier: Apache-2.0
#include "gateway/reaper.h"

#include <algorithm>

namespace hoop::gateway {
namespace {

// A failed revocation, a role that came back with a restored database: found after at most this
// long.
constexpr std::chrono::seconds kSweepEvery{60};

}  // namespace

Reaper::Reaper(GrantService& grants, asio::any_io_executor executor)
    : grants_(grants),
      executor_(executor),
      wake_(executor),
      ended_(executor, asio::steady_timer::time_point::max()) {}

void Reaper::start() {
  running_ = true;
  grants_.on_sooner([this] { wake_.cancel(); });
  asio::co_spawn(executor_, loop(), [this](std::exception_ptr) {
    running_ = false;
    ended_.cancel();
  });
}

asio::awaitable<void> Reaper::stop() {
  stopping_ = true;
  grants_.on_sooner(nullptr);
  wake_.cancel();
  while (running_) co_await ended_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
}

void Reaper::sweep_now() {
  next_sweep_ = grants_.clock().steady_now();
  wake_.cancel();
}

asio::awaitable<void> Reaper::loop() {
  const Clock& clock = grants_.clock();
  next_sweep_ = clock.steady_now();
  while (!stopping_) {
    const auto expiry = grants_.next_expiry();
    const SystemTime now = clock.system_now();
    if ((expiry && *expiry <= now) || clock.steady_now() >= next_sweep_) {
      GrantService& grants = grants_;
      Work<std::size_t> sweep = [&grants]() -> Result<std::size_t> { return grants.sweep(); };
      next_sweep_ = clock.steady_now() + kSweepEvery;
      const auto swept = co_await grants_.workers().run(sweep);
      if (swept && *swept > 0)
        grants_.log().info("sweep.done", {{"ended", std::to_string(*swept)}});
      continue;
    }
    auto pause =
        std::chrono::duration_cast<std::chrono::milliseconds>(next_sweep_ - clock.steady_now());
    if (expiry)
      pause = std::min(pause, std::chrono::duration_cast<std::chrono::milliseconds>(*expiry - now));
    wake_.expires_after(std::max(pause, std::chrono::milliseconds(1)));
    co_await wake_.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }
}

}  // namespace hoop::gateway
