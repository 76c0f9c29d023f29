// SPDX-License-Identifier: Apache-2.0
// The places of JSON values that masks name: the part of JSONPath (RFC 9535) that needs no more of
// a document than the way to a value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::access {

/// From a value to values in it.
struct FieldStep {
  enum class Kind { name, any };
  Kind kind = Kind::any;
  bool descends = false;  // "..": from the value, and from whatever is in it
  std::string name;       // of kind name: the member's, decoded
  bool operator==(const FieldStep&) const = default;
};

/// "$", ".name", "['name']" (or in double quotes, with \\ and the quote as escapes), "[*]", ".*",
/// and each of these behind ".."; no step at all is the document itself. Fails with config, with a
/// hint, for anything else: an index, a filter, a name that needs quotes.
Result<std::vector<FieldStep>> parse_field_path(std::string_view path);
Result<void> check_field_path(std::string_view path);

}  // namespace hoop::access
