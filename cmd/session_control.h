// SPDX-License-Identifier: Apache-2.0
// The client's end of a session's control channel (hoopctl-control(5)): hears at once what the
// gateway has decided, and holds everything back while nobody knows whether the session still
// stands.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cmd/gateway_client.h"
#include "core/net/task_group.h"
#include "core/session/control_channel.h"
#include "core/session/gate.h"

namespace hoop::cmd {

class SessionControl final : public session::Lease {
 public:
  struct Plan {
    std::string session;
    std::string policy_version;
    std::chrono::seconds heartbeat{};
    /// Clock::boot_now() before the grant was asked for: then the session stood.
    SteadyTime stood_at{};
  };
  /// Called on the loop. Nothing is called after stop().
  struct Listener {
    std::function<void(const session::ControlEnd&)> ended;  // once, and then nothing more
    std::function<void(access::PolicyDocument)> policy;
    std::function<void(const session::ControlDenied&)> denied;
    std::function<void(const session::ControlApproval&)> approval;
  };

  /// client outlives this.
  SessionControl(Environment& environment, GatewayClient& client, asio::any_io_executor executor,
                 Plan plan);

  void start(Listener listener);
  /// Ends the session as if the gateway had: the client cannot do what it asks for.
  void end(session::ControlEnd end);
  /// Returns when the gateway has no line to us any more.
  asio::awaitable<void> stop();

  bool holds() const override;
  asio::awaitable<bool> renewed() override;

 private:
  asio::awaitable<void> run();
  Task<std::shared_ptr<session::ControlChannel>> open();
  asio::awaitable<void> converse(std::shared_ptr<session::ControlChannel> channel);
  /// False: the channel is of no more use.
  bool take(const session::FromGateway& message);
  void ask();
  void ask_again_later();
  void renew(SteadyTime asked_at);
  void watch_for_loss();
  asio::awaitable<void> pause(std::chrono::milliseconds span);

  Environment& environment_;
  GatewayClient& client_;
  asio::any_io_executor executor_;
  Plan plan_;
  Listener listener_;
  SteadyTime renewed_at_;  // of Clock::boot_now()
  bool over_ = false;
  std::shared_ptr<session::ControlChannel> channel_;
  std::uint64_t asked_ = 0;
  std::map<std::uint64_t, SteadyTime> unanswered_;
  asio::steady_timer ask_timer_;
  asio::steady_timer loss_timer_;
  asio::steady_timer pause_timer_;
  asio::steady_timer changed_;  // never expires; cancelled when the lease has changed
  net::TaskGroup tasks_;
};

}  // namespace hoop::cmd
