// SPDX-License-Identifier: Apache-2.0
// Runs work on a thread whose stack is large enough for PostgreSQL's recursive parser.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace hoop::process {

/// Address space only: pages are committed when they are first touched, so a session that parses
/// ordinary SQL pays for a few. The classifier caps tokens so that the worst statement (about 125
/// bytes of parser stack a token) fits with room to spare.
inline constexpr std::size_t kDeepStackBytes = std::size_t{256} << 20;

/// A thread with a stack of kDeepStackBytes and a guard below it. Resource; its end waits for
/// work's.
class DeepThread {
 public:
  /// Where such a thread cannot be made: std::system_error. work throws nothing.
  explicit DeepThread(std::function<void()> work);
  ~DeepThread();
  DeepThread(const DeepThread&) = delete;
  DeepThread& operator=(const DeepThread&) = delete;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

/// Calls work on a DeepThread, waits for its end and answers its value. An exception of work is
/// thrown again here, as is what DeepThread throws.
int run_on_deep_stack(std::function<int()> work);

}  // namespace hoop::process
