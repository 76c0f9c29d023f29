// SPDX-License-Identifier: Apache-2.0
// What every kind of stream keeps about its own end: closed, timed out, and the one timer behind
// set_deadline.
#pragma once

#include <memory>
#include <optional>

#include "core/base/clock.h"
#include "core/net/asio.h"

namespace hoop::net {

/// Shared by a stream and the operations under way on it, so that a stream may go while one is
/// pending.
class StreamState : public std::enable_shared_from_this<StreamState> {
 public:
  explicit StreamState(const asio::any_io_executor& executor) : timer_(executor) {}
  virtual ~StreamState() = default;
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;

  /// The timer is set back only when the new deadline is nearer: a later one is noticed when the
  /// timer fires, so that moving a deadline on with each message costs two comparisons.
  void set_deadline(Deadline deadline);
  void close();
  /// Why nothing works any more: cancelled or timeout.
  std::optional<Error> ended() const;
  bool is_closed() const { return closed_; }
  /// Direct system calls starve timers and other sessions if nothing ever suspends: true every so
  /// many calls, then yield.
  bool wants_turn() { return ++direct_calls_ % kDirectCallsPerTurn == 0; }

 protected:
  /// Makes pending operations return; they then ask ended().
  virtual void interrupt() = 0;
  virtual void release() = 0;

 private:
  static constexpr unsigned kDirectCallsPerTurn = 64;
  void arm();
  void fired();

  asio::steady_timer timer_;
  Deadline deadline_ = Deadline::never();
  SteadyTime armed_for_ = SteadyTime::max();
  std::uint64_t generation_ = 0;
  unsigned direct_calls_ = 0;
  bool expired_ = false;
  bool closed_ = false;
};

/// `read 10.0.0.7:5432: connection reset by peer`, code io.
Error io_error(std::string_view what, std::string_view peer, const std::error_code& code);
/// The system's words for it in our style: lower case.
std::string error_text(const std::error_code& code);

}  // namespace hoop::net
