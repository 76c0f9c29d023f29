// SPDX-License-Identifier: Apache-2.0
// The target of a request in the one spelling that is judged and forwarded: percent-encodings are
// undone once, and what two servers could read differently is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::http_target {

struct RequestTarget {
  std::string path;   // as forwarded: only what must be is percent-encoded
  std::string plain;  // as judged: decoded, and without a '/' at its end but the first
  struct Parameter {
    std::string name;   // decoded
    std::string value;  // decoded; empty if there is no '='
    std::string text;   // as it came, but for ';', which is percent-encoded
  };
  std::vector<Parameter> parameters;  // in their order

  /// "/path?query": what reads the same again.
  std::string text() const;
};

/// target: in origin-form (core/http/url.h). Fails with malformed, with a hint, for a path with
/// empty or dot segments, an encoded slash, a backslash, ';', a control character, bytes that are
/// not UTF-8 or a percent-encoding within a percent-encoding; for a query with a NUL or of more
/// than 256 parameters.
Result<RequestTarget> read_request_target(std::string_view target);

/// Whether a path, as judged, is base or below it. An empty base holds every path.
bool is_below(std::string_view path, std::string_view base);

/// A path segment with everything percent-encoded that may not stand in one (RFC 3986 §3.3).
std::string encode_segment(std::string_view plain);

}  // namespace hoop::http_target
