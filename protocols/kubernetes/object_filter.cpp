// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/object_filter.h"

#include "protocols/kubernetes/json_document.h"

namespace hoop::kubernetes {

Result<void> ObjectFilter::pass(std::string_view document, Bytes& out) {
  if (document.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    out.insert(out.end(), document.begin(), document.end());
    return {};
  }
  HOOP_TRY(const std::string masked, masker_.mask(document));
  out.insert(out.end(), masked.begin(), masked.end());
  if (document.ends_with('\n') && !masked.ends_with('\n')) out.push_back('\n');
  return {};
}

Result<void> ObjectFilter::take(ByteSpan piece, Bytes& out) {
  held_.append(as_text(piece));
  if (is_watch_) {
    std::string_view rest = held_;
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      HOOP_CHECK(pass(rest.substr(0, end + 1), out));
      rest.remove_prefix(end + 1);
    }
    held_.erase(0, held_.size() - rest.size());
  }
  if (held_.size() > kMostDocumentBytes)
    return fail(ErrorCode::too_large, "an object or a list is longer than 16 MiB");
  return {};
}

Result<void> ObjectFilter::finish(Bytes& out) {
  if (held_.empty()) return {};
  const std::string last = std::exchange(held_, {});
  return pass(last, out);
}

}  // namespace hoop::kubernetes
