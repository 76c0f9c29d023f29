// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_confirm.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/mask/token_shape.h"

namespace hoop::mask {
namespace {

/// The end of the JSON string that at lies in: its closing quote, or the end of text.
std::size_t json_string_end(std::string_view text, std::size_t at) {
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at, text.size());
}

bool is_aws_secret(std::string_view token) {
  return std::ranges::any_of(token, is_upper) && std::ranges::any_of(token, is_lower) &&
         has_digit(token) && distinct(token) >= 16;
}

}  // namespace

std::optional<Span> confirm_private_key(std::string_view text, std::size_t begin,
                                        FieldShape shape) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kDashes = "-----";
  // A block that goes on in another string is two strings, and both must stay.
  if (shape == FieldShape::json) text = text.substr(0, json_string_end(text, begin));
  const std::size_t label_begin = begin + kBegin.size();
  const std::size_t label_end =
      run_end(text, label_begin, [](char c) { return is_upper(c) || is_digit(c) || c == ' '; });
  const std::string_view label = text.substr(label_begin, label_end - label_begin);
  if (label.find("PRIVATE KEY") == std::string_view::npos || label.size() > 64) return std::nullopt;
  if (!text.substr(label_end).starts_with(kDashes)) return std::nullopt;
  const std::size_t body = label_end + kDashes.size();
  const std::size_t closing = text.find("-----END ", body);
  if (closing != std::string_view::npos) {
    const std::size_t dashes = text.find(kDashes, closing + kDashes.size());
    const std::string_view line =
        text.substr(closing, dashes == std::string_view::npos ? dashes : dashes - closing);
    // The END of another block further down would swallow what stands between: take it only with
    // our label.
    if (dashes != std::string_view::npos && line.substr(9) == label)
      return Span{begin, dashes + kDashes.size()};
  }
  return Span{begin, text.size()};
}

std::optional<Span> confirm_aws_access_key(std::string_view text, std::size_t begin) {
  constexpr std::size_t kSize = 20;
  const std::size_t end = run_end(text.substr(0, std::min(text.size(), begin + kSize + 1)), begin,
                                  [](char c) { return is_upper(c) || is_digit(c); });
  if (end - begin != kSize || !begins_word(text, begin) || !ends_word(text, end))
    return std::nullopt;
  if (distinct(text.substr(begin + 4, kSize - 4)) < 5) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> find_aws_secret_key(std::string_view text, std::size_t from,
                                        std::size_t reach) {
  constexpr std::size_t kSize = 40;
  const std::size_t last = std::min(text.size(), from + reach);
  const std::string_view window = text.substr(0, std::min(text.size(), last + kSize + 1));
  for (std::size_t at = from; at < last;) {
    if (!is_base64(window[at])) {
      ++at;
      continue;
    }
    // After an escape like \n the letter is no part of the token.
    const std::size_t begin = is_escape_letter(window, at) ? at + 1 : at;
    const std::size_t end = run_end(window, begin, is_base64);
    const bool padded =
        end < text.size() && text[end] == '=' && end + 1 < text.size() && is_base64(text[end + 1]);
    if (end - begin == kSize && !padded && is_aws_secret(window.substr(begin, kSize)))
      return Span{begin, end};
    at = std::max(end, at + 1);
  }
  return std::nullopt;
}

std::optional<Span> confirm_github_token(std::string_view text, std::size_t begin,
                                         std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  const std::size_t body = begin + literal;
  const std::size_t end = token_end(text, body, [](char c) { return is_alnum(c) || c == '_'; });
  if (end - body < 36 || !looks_random(text.substr(body, end - body))) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> confirm_slack_token(std::string_view text, std::size_t begin) {
  constexpr std::size_t kPrefix = 5;
  if (!begins_token(text, begin)) return std::nullopt;
  const std::size_t body = begin + kPrefix;
  // A dash may stand in a token and before one, so the next literal's look goes over the same bytes
  // again: keep it short.
  constexpr std::size_t kMost = 256;
  std::size_t end =
      token_end(text, body, [](char c) { return is_alnum(c) || c == '-' || c == '.'; }, kMost);
  while (end > body && !is_alnum(text[end - 1])) --end;
  if (end - body < 15 || !looks_random(text.substr(body, end - body))) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> confirm_slack_webhook(std::string_view text, std::size_t host,
                                          std::size_t literal) {
  std::size_t at = host + literal;
  const auto starts = [&](std::string_view word) { return text.substr(at).starts_with(word); };
  if (!starts("services/") && !starts("workflows/") && !starts("triggers/")) return std::nullopt;
  const std::size_t path = text.find('/', at) + 1;
  const std::size_t end =
      token_end(text, path, [](char c) { return is_alnum(c) || c == '/' || c == '_'; });
  const std::string_view secret = text.substr(path, end - path);
  if (secret.size() < 20 || std::ranges::count(secret, '/') < 2 || !looks_random(secret))
    return std::nullopt;
  std::size_t begin = host;
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.substr(0, host).ends_with(scheme)) begin = host - scheme.size();
  }
  return Span{begin, end};
}

std::optional<Span> confirm_stripe_key(std::string_view text, std::size_t begin,
                                       std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  const std::size_t body = begin + literal;
  const bool webhook = text.substr(begin).starts_with("whsec_");
  const std::size_t end = token_end(
      text, body, [&](char c) { return is_alnum(c) || (webhook && (is_base64(c) || c == '=')); });
  if (end - body < 16 || !looks_random(text.substr(body, end - body))) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> confirm_jwt(std::string_view text, std::size_t begin) {
  if (begin > 0 && is_base64url(text[begin - 1]) && !is_escape_letter(text, begin - 1))
    return std::nullopt;
  const std::size_t header_end = token_end(text, begin, is_base64url);
  if (header_end >= text.size() || text[header_end] != '.') return std::nullopt;
  const auto header = from_base64url(text.substr(begin, header_end - begin));
  if (!header || header->empty() || header->front() != '{' || header->back() != '}')
    return std::nullopt;
  if (as_text(*header).find("\"alg\"") == std::string_view::npos) return std::nullopt;
  // A JWS has three parts, of which the last is empty when it is unsigned; a JWE has five, and the
  // second may be empty.
  const std::size_t most = as_text(*header).find("\"enc\"") == std::string_view::npos ? 3 : 5;
  std::size_t parts = 1;
  std::size_t end = header_end;
  for (; parts < most && end < text.size() && text[end] == '.'; ++parts)
    end = run_end(text, end + 1, is_base64url);
  if (parts < 3) return std::nullopt;
  return Span{begin, end};
}

}  // namespace hoop::mask
