// SPDX-License-Identifier: Apache-2.0
#include "gateway/event_loops.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>

#include <asio/executor_work_guard.hpp>

#include "core/net/task_group.h"
#include "core/process/deep_stack.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMostByDefault = 16;

struct LoopParts {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> never_idle{context.get_executor()};
  net::TaskGroup tasks{context.get_executor()};
};

}  // namespace

class EventLoop {
 public:
  EventLoop() : parts_(std::in_place), thread_(std::in_place, [this] { parts_->context.run(); }) {}

  asio::any_io_executor executor() { return parts_->context.get_executor(); }
  net::TaskGroup& tasks() { return parts_->tasks; }
  void halt() {
    parts_->context.stop();
    thread_.reset();
  }
  // Seats outlive it: they only count.
  void close() { parts_.reset(); }

  std::atomic<std::size_t> seats = 0;

 private:
  std::optional<LoopParts> parts_;
  std::optional<process::DeepThread> thread_;
};

Seat::Seat(std::shared_ptr<EventLoop> loop) : loop_(std::move(loop)) { ++loop_->seats; }
Seat::~Seat() { --loop_->seats; }
asio::any_io_executor Seat::executor() const { return loop_->executor(); }
void Seat::spawn(asio::awaitable<void> task) const { loop_->tasks().spawn(std::move(task)); }

EventLoops::EventLoops(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_shared<EventLoop>());
}

EventLoops::~EventLoops() {
  halt();
  close();
}

std::unique_ptr<Seat> EventLoops::take_seat() {
  HOOP_ASSERT(!loops_.empty());
  return std::make_unique<Seat>(
      *std::ranges::min_element(loops_, {}, [](const auto& loop) { return loop->seats.load(); }));
}

void EventLoops::halt() {
  for (const auto& loop : loops_) loop->halt();
}

void EventLoops::close() {
  for (const auto& loop : std::exchange(loops_, {})) loop->close();
}

std::size_t default_event_loops() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostByDefault);
}

}  // namespace hoop::gateway
