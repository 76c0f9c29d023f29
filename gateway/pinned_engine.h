// SPDX-License-Identifier: Apache-2.0
// A session's engine on the event loop that the session is pinned to, for its owner on the
// gateway's first loop.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "core/session/control.h"
#include "core/session/session_engine.h"
#include "core/session/tunnel.h"
#include "gateway/event_loops.h"
#include "gateway/metrics.h"

namespace hoop::gateway {

/// Called on one thread, home's; what it is told, home is told too. Nothing here waits for the
/// other loop but release().
class PinnedEngine : public std::enable_shared_from_this<PinnedEngine> {
 public:
  /// What it borrows outlives it.
  struct Parts {
    std::unique_ptr<Seat> seat;
    asio::any_io_executor home;
    const Clock& clock;
    Log& log;
    std::shared_ptr<Metrics> metrics;
  };
  PinnedEngine(Parts parts, std::unique_ptr<session::SessionEngine> engine);

  /// Called for each refusal, and for what becomes of approvals. Set before the first stream.
  void on_news(std::function<void(session::FromGateway)> listener);
  /// Serves a stream of the tunnel to its end. Its opening is due within ten seconds. place lives
  /// as long, and goes on the engine's loop.
  void serve(net::StreamPtr stream, Bytes early, std::shared_ptr<void> place);
  /// Opens nothing new from now on.
  void open_no_more();
  /// Ends what is served, with the reason in the program's own protocol; opens nothing new.
  /// on_told: every handler has the reason.
  void end_all(std::string reason, std::function<void()> on_told);
  void announce(std::string words);
  void note_renewed(SystemTime expires_at);
  /// on_refused: the engine was made for another policy, and goes on by the old one.
  void take_policy(access::PolicyDocument part, std::function<void()> on_refused);
  /// Once, after open_no_more() or end_all(): the engine, when it serves nothing any more.
  asio::awaitable<std::shared_ptr<session::SessionEngine>> release();

 private:
  using Self = std::shared_ptr<PinnedEngine>;
  static asio::awaitable<void> serve_one(Self self, std::unique_ptr<session::Tunnel> tunnel,
                                         std::shared_ptr<void> place);
  void served();
  void log_not_opened(ErrorCode code);

  Parts parts_;
  std::string session_;
  asio::any_io_executor loop_;
  // The loop's alone, from here on.
  std::shared_ptr<session::SessionEngine> engine_;  // none once it is released
  bool closed_ = false;                             // opens nothing new
  std::size_t serving_ = 0;
  std::set<session::Tunnel*> opening_;  // whose opening has not come yet
  std::move_only_function<void(Result<std::shared_ptr<session::SessionEngine>>)> on_released_;
};

}  // namespace hoop::gateway
