// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/handler.h"

#include <map>
#include <optional>

#include "protocols/http/connection.h"
#include "protocols/http/plain_dialect.h"

namespace hoop::http_target {
namespace {

constexpr std::chrono::seconds kTick{1};

class HttpHandler final : public session::ProtocolHandler {
 public:
  explicit HttpHandler(std::unique_ptr<SessionShared> shared) : shared_(std::move(shared)) {}

  Task<void> serve(std::uint64_t number, net::StreamPtr downstream,
                   session::Opening opening) override {
    if (opening.kind != session::Opening::Kind::session)
      co_return fail(ErrorCode::malformed, "the opening is not one of HTTP");
    if (!timer_) timer_.emplace(downstream->executor());
    Connection connection(*shared_, number, std::move(opening), std::move(downstream));
    if (ended_) connection.end(*ended_);
    live_[number] = &connection;
    if (live_.size() == 1) wait_for_tick();
    const Result<void> outcome = co_await connection.serve();
    live_.erase(number);
    if (live_.empty()) timer_->cancel();
    co_return outcome;
  }

  void end_all(std::string reason) override {
    if (!ended_) ended_ = reason;
    for (const auto& [number, connection] : live_) connection->end(reason);
  }
  void announce(std::string) override {}
  bool can_judge_by(const access::PolicyDocument&) const override { return true; }

 private:
  void wait_for_tick() {
    timer_->expires_after(kTick);
    timer_->async_wait([this, alive = std::weak_ptr<bool>(alive_)](const std::error_code& stopped) {
      if (stopped || alive.expired()) return;
      const SteadyTime now = shared_->context.clock.steady_now();
      for (const auto& [number, connection] : live_) connection->tick(now);
      if (!live_.empty()) wait_for_tick();
    });
  }

  std::unique_ptr<SessionShared> shared_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::optional<asio::steady_timer> timer_;
  std::map<std::uint64_t, Connection*> live_;
  std::optional<std::string> ended_;  // why access has
};

}  // namespace

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               MakeDialect make_dialect) {
  auto shared = std::make_unique<SessionShared>(context);
  HOOP_TRY(shared->dialect, make_dialect(*shared));
  return std::make_unique<HttpHandler>(std::move(shared));
}

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context) {
  if (context.grant.target.protocol != "http")
    return fail(ErrorCode::config, "the grant is not for an HTTP target");
  return make_handler(context, make_plain_dialect);
}

}  // namespace hoop::http_target
