// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

#include <cstdio>
#include <cstdlib>

namespace hoop {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return "usage";
    case ErrorCode::config: return "config";
    case ErrorCode::unauthenticated: return "unauthenticated";
    case ErrorCode::denied: return "denied";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::malformed: return "malformed";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::upstream_unreachable: return "upstream_unreachable";
    case ErrorCode::upstream_refused: return "upstream_refused";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::io: return "io";
    case ErrorCode::storage: return "storage";
    case ErrorCode::integrity: return "integrity";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

Error Error::within(std::string_view context) const& { return Error(*this).within(context); }

Error Error::within(std::string_view context) && {
  message = std::string(context) + ": " + message;
  return std::move(*this);
}

Error Error::with_hint(std::string text) && {
  hint = std::move(text);
  return std::move(*this);
}

void assertion_failed(const char* what, const char* file, int line) {
  std::fprintf(stderr, "hoopctl: internal error: %s (%s:%d)\n", what, file, line);
  std::abort();
}

}  // namespace hoop
