// SPDX-License-Identifier: Apache-2.0
#include "core/http/message_reader.h"

namespace hoop::http {

Result<std::optional<std::string_view>> HeadReader::next_line(ByteSpan& in) {
  HOOP_TRY(const auto line, line_.next(in, kMaxHeadBytes - bytes_));
  if (line) bytes_ += line_.taken();
  return line;
}

Result<void> HeadReader::add_field(std::string_view line) {
  if (headers_.size() == kMaxHeaders)
    return fail(ErrorCode::too_large, "there are more than 128 headers");
  HOOP_TRY(auto field, parse_field_line(line));
  headers_.add(std::move(field.name), std::move(field.value));
  return {};
}

void HeadReader::restart() {
  bytes_ = 0;
  headers_ = {};
}

}  // namespace hoop::http
