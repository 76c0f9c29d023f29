// SPDX-License-Identifier: Apache-2.0
// What masks have put in the place of values, recognised in a request that brings it back: however
// a URL, a form or JSON spells it.
#pragma once

#include <string>
#include <string_view>

#include "core/http/message.h"
#include "core/mask/write_back.h"
#include "protocols/http/request_target.h"

namespace hoop::http_target {

bool carries_mask(const RequestTarget& target);
bool carries_mask(const http::Headers& fields);

/// One body in pieces, decoded as far as its type says: %XX of a form, escapes of JSON in any
/// other.
class ReturnedMasks {
 public:
  ReturnedMasks() = default;
  explicit ReturnedMasks(std::string_view content_type);
  /// True if a mask stands in the piece, or begins in the pieces before and ends in it.
  bool carries_mask(ByteSpan piece);

 private:
  bool is_form_ = false;
  std::string cut_;  // the beginning of an escape that a piece has ended in
  mask::MaskWatch watch_;
};

}  // namespace hoop::http_target
