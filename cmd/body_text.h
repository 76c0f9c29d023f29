// SPDX-License-Identifier: Apache-2.0
// What a session log has kept of a body, as lines for people.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/bytes.h"

namespace hoop::cmd {

/// Text, line by line, a long one in several; from the first line on that is no text only how much
/// of it there is. Nothing in a line is obeyed by a terminal.
class BodyText {
 public:
  using Take = std::function<void(std::string line)>;
  void feed(ByteSpan piece, const Take& take);
  /// The end: what has no end of line yet.
  void finish(const Take& take);

 private:
  void end_line(const Take& take, std::size_t behind);

  std::string line_;
  bool is_text_ = true;
  std::uint64_t hidden_bytes_ = 0;  // since there is no text any more
};

}  // namespace hoop::cmd
