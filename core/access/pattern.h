// SPDX-License-Identifier: Apache-2.0
// One value of a rule's condition, prepared so that judging an action needs no allocation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::access {

/// A literal, a glob, or a comparison with a number ("<= 1000", "> 1000").
class Pattern {
 public:
  enum class Fit { no, yes, unknown };

  explicit Pattern(std::string_view text);

  /// unknown: the pattern compares numbers and the value is neither a number nor "absent". A deny
  /// takes it for yes, an allow for no.
  Fit fit(std::string_view value) const;
  bool is_literal(std::string_view text) const { return kind_ == Kind::literal && text_ == text; }

 private:
  enum class Kind { any, literal, prefix, glob, less, at_most, more, at_least };
  Kind kind_ = Kind::literal;
  std::string text_;
  std::uint64_t number_ = 0;
};

/// True if text begins like a comparison: "<", "<=", ">", ">=".
bool is_comparison(std::string_view text);
/// Fails with config if the comparison has no whole number after it.
Result<void> check_comparison(std::string_view text);

}  // namespace hoop::access
