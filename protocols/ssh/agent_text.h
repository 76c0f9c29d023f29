// SPDX-License-Identifier: Apache-2.0
// Output as an agent reads it: what a person would not see, or a terminal obeys, stands there in
// letters ("\u200b", "\u001b"), so that nobody can hide words for it in what a host says.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace hoop::ssh {

class AgentText {
 public:
  /// Of a stream in pieces of any size. Bytes that are not UTF-8 stay as they are.
  Bytes take(ByteSpan piece);
  /// What was held back of a character.
  Bytes finish();
  /// How many characters were written out.
  std::uint64_t changed() const { return changed_; }

 private:
  Bytes held_;
  std::uint64_t changed_ = 0;
};

}  // namespace hoop::ssh
