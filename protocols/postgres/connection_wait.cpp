// SPDX-License-Identifier: Apache-2.0
// While a message waits for an approval: what the program does meanwhile.
#include <algorithm>

#include "protocols/postgres/connection.h"

namespace hoop::postgres {
namespace {

// A program that sends more before it has its answer is not watched any further, and is not waited
// for: nobody would see it go.
constexpr std::size_t kMostAhead = 64U << 10;
constexpr std::size_t kAheadPiece = 4U << 10;

}  // namespace

/// Nothing of what waits may run once its program has gone: somebody must be there to see what it
/// does.
void PostgresConnection::watch_while_waiting() {
  if (program_ended_) return shared_.context.gate.give_up_waiting(conversation_.number);
  if (reading_ahead_) return;
  reading_ahead_ = true;
  asio::co_spawn(downstream_->executor(), watch_program(), [this](const std::exception_ptr&) {
    reading_ahead_ = false;
    note_activity();
    conversation_.changed.notify();
  });
}

asio::awaitable<void> PostgresConnection::watch_program() {
  Bytes piece(kAheadPiece);
  while (conversation_.waits_for_approval && !conversation_.over && ahead_.size() < kMostAhead) {
    const auto count = co_await downstream_->read_some(piece);
    if (!count || *count == 0) {
      program_ended_ = count;
      shared_.context.gate.give_up_waiting(conversation_.number);
      co_return;
    }
    ahead_.insert(ahead_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  if (ahead_.size() >= kMostAhead) shared_.context.gate.give_up_waiting(conversation_.number);
}

Task<std::size_t> PostgresConnection::read_after_wait() {
  // The read that is under way is the one that brings what comes next.
  while (ahead_.empty() && reading_ahead_) co_await conversation_.changed.wait();
  if (!ahead_.empty()) {
    const MutableByteSpan room = from_program_.prepare();
    const std::size_t count = std::min(room.size(), ahead_.size());
    std::copy_n(ahead_.begin(), count, room.begin());
    ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(count));
    co_return count;
  }
  if (program_ended_) co_return *program_ended_;
  co_return co_await downstream_->read_some(from_program_.prepare());
}

bool PostgresConnection::cancel_wait(const Bytes& key) {
  if (!conversation_.waits_for_approval || key != our_key_) return false;
  shared_.context.gate.give_up_waiting(conversation_.number);
  return true;
}

}  // namespace hoop::postgres
