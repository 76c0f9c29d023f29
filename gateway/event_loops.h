// SPDX-License-Identifier: Apache-2.0
// Threads with an event loop each. A session is pinned to one of them for life, so that one that
// keeps its thread busy takes no turn from the API, from handshakes, or from sessions elsewhere.
#pragma once

#include <memory>
#include <vector>

#include "core/net/asio.h"

namespace hoop::gateway {

class EventLoop;

/// A session's place on a loop; the next session goes where the fewest are.
class Seat {
 public:
  explicit Seat(std::shared_ptr<EventLoop> loop);
  ~Seat();
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  /// Any thread, until EventLoops::close().
  asio::any_io_executor executor() const;
  /// Only on the loop's thread: a task that the loop owns.
  void spawn(asio::awaitable<void> task) const;

 private:
  std::shared_ptr<EventLoop> loop_;
};

/// Their threads have deep stacks (core/process/deep_stack.h): sessions parse SQL there.
class EventLoops {
 public:
  /// Where the threads cannot be made: std::system_error.
  explicit EventLoops(std::size_t count);
  ~EventLoops();
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  /// Called on one thread.
  std::unique_ptr<Seat> take_seat();
  std::size_t size() const { return loops_.size(); }
  /// Ends the threads at their next turn; what is under way stays where it is. Other threads may
  /// still post, to no effect.
  void halt();
  /// After halt(): destroys what is left on the loops. Nobody may post any more.
  void close();

 private:
  std::vector<std::shared_ptr<EventLoop>> loops_;
};

/// How many loops this machine should have: one a processor, sixteen at most.
std::size_t default_event_loops();

}  // namespace hoop::gateway
