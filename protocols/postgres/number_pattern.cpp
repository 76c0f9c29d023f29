// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/number_pattern.h"

#include <algorithm>

namespace hoop::postgres {
namespace {

constexpr char kNumber = '\x01';
constexpr std::size_t kMostDigits = 9;  // below 2^31: an integer constant, and no numeric one

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool goes_on_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }

std::size_t run_end(std::string_view sql, std::size_t at, bool (*predicate)(char)) {
  while (at < sql.size() && predicate(sql[at])) ++at;
  return at;
}

/// Past the quote that ends what the one at at begins; a quote that is doubled stands for itself.
/// npos: none does.
std::size_t quoted_end(std::string_view sql, std::size_t at) {
  const char quote = sql[at];
  for (++at; at < sql.size(); ++at) {
    if (sql[at] != quote) continue;
    if (at + 1 < sql.size() && sql[at + 1] == quote) {
      ++at;
      continue;
    }
    return at + 1;
  }
  return std::string_view::npos;
}

bool is_float(std::string_view word) {
  constexpr std::string_view kFloat = "float";
  return std::ranges::equal(word, kFloat, [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
  });
}

/// The end of the token at at; npos where the pattern ends.
std::size_t token_end(std::string_view sql, std::size_t at) {
  constexpr auto kUnsure = std::string_view::npos;
  const char c = sql[at];
  const char next = at + 1 < sql.size() ? sql[at + 1] : '\0';
  if (c == kNumber) return kUnsure;
  if (starts_word(c)) {
    const std::size_t end = run_end(sql, at, goes_on_word);
    // E'…', U&"…" and their like.
    const bool prefixes = end < sql.size() && (sql[end] == '\'' || sql[end] == '"' ||
                                               (sql[end] == '&' && end - at == 1));
    return prefixes || is_float(sql.substr(at, end - at)) ? kUnsure : end;
  }
  if (is_digit(c)) {
    const std::size_t end = run_end(sql, at, is_digit);
    const bool more = end < sql.size() && (goes_on_word(sql[end]) || sql[end] == '.');
    return more ? kUnsure : end;
  }
  if (c == '$') return is_digit(next) ? run_end(sql, at + 1, is_digit) : kUnsure;
  if (c == '\'' || c == '"') return quoted_end(sql, at);
  if ((c == '-' && next == '-') || (c == '/' && next == '*')) return kUnsure;
  if (c == '.' && is_digit(next)) return kUnsure;
  return at + 1;
}

}  // namespace

std::optional<std::string> number_pattern(std::string_view sql) {
  std::string out;
  out.reserve(sql.size());
  for (std::size_t at = 0; at < sql.size();) {
    const std::size_t end = token_end(sql, at);
    if (end == std::string_view::npos) return std::nullopt;
    if (is_digit(sql[at]) && sql[at] != '0' && end - at <= kMostDigits) {
      out.push_back(kNumber);
    } else {
      out.append(sql.substr(at, end - at));
    }
    at = end;
  }
  return out;
}

}  // namespace hoop::postgres
