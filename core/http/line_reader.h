// SPDX-License-Identifier: Apache-2.0
// Collects one line that ends with CRLF, within a budget of bytes; a lone CR or LF is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace hoop::http {

class LineReader {
 public:
  /// Takes bytes off the front of in up to the end of a line, and answers the line without its
  /// CRLF: it lives until the next call. nullopt: in is used up. Fails with malformed, or with
  /// too_large when budget bytes hold no line end; says the same however the bytes are cut.
  Result<std::optional<std::string_view>> next(ByteSpan& in, std::size_t budget);
  /// Bytes of the line that was answered, with its CRLF.
  std::size_t taken() const { return line_.size(); }
  bool empty() const { return line_.empty() || complete_; }

 private:
  std::string line_;
  bool complete_ = false;
};

}  // namespace hoop::http
