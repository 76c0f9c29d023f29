// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/origin_rewriter.h"

#include <algorithm>

namespace hoop::http_target {
namespace {

bool goes_on(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == ':' || c == '@';
}

void append_text(Bytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

}  // namespace

void OriginRewriter::take(ByteSpan piece, Bytes& out) {
  held_.append(as_text(piece));
  pass(false, out);
}

void OriginRewriter::finish(Bytes& out) { pass(true, out); }

void OriginRewriter::pass(bool is_end, Bytes& out) {
  std::string_view rest = held_;
  for (;;) {
    const auto at = rest.find(from_);
    if (at == std::string_view::npos) break;
    const std::size_t behind = at + from_.size();
    if (behind == rest.size() && !is_end) break;  // whether it ends there is not known yet
    append_text(out, rest.substr(0, at));
    const bool is_whole = behind == rest.size() || !goes_on(rest[behind]);
    append_text(out, is_whole ? to_ : from_);
    rest.remove_prefix(behind);
  }
  // What could be the beginning of one stays.
  const std::size_t kept = is_end ? 0 : std::min(rest.size(), from_.size());
  append_text(out, rest.substr(0, rest.size() - kept));
  held_ = std::string(rest.substr(rest.size() - kept));
}

}  // namespace hoop::http_target
