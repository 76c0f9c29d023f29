// SPDX-License-Identifier: Apache-2.0
// What a session log keeps of a reply, for people who read it.
#pragma once

#include <functional>
#include <string>

#include "core/base/bytes.h"

namespace hoop::postgres {

/// Cuts recorded bytes of replies, which come in pieces and may end in the middle of a message,
/// into lines: a row with " | " between two values and NULL for one that is none, or a piece of a
/// COPY as it went out. A binary value is shown in hexadecimal, "\x0aff". No line holds what a
/// terminal would obey. What is no row and no COPY data is passed over: a log can hold anything.
class RecordedReply {
 public:
  using Line = std::function<void(std::string)>;
  /// The next piece. A message larger than 16 MiB ends the reply.
  void feed(ByteSpan bytes, const Line& line);
  /// Something came that was not whole: the log keeps only so much.
  bool was_cut() const { return !pending_.empty() || broken_; }

 private:
  void take(char tag, ByteSpan body, const Line& line);
  Bytes pending_;
  bool broken_ = false;
};

}  // namespace hoop::postgres
