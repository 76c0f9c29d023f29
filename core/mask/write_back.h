// SPDX-License-Identifier: Apache-2.0
// What a Masker puts in the place of a value, recognised when it comes back: a program that reads a
// masked row and writes it again would replace the value by its mask.
#pragma once

#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace hoop::mask {

/// text holds "[redacted]", "hmac:" and 32 hexadecimal digits, "****" and four last characters, or
/// an address as "x***@…". The bytes of a parameter or of a row in any format may be given whole.
bool carries_mask(std::string_view text);

/// The same for text that comes in pieces.
class MaskWatch {
 public:
  /// True if a mask stands in the piece, or begins in the pieces before and ends in it.
  bool carries_mask(ByteSpan piece);

 private:
  std::string tail_;  // of what has been seen: a mask may begin in it
};

}  // namespace hoop::mask
