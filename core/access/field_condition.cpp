// SPDX-License-Identifier: Apache-2.0
#include "core/access/field_condition.h"

#include <array>

#include "core/access/policy.h"

namespace hoop::access {
namespace {

constexpr std::array<std::string_view, 4> kSigns{" <= ", " >= ", " < ", " > "};

/// Where a comparison's sign begins, with its blank; npos: there is none.
std::size_t sign_of(std::string_view text) {
  for (const std::string_view sign : kSigns) {
    const auto at = text.find(sign);
    if (at != std::string_view::npos && text.substr(0, at).find('=') == std::string_view::npos)
      return at;
  }
  return std::string_view::npos;
}

}  // namespace

FieldCondition::FieldCondition(std::string_view text) {
  const auto sign = sign_of(text);
  pattern_ = text.substr(0, sign);
  if (sign != std::string_view::npos) comparison_.emplace(text.substr(sign + 1));
}

Pattern::Fit FieldCondition::fit(std::string_view name_and_value) const {
  if (!comparison_)
    return glob_matches(pattern_, name_and_value) ? Pattern::Fit::yes : Pattern::Fit::no;
  const auto equals = name_and_value.find('=');
  if (equals == std::string_view::npos || !glob_matches(pattern_, name_and_value.substr(0, equals)))
    return Pattern::Fit::no;
  const std::string_view value = name_and_value.substr(equals + 1);
  // Pattern takes a word for what is not there; a value is always there, and this one no number.
  return value == "absent" ? Pattern::Fit::unknown : comparison_->fit(value);
}

Result<void> check_field_condition(std::string_view text) {
  if (text == "*" || text == "absent") return {};
  if (const auto sign = sign_of(text); sign != std::string_view::npos)
    return check_comparison(text.substr(sign + 1));
  if (text.find('=') != std::string_view::npos) return {};
  return fail(ErrorCode::config,
              "'" + std::string(text) + "' has no value, so it would never match",
              "like \"role=admin\", \"role=*\", \"amount > 1000\"");
}

}  // namespace hoop::access
