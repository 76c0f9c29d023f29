// SPDX-License-Identifier: Apache-2.0
// How much the programs of one session may say, and its files may have moved.
#pragma once

#include <cstdint>
#include <string>

#include "core/session/gate.h"

namespace hoop::ssh {

/// By the policy of the moment: bytes_per_statement is for a program's output, and for a file, each
/// by itself; bytes_per_session for all of them. One a session.
class ByteBudget {
 public:
  explicit ByteBudget(const session::Gate& gate) : gate_(gate) {}

  /// More bytes of something of which before have moved: counted, or the words why they may not.
  std::string charge(std::uint64_t before, std::uint64_t more);
  /// How much of a program's output of that size the log takes, which has so much of it already;
  /// it is counted.
  std::size_t keep(std::uint64_t kept, std::size_t size, bool has_terminal);

 private:
  const session::Gate& gate_;
  std::uint64_t used_ = 0;
  std::uint64_t kept_ = 0, kept_of_terminals_ = 0;
};

}  // namespace hoop::ssh
