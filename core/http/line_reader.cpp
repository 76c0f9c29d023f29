// SPDX-License-Identifier: Apache-2.0
#include "core/http/line_reader.h"

#include <algorithm>

namespace hoop::http {

Result<std::optional<std::string_view>> LineReader::next(ByteSpan& in, std::size_t budget) {
  if (complete_) {
    line_.clear();
    complete_ = false;
  }
  const auto allowed =
      as_text(in.first(std::min(in.size(), budget - std::min(budget, line_.size()))));
  const auto feed = allowed.find('\n');
  const auto count = feed == std::string_view::npos ? allowed.size() : feed + 1;
  line_.append(allowed.substr(0, count));
  in = in.subspan(count);
  if (feed == std::string_view::npos) {
    if (line_.size() >= budget) return fail(ErrorCode::too_large, "a line is too long");
    return std::optional<std::string_view>{};
  }
  complete_ = true;
  const auto cr = line_.find('\r');
  if (cr == std::string::npos) return fail(ErrorCode::malformed, "a line ends with a bare LF");
  if (cr + 2 != line_.size()) return fail(ErrorCode::malformed, "a CR is not followed by LF");
  return std::string_view(line_).substr(0, cr);
}

}  // namespace hoop::http
