// SPDX-License-Identifier: Apache-2.0
// Waits for the disk beside the event loop: a loop that waited would keep every session on it
// waiting.
#pragma once

#include <cstdint>
#include <memory>

#include "core/net/asio.h"
#include "core/record/session_log.h"

namespace hoop::session {

/// One a log, on one event loop. A sync covers all that was written before it began, so that many
/// who wait share one; syncs of several logs run on a few threads of the process.
class DiskSync {
 public:
  explicit DiskSync(std::shared_ptr<record::LogSink> sink);
  /// Waits for a sync that is under way: nothing of it comes back to a loop that has ended.
  ~DiskSync();
  DiskSync(const DiskSync&) = delete;
  DiskSync& operator=(const DiskSync&) = delete;

  /// Whether the disk has the log's first bytes.
  bool has(std::uint64_t bytes) const;
  /// Returns when it has them; the sink must have been given them. Fails with storage, then and
  /// ever after: what a failed sync has lost, no later one brings back (fsync(2)).
  Task<void> wait_for(std::uint64_t bytes);

 private:
  struct State;
  static void begin(const std::shared_ptr<State>& state, const asio::any_io_executor& loop);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::session
