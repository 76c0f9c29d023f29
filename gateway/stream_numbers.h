// SPDX-License-Identifier: Apache-2.0
// Which numbers of a session's streams were used: each is accepted once.
#pragma once

#include <bitset>
#include <cstdint>

namespace hoop::gateway {

/// A window behind the highest number: what lies below it counts as used, so that memory is bounded
/// whatever a client counts up to.
class StreamNumbers {
 public:
  static constexpr std::uint64_t kHighest = std::uint64_t{1} << 53;  // what JSON numbers can hold
  /// Four times the streams that may be open at once: a number this late is a replay.
  static constexpr std::uint64_t kWindow = 1024;

  bool is_fresh(std::uint64_t number) const {
    if (number == 0 || number > kHighest) return false;
    if (number > highest_) return true;
    return highest_ - number < kWindow && !used_[number % kWindow];
  }
  /// number is fresh.
  void use(std::uint64_t number) {
    if (number > highest_) {
      if (number - highest_ >= kWindow) {
        used_.reset();
      } else {
        for (std::uint64_t skipped = highest_ + 1; skipped <= number; ++skipped)
          used_.reset(skipped % kWindow);
      }
      highest_ = number;
    }
    used_.set(number % kWindow);
  }

 private:
  std::bitset<kWindow> used_;
  std::uint64_t highest_ = 0;
};

}  // namespace hoop::gateway
