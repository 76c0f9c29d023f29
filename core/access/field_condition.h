// SPDX-License-Identifier: Apache-2.0
// What rules say of named values: parameters of a URL, fields of a body.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/access/pattern.h"

namespace hoop::access {

/// Kinds of resources whose names are "name=value". A request without parameters has the one
/// "absent".
inline constexpr std::string_view kQueryKey = "query";
inline constexpr std::string_view kJsonKey = "json";
/// The attribute that says what a body is, and its value for one that nobody can read.
inline constexpr std::string_view kBodyKey = "body";
inline constexpr std::string_view kOpaqueBody = "opaque";

/// "role=admin" and "items[].sku=X*", in which '*' stands for any run of characters; "amount >
/// 1000", with blanks around the sign; "absent"; "*".
class FieldCondition {
 public:
  explicit FieldCondition(std::string_view text);
  Pattern::Fit fit(std::string_view name_and_value) const;

 private:
  std::string pattern_;  // of the whole, or of the name before a comparison
  std::optional<Pattern> comparison_;
};

/// Fails with config for what could never match.
Result<void> check_field_condition(std::string_view text);

}  // namespace hoop::access
