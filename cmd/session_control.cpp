// SPDX-License-Identifier: Apache-2.0
#include "cmd/session_control.h"

#include <algorithm>

#include <fmt/format.h>

namespace hoop::cmd {
namespace {

using session::ControlAlive;
using session::ControlDenied;
using session::ControlEnd;
using session::ControlPolicy;

// Most programs have ended by then, and need no line: a kill still takes effect within two seconds.
constexpr std::chrono::milliseconds kShortProgram{300};
constexpr std::chrono::milliseconds kOpenTime{10'000};
constexpr std::chrono::milliseconds kFirstRetry{200};
constexpr std::chrono::milliseconds kLongestRetry{5'000};
// After a sleep: a connection that has gone meanwhile must not cost more.
constexpr std::chrono::milliseconds kUrgentAnswer{3'000};
constexpr std::chrono::milliseconds kLongestInterval{15'000};
constexpr std::size_t kMaxUnanswered = 16;

/// Whether asking again cannot help.
bool is_final(const Error& error) {
  return error.code == ErrorCode::denied || error.code == ErrorCode::not_found ||
         error.code == ErrorCode::unauthenticated;
}

}  // namespace

SessionControl::SessionControl(Environment& environment, GatewayClient& client,
                               asio::any_io_executor executor, Plan plan)
    : environment_(environment),
      client_(client),
      executor_(executor),
      plan_(std::move(plan)),
      renewed_at_(plan_.stood_at),
      ask_timer_(executor),
      loss_timer_(executor),
      pause_timer_(executor),
      changed_(executor, SteadyTime::max()),
      tasks_(executor) {}

void SessionControl::start(Listener listener) {
  listener_ = std::move(listener);
  watch_for_loss();
  tasks_.spawn(run());
}

void SessionControl::end(ControlEnd end) {
  if (over_) return;
  over_ = true;
  ask_timer_.cancel();
  loss_timer_.cancel();
  changed_.cancel();
  if (listener_.ended) listener_.ended(end);
}

asio::awaitable<void> SessionControl::stop() {
  over_ = true;
  listener_ = {};
  ask_timer_.cancel();
  loss_timer_.cancel();
  changed_.cancel();
  tasks_.cancel();
  co_await tasks_.join();
  channel_.reset();
}

bool SessionControl::holds() const {
  return !over_ && environment_.clock.boot_now() - renewed_at_ < plan_.heartbeat;
}

asio::awaitable<bool> SessionControl::renewed() {
  while (!over_ && !holds()) {
    // Time has passed that we slept through, or nobody has answered for long: ask now.
    if (channel_ && unanswered_.empty()) {
      ask();
    } else if (!channel_) {
      pause_timer_.cancel();
    }
    co_await changed_.async_wait(as_result);
  }
  co_return !over_;
}

void SessionControl::renew(SteadyTime asked_at) {
  renewed_at_ = std::max(renewed_at_, asked_at);
  watch_for_loss();
  changed_.cancel();
}

/// Counts the time that we are awake: after a sleep there is one more chance to ask.
void SessionControl::watch_for_loss() {
  loss_timer_.expires_after(plan_.heartbeat);
  loss_timer_.async_wait([this](const std::error_code& failure) {
    if (failure || over_) return;
    end({"gateway_lost",
         fmt::format("the gateway has not been reached for {} seconds", plan_.heartbeat.count()),
         {},
         {}});
  });
}

asio::awaitable<void> SessionControl::pause(std::chrono::milliseconds span) {
  pause_timer_.expires_after(span);
  co_await pause_timer_.async_wait(as_result);
}

Task<std::shared_ptr<session::ControlChannel>> SessionControl::open() {
  HOOP_CO_TRY(auto upgraded,
              co_await client_.open_control(plan_.session, plan_.policy_version, kOpenTime));
  co_return std::make_shared<session::ControlChannel>(
      std::move(upgraded.stream), as_text(upgraded.early), session::kMaxLineOfGateway);
}

asio::awaitable<void> SessionControl::run() {
  co_await pause(kShortProgram);
  auto delay = kFirstRetry;
  while (!over_) {
    auto channel = co_await open();
    if (channel) {
      delay = kFirstRetry;
      co_await converse(std::move(*channel));
      continue;
    }
    if (is_final(channel.error())) {
      end({"revoked", "access has ended", {}, {}});
      co_return;
    }
    environment_.console.detail("control_failed",
                                "no control channel to the gateway: " + channel.error().message);
    const auto spread = environment_.random.bytes(1)[0];
    co_await pause(delay + delay * spread / 512);
    delay = std::min(delay * 2, kLongestRetry);
  }
}

asio::awaitable<void> SessionControl::converse(std::shared_ptr<session::ControlChannel> channel) {
  channel_ = channel;
  unanswered_.clear();
  // Only the answer says that the session stands: what the gateway has to tell comes before it.
  ask();
  if (holds()) ask_again_later();
  for (;;) {
    const auto silence = std::chrono::milliseconds(plan_.heartbeat) / 2;
    auto line = co_await channel->receive(Deadline::after(environment_.clock, silence));
    if (!line) break;
    const auto message = session::decode_from_gateway(*line);
    if (!message) {
      environment_.console.warn("control_malformed", "the gateway says what we do not understand",
                                "are hoopctl and the gateway of the same version?",
                                {{"session", plan_.session}});
      break;
    }
    if (over_ || !take(*message)) break;
  }
  ask_timer_.cancel();
  // What was said last must arrive: the gateway waits for it.
  co_await channel->flush();
  channel->close();
  channel_.reset();
}

bool SessionControl::take(const session::FromGateway& message) {
  if (const auto* alive = std::get_if<ControlAlive>(&message)) {
    const auto asked = unanswered_.find(alive->number);
    if (asked == unanswered_.end()) return false;
    const SteadyTime asked_at = asked->second;
    unanswered_.erase(unanswered_.begin(), std::next(asked));
    renew(asked_at);
  } else if (const auto* told = std::get_if<ControlEnd>(&message)) {
    end(*told);
    channel_->post(session::encode(session::FromClient(session::ControlEnded())));
    return false;
  } else if (const auto* policy = std::get_if<ControlPolicy>(&message)) {
    plan_.policy_version = policy->policy.version;
    if (listener_.policy) listener_.policy(policy->policy);
  } else if (const auto* denied = std::get_if<ControlDenied>(&message)) {
    if (listener_.denied) listener_.denied(*denied);
  } else if (const auto* news = std::get_if<session::ControlApproval>(&message)) {
    if (listener_.approval) listener_.approval(*news);
  }
  return true;
}

void SessionControl::ask() {
  if (!channel_ || unanswered_.size() >= kMaxUnanswered) return;
  unanswered_.emplace(++asked_, environment_.clock.boot_now());
  channel_->post(session::encode(session::FromClient(ControlAlive{asked_})));
  if (holds()) return;
  // The connection may be one that the sleep has cost.
  ask_timer_.expires_after(kUrgentAnswer);
  ask_timer_.async_wait([this](const std::error_code& failure) {
    if (failure || over_ || !channel_) return;
    if (!holds()) return channel_->close();
    ask_again_later();
  });
}

void SessionControl::ask_again_later() {
  const auto interval = std::min<std::chrono::milliseconds>(
      kLongestInterval, std::chrono::milliseconds(plan_.heartbeat) / 4);
  ask_timer_.expires_after(interval);
  ask_timer_.async_wait([this](const std::error_code& failure) {
    if (failure || over_ || !channel_) return;
    ask();
    if (holds()) ask_again_later();
  });
}

}  // namespace hoop::cmd
