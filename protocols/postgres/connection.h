// SPDX-License-Identifier: Apache-2.0
// One connection of a program and the one of ours to the target that serves it, from the login to
// the last word.
#pragma once

#include "protocols/postgres/backend_flow.h"
#include "protocols/postgres/frontend_flow.h"
#include "protocols/postgres/upstream_login.h"

namespace hoop::postgres {

/// Owned by the coroutine that serves it. Two loops on one executor: the frontend's reads the
/// program and is the only writer upstream, the backend's reads the target and is the only writer
/// downstream. A slow program stops the second, and so the target.
class PostgresConnection {
 public:
  PostgresConnection(SessionShared& shared, std::uint64_t number, net::StreamPtr downstream,
                     session::Opening opening);
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  /// Returns when both sides are closed. The program has read why, if it was not its own wish.
  Task<void> serve();
  /// Ends the connection soon, with FATAL 57P01 and this reason.
  void end(std::string reason);
  /// A NOTICE with these words, as soon as the program may be written to; nothing before the login
  /// is through, and nothing once the end has begun.
  void announce(std::string_view words);
  /// A CancelRequest with this key: true if it was for what waits here for an approval, and now
  /// waits no more.
  bool cancel_wait(const Bytes& key);

 private:
  Task<void> converse();
  Task<Upstream> log_in();
  Task<void> greet(ParameterPairs parameters, Bytes cancel_key, Bytes notices);
  Task<void> frontend_loop();
  Task<void> frontend_reads();
  // connection_wait.cpp
  void watch_while_waiting();
  asio::awaitable<void> watch_program();
  Task<std::size_t> read_after_wait();
  Task<void> explain_reads();
  Task<void> backend_loop();
  Task<void> backend_reads();
  Result<void> take_from_target();
  Task<void> deliver();
  Eventually<Result<void>> start_delivery();
  Task<void> finish_delivery(Task<void> going);
  void delivered(const Result<void>& outcome);
  asio::awaitable<void> deliver_announced();
  Task<void> stop_statement();
  // connection_time.cpp
  void watch_time();
  asio::awaitable<void> watch_time_loop();
  void watch_idle();
  asio::awaitable<void> watch_idle_loop();
  asio::awaitable<void> end_idle(std::string limit, std::chrono::seconds span);
  void note_activity() {
    if (watching_idle_) active_at_ = shared_.context.clock.steady_now();
  }
  asio::awaitable<void> join_backend();
  asio::awaitable<void> say_goodbye(Error error);
  asio::awaitable<void> outlast_program();
  Result<std::string> database() const;
  /// The first cause stands; the other direction is brought to an end.
  void ended(Result<void> cause);

  SessionShared& shared_;
  Conversation conversation_;
  net::StreamPtr downstream_;
  session::Opening opening_;
  net::StreamPtr upstream_;
  Bytes target_key_;  // cancels at the target
  Bytes our_key_;     // cancels here
  FrameReader from_program_;
  // What the program has sent while its last message waited for an approval.
  Bytes ahead_;
  bool reading_ahead_ = false;
  std::optional<Result<std::size_t>> program_ended_;  // while it did
  FrameReader from_target_;
  std::unique_ptr<FrontendFlow> frontend_;
  BackendFlow backend_;
  // What is left of a message that passes in pieces, being too large to be held.
  std::uint64_t large_from_program_ = 0;
  std::uint64_t large_from_target_ = 0;
  std::optional<Result<void>> cause_;
  bool greeted_ = false;  // until then the backend's batch is held
  bool delivering_ = false;
  Bytes announced_;          // notices of ours, to go out with what is delivered next
  bool announcing_ = false;  // a delivery beside the backend's loop
  asio::steady_timer watch_;
  bool watching_ = false;  // how long statements run
  asio::steady_timer idle_;
  bool watching_idle_ = false;
  SteadyTime active_at_{};            // last message of either side; only while that is watched
  std::optional<Report> last_words_;  // in the place of the cause's own
  bool torn_ = false;                 // a write to the program broke off: nothing more can be said
  bool still_sending_ = false;        // the program broke off in the middle of what it says
  bool backend_running_ = false;
};

}  // namespace hoop::postgres
