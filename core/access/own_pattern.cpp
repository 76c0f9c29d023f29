// SPDX-License-Identifier: Apache-2.0
#include "core/access/own_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace hoop::access {
namespace {

// The program and the states that it is run with; RE2 goes on more slowly, and as exactly, where
// the states do not fit.
constexpr std::int64_t kMostMemory = 2 << 20;
constexpr std::size_t kMostExpression = 4096;

re2::RE2::Options options() {
  re2::RE2::Options out;
  out.set_log_errors(false);  // it would print the expression
  out.set_max_mem(kMostMemory);
  return out;
}

/// \C fits one byte, which may be a part of a character.
bool fits_bytes(std::string_view expression) {
  for (std::size_t at = 0; at + 1 < expression.size(); ++at) {
    if (expression[at] != '\\') continue;
    if (expression[++at] == 'C') return true;
  }
  return false;
}

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct OwnPatternFinder::Compiled {
  explicit Compiled(std::string_view expression) : regex(piece(expression), options()) {}
  re2::RE2 regex;
};

Result<OwnPatternFinder> OwnPatternFinder::compile(std::string_view expression) {
  if (expression.size() > kMostExpression)
    return fail(ErrorCode::config,
                fmt::format("the expression is longer than {} bytes", kMostExpression));
  auto compiled = std::make_shared<Compiled>(expression);
  const re2::RE2& regex = compiled->regex;
  if (!regex.ok())
    return fail(ErrorCode::config, fmt::format("RE2 cannot read the expression: {}", regex.error()),
                "the syntax is RE2's: no look-around and no back references");
  if (fits_bytes(expression))
    return fail(ErrorCode::config, "the expression fits bytes and not characters",
                "write '.' in the place of '\\C'");
  if (re2::RE2::PartialMatch("", regex))
    return fail(ErrorCode::config, "the expression fits an empty text, and so every text",
                "it must ask for at least one character");
  return OwnPatternFinder(std::move(compiled));
}

void OwnPatternFinder::find(std::string_view text, std::vector<Range>& ranges) const {
  const re2::StringPiece whole = piece(text);
  for (std::size_t at = 0; at < text.size();) {
    re2::StringPiece found;
    if (!compiled_->regex.Match(whole, at, text.size(), re2::RE2::UNANCHORED, &found, 1)) return;
    const auto begin = static_cast<std::size_t>(found.data() - text.data());
    if (found.empty()) {  // \b alone: nothing that could be hidden
      at = begin + 1;
      continue;
    }
    ranges.emplace_back(begin, begin + found.size());
    at = begin + found.size();
  }
}

}  // namespace hoop::access
