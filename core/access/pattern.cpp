// SPDX-License-Identifier: Apache-2.0
#include "core/access/pattern.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "core/access/policy.h"

namespace hoop::access {
namespace {

/// Digits only; above 64 bits it saturates, so that no number is small because it is long.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
  }
  return value;
}

std::string_view number_of(std::string_view comparison) {
  comparison.remove_prefix(comparison.substr(0, 2) == "<=" || comparison.substr(0, 2) == ">=" ? 2
                                                                                              : 1);
  while (comparison.starts_with(' ')) comparison.remove_prefix(1);
  return comparison;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view name) {
  // Greedy with one remembered star: linear in practice, never exponential.
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_comparison(std::string_view text) { return text.starts_with('<') || text.starts_with('>'); }

Result<void> check_comparison(std::string_view text) {
  if (parse_number(number_of(text))) return {};
  return fail(ErrorCode::config,
              "'" + std::string(text) + "' compares with something that is not a whole number",
              "write it like \"<= 1000\"");
}

Pattern::Pattern(std::string_view text) : text_(text) {
  const auto number = is_comparison(text) ? parse_number(number_of(text)) : std::nullopt;
  if (number) {
    number_ = *number;
    const bool equal = text.size() > 1 && text[1] == '=';
    kind_ = text[0] == '<' ? (equal ? Kind::at_most : Kind::less)
                           : (equal ? Kind::at_least : Kind::more);
    return;
  }
  const auto star = text.find('*');
  if (star == std::string_view::npos) return;
  if (star + 1 != text.size()) {
    kind_ = Kind::glob;
    return;
  }
  kind_ = star == 0 ? Kind::any : Kind::prefix;
  text_.pop_back();
}

Pattern::Fit Pattern::fit(std::string_view value) const {
  const auto answer = [](bool yes) { return yes ? Fit::yes : Fit::no; };
  switch (kind_) {
    case Kind::any: return Fit::yes;
    case Kind::literal: return answer(value == text_);
    case Kind::prefix: return answer(value.starts_with(text_));
    case Kind::glob: return answer(glob_matches(text_, value));
    case Kind::less:
    case Kind::at_most:
    case Kind::more:
    case Kind::at_least: break;
  }
  if (value == "absent") return Fit::no;
  const auto number = parse_number(value);
  if (!number) return Fit::unknown;
  if (kind_ == Kind::less) return answer(*number < number_);
  if (kind_ == Kind::at_most) return answer(*number <= number_);
  if (kind_ == Kind::more) return answer(*number > number_);
  return answer(*number >= number_);
}

}  // namespace hoop::access
