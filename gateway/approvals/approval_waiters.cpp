// SPDX-License-Identifier: Apache-2.0
#include "gateway/approvals/approval_waiters.h"

namespace hoop::gateway {

/// Among the waiters, for as long as it exists.
class ApprovalWaiters::Place {
 public:
  Place(std::shared_ptr<ApprovalWaiters> waiters, const std::string& id, asio::steady_timer& timer)
      : waiters_(std::move(waiters)), at_(waiters_->timers_.emplace(id, &timer)) {}
  ~Place() { waiters_->timers_.erase(at_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::shared_ptr<ApprovalWaiters> waiters_;
  Timers::iterator at_;
};

asio::awaitable<void> ApprovalWaiters::wait(std::shared_ptr<ApprovalWaiters> waiters,
                                            std::string id, std::chrono::milliseconds patience) {
  asio::steady_timer timer(co_await asio::this_coro::executor, patience);
  const Place place(std::move(waiters), id, timer);
  co_await timer.async_wait(as_result);
}

void ApprovalWaiters::wake(const std::string& id) {
  for (auto [at, end] = timers_.equal_range(id); at != end; ++at) at->second->cancel();
}

void ApprovalWaiters::close() {
  closed_ = true;
  for (const auto& [id, timer] : timers_) timer->cancel();
}

}  // namespace hoop::gateway
