// SPDX-License-Identifier: Apache-2.0
#include "core/mask/assignment.h"

#include <array>

#include "core/mask/json_shape.h"
#include "core/mask/token_shape.h"

namespace hoop::mask {
namespace {

constexpr std::size_t kMostUserInfo = 512;
constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostValue = 512;
constexpr std::size_t kLeastSecret = 12;
constexpr std::size_t kSettingsReach = 160;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_quote(char c) { return c == '"' || c == '\'' || c == '`'; }
bool is_control(char c) { return static_cast<unsigned char>(c) <= 0x20; }

/// What documentation and templates write in the place of a secret.
bool is_placeholder(std::string_view value) {
  if (value.empty()) return true;
  const std::string_view marks = "$<{[*%";
  if (marks.find(value.front()) != std::string_view::npos) return true;
  return distinct(value) == 1;
}

char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool ends_in(std::string_view name, std::string_view word) {
  if (name.size() < word.size()) return false;
  const std::string_view tail = name.substr(name.size() - word.size());
  return std::ranges::equal(tail, word, [](char a, char b) { return lower(a) == b; });
}

/// secret_name, token-url, passwordFile: what is given to these is no secret.
bool names_something_else(std::string_view name) {
  static constexpr std::array<std::string_view, 25> kOthers{
      "name",   "id",     "path",    "file", "url",  "uri",     "type",     "length", "expiry",
      "ttl",    "arn",    "version", "hint", "host", "address", "endpoint", "ref",    "status",
      "issuer", "policy", "count",   "size", "at",   "date",    "izer"};
  return std::ranges::any_of(kOthers, [&](std::string_view word) { return ends_in(name, word); });
}

/// Letters and digits that alternate, or capitals in the middle of others: a sentence, an
/// identifier with a year at its end and a number are not random.
bool looks_assigned(std::string_view value) {
  if (value.size() < kLeastSecret || distinct(value) < 8 || !has_digit(value)) return false;
  std::size_t turns = 0;
  for (std::size_t i = 1; i < value.size(); ++i) {
    const char before = value[i - 1], here = value[i];
    if ((is_digit(here) && is_letter(before)) || (is_letter(here) && is_digit(before))) ++turns;
    if (i + 1 == value.size() || !is_upper(here)) continue;
    if ((is_upper(before) && is_lower(value[i + 1])) ||
        (is_lower(before) && is_upper(value[i + 1])))
      ++turns;
  }
  return turns >= 3;
}

bool is_value(char c) { return is_base64url(c) || c == '+' || c == '/' || c == '.' || c == '~'; }

/// Past blanks, and a backslash and a quote, as JSON in JSON has them.
std::size_t past_quote(std::string_view text, std::size_t at) {
  if (at < text.size() && text[at] == '\\') ++at;
  if (at < text.size() && is_quote(text[at])) ++at;
  return at;
}

}  // namespace

std::optional<Span> find_url_password(std::string_view text, std::size_t begin,
                                      std::size_t literal) {
  if (begin == 0 || !is_alnum(text[begin - 1])) return std::nullopt;
  const std::size_t authority = begin + literal;
  const std::size_t end = token_end(
      text, authority,
      [](char c) {
        return !is_control(c) && !is_quote(c) && c != '/' && c != '?' && c != '#' && c != '<' &&
               c != '>' && c != '\\';
      },
      kMostUserInfo);
  const std::string_view whole = text.substr(authority, end - authority);
  // A password with an '@' in it should be written otherwise, and often is not.
  const std::size_t at = whole.rfind('@');
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t colon = whole.substr(0, at).find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view password = whole.substr(colon + 1, at - colon - 1);
  if (is_placeholder(password)) return std::nullopt;
  return Span{authority + colon + 1, authority + at};
}

std::optional<Span> find_setting_password(std::string_view text, std::size_t begin,
                                          std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  const std::size_t from = begin > kSettingsReach ? begin - kSettingsReach : 0;
  const std::string_view around = text.substr(from, kSettingsReach + literal + kSettingsReach);
  static constexpr std::array<std::string_view, 8> kNeighbours{
      "host=", "server=", "dbname=", "database=", "data source=", "user id=", "uid=", "user="};
  const auto has = [&](std::string_view word) {
    return std::ranges::search(around, word, [](char a, char b) { return lower(a) == b; }).size() >
           0;
  };
  if (!std::ranges::any_of(kNeighbours, has)) return std::nullopt;
  std::size_t value = begin + literal;
  // In JSON a double quote ends the string that all of this stands in.
  const bool quoted = value < text.size() && (text[value] == '\'' || text[value] == '"');
  const char quote = quoted ? text[value] : '\0';
  if (quote == '"' && looks_like_json(text)) return std::nullopt;
  if (quoted) ++value;
  const std::size_t end = token_end(
      text, value,
      [&](char c) {
        if (quoted) return c != quote && c != '"' && c != '\\' && c != '\n';
        return !is_control(c) && c != ';' && c != '&' && !is_quote(c) && c != '\\' && c != ',';
      },
      kMostValue);
  if (is_placeholder(text.substr(value, end - value))) return std::nullopt;
  return Span{value, end};
}

std::optional<Span> find_assigned_secret(std::string_view text, std::size_t begin,
                                         std::size_t literal) {
  std::size_t at = begin + literal;
  at = token_end(text, at, [](char c) { return is_alnum(c) || c == '_' || c == '-'; }, kMostName);
  if (names_something_else(text.substr(begin, at - begin))) return std::nullopt;
  at = past_quote(text, at);
  at = token_end(text, at, is_blank, kMostName);
  if (at >= text.size() || (text[at] != '=' && text[at] != ':')) return std::nullopt;
  at = token_end(text, at, [](char c) { return c == '=' || c == ':' || c == '>'; }, 3);
  at = token_end(text, at, is_blank, kMostName);
  at = past_quote(text, at);
  std::size_t end = token_end(text, at, is_value, kMostValue);
  if (end < text.size() && text[end] == '(') return std::nullopt;  // a call
  while (end > at && text[end - 1] == '.') --end;
  // base64's padding
  const std::size_t padded = token_end(text, end, [](char c) { return c == '='; }, 2);
  if (padded == text.size() || !is_alnum(text[padded])) end = padded;
  if (!looks_assigned(text.substr(at, end - at))) return std::nullopt;
  return Span{at, end};
}

std::optional<Span> find_bearer(std::string_view text, std::size_t begin, std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  const std::size_t value = begin + literal;
  const std::size_t end =
      token_end(text, value, [](char c) { return is_value(c) || c == '='; }, kMostToken);
  if (!looks_assigned(text.substr(value, end - value))) return std::nullopt;
  return Span{value, end};
}

}  // namespace hoop::mask
