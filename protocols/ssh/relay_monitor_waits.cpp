// SPDX-License-Identifier: Apache-2.0
// Actions of an SSH session that wait until somebody has approved them.
#include <algorithm>

#include "core/base/encoding.h"
#include "protocols/ssh/relay_monitor.h"

namespace hoop::ssh {

/// The loop of run() alone answers the relay: a wait leaves here what there is to say.
struct RelayMonitor::Waiting {
  RelayMonitor* monitor = nullptr;
  std::uint32_t channel = 0;
  bool says = false;
  std::string words;  // for the channel's user, and not said yet
  std::optional<session::Verdict> verdict;
  bool is_gone = false;  // its channel has ended
  Resume resume;
};

std::optional<session::Verdict> RelayMonitor::ask_gate(const access::Action& action,
                                                       std::uint32_t channel, bool says,
                                                       Resume resume) {
  const auto waiting = std::make_shared<Waiting>();
  waiting->monitor = this;
  waiting->channel = channel;
  waiting->says = says;
  waiting->resume = std::move(resume);
  const std::weak_ptr<Waiting> weak = waiting;
  session::Gate::Wait wait{[weak](const std::string& words) {
                             const auto told = weak.lock();
                             if (!told || !told->says) return;
                             told->words = words;
                             told->monitor->wake();
                           },
                           channel, login_};
  auto admitting = context_.gate.admit(connection_, action, std::move(wait));
  if (admitting.ready()) return admitting.take();
  waiting_.push_back(waiting);
  waits_.spawn(RelayMonitor::wait(waiting, std::move(admitting)));
  return std::nullopt;
}

asio::awaitable<void> RelayMonitor::wait(std::shared_ptr<Waiting> waiting,
                                         Eventually<session::Verdict> admitting) {
  session::Verdict verdict = co_await admitting.wait();
  waiting->verdict = std::move(verdict);
  waiting->monitor->wake();
}

/// Makes run() look. A write of its own must not meet the deadline that wakes a read.
void RelayMonitor::wake() {
  if (reading_) relay_.set_deadline(Deadline::at(context_.clock.steady_now()));
}

bool RelayMonitor::is_awaited(std::uint32_t channel) const {
  return std::ranges::any_of(waiting_, [&](const auto& one) { return one->channel == channel; });
}

bool RelayMonitor::has_news() const {
  return std::ranges::any_of(waiting_,
                             [](const auto& one) { return one->verdict || !one->words.empty(); });
}

Task<void> RelayMonitor::take_news() {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const std::shared_ptr<Waiting> one = *at;
    if (!one->words.empty()) {
      const std::string line =
          "hoopctl: " + neutralise(std::exchange(one->words, {}), 1000, Lines::escape) + "\r\n";
      HOOP_CO_CHECK(co_await pass_in_pieces(one->channel, RelayStream::err, to_bytes(line), {}));
    }
    if (!one->verdict) {
      ++at;
      continue;
    }
    at = waiting_.erase(at);
    if (one->is_gone) {
      HOOP_CO_CHECK(record_not_run(*one->verdict));
      continue;
    }
    Task<void> going_on = one->resume(std::move(*one->verdict));
    HOOP_CO_CHECK(co_await std::move(going_on));
  }
  co_return Result<void>{};
}

void RelayMonitor::give_up(std::uint32_t channel) {
  for (const auto& one : waiting_) one->is_gone = one->is_gone || one->channel == channel;
  context_.gate.give_up_waiting(connection_, channel);
}

/// Somebody has approved it a moment too late.
Result<void> RelayMonitor::record_not_run(const session::Verdict& verdict) {
  const auto* admitted = std::get_if<session::Admitted>(&verdict);
  if (admitted == nullptr) return {};
  record::ReplyEnd end;
  end.action = admitted->id();
  end.status = "not run";
  return context_.gate.reply_end(*admitted, std::move(end));
}

Result<void> RelayMonitor::record_too_late() {
  for (const auto& one : waiting_) {
    if (one->verdict) HOOP_CHECK(record_not_run(*one->verdict));
  }
  return {};
}

}  // namespace hoop::ssh
