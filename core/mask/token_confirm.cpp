// SPDX-License-Identifier: Apache-2.0
#include "core/mask/token_confirm.h"

#include "core/mask/token_shape.h"

namespace hoop::mask {
namespace {

constexpr std::size_t kTwilioDigits = 32;
constexpr std::size_t kTwilioReach = 48;
// A shared access signature's query is a few hundred characters.
constexpr std::size_t kQueryReach = 512;
// Hashes may stand inside one another's characters ($), so the next literal's look goes over the
// same bytes again.
constexpr std::size_t kMostHash = 512;

bool is_crypt(char c) { return is_alnum(c) || c == '.' || c == '/'; }

/// Exactly count characters of a kind, random, and none of it before or behind.
template <class Predicate>
std::optional<Span> exactly(std::string_view text, std::size_t begin, std::size_t body,
                            std::size_t count, Predicate predicate) {
  const std::size_t end = token_end(text, body, predicate, count + 1);
  if (end - body != count || !looks_random(text.substr(body, count))) return std::nullopt;
  return Span{begin, end};
}

template <class Predicate>
std::optional<Span> at_least(std::string_view text, std::size_t begin, std::size_t body,
                             std::size_t count, Predicate predicate) {
  std::size_t end = token_end(text, body, predicate, kMostHash);
  // What ends a sentence is not the token's.
  while (end > body && !is_alnum(text[end - 1]) && text[end - 1] != '_' && text[end - 1] != '-')
    --end;
  if (end - body < count || !looks_random(text.substr(body, end - body))) return std::nullopt;
  return Span{begin, end};
}

}  // namespace

std::optional<Span> confirm_google_key(std::string_view text, std::size_t begin,
                                       std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  const std::string_view rest = text.substr(begin);
  const std::size_t body = begin + literal;
  if (rest.starts_with("AIza")) return exactly(text, begin, body, 35, is_base64url);
  if (rest.starts_with("GOCSPX-")) return exactly(text, begin, body, 28, is_base64url);
  return at_least(text, begin, body, 30, [](char c) { return is_base64url(c) || c == '.'; });
}

std::optional<Span> find_azure_account_key(std::string_view text, std::size_t begin,
                                           std::size_t literal) {
  const std::size_t value = begin + literal;
  const std::size_t end = token_end(text, value, is_base64, 128);
  const std::size_t size = end - value;
  if (size != 86 && size != 43) return std::nullopt;
  if (!looks_random(text.substr(value, size))) return std::nullopt;
  const std::size_t padding = run_end(text, end, [](char c) { return c == '='; });
  if (padding - end != (size == 86 ? 2 : 1)) return std::nullopt;
  return Span{value, padding};
}

std::optional<Span> confirm_azure_client_secret(std::string_view text, std::size_t begin,
                                                std::size_t literal) {
  constexpr std::size_t kBefore = 3;
  const auto is_secret = [](char c) { return is_base64url(c) || c == '~' || c == '.'; };
  if (begin < kBefore || (begin > kBefore && is_secret(text[begin - kBefore - 1])))
    return std::nullopt;
  if (!std::ranges::all_of(text.substr(begin - kBefore, kBefore), is_secret)) return std::nullopt;
  const std::size_t body = begin + literal;
  std::size_t end = token_end(text, body, is_secret, 40);
  if (end > body && text[end - 1] == '.') --end;
  if (end - body < 31 || end - body > 34 || !looks_random(text.substr(body, end - body)))
    return std::nullopt;
  return Span{begin - kBefore, end};
}

std::optional<Span> find_azure_signature(std::string_view text, std::size_t begin,
                                         std::size_t literal) {
  if (begin == 0 || (text[begin - 1] != '&' && text[begin - 1] != '?')) return std::nullopt;
  const std::size_t value = begin + literal;
  const std::size_t end =
      token_end(text, value, [](char c) { return is_base64(c) || c == '%' || c == '='; }, 128);
  // 32 bytes are 43 characters and a padding, some of them as %XX.
  if (end - value < 44 || !looks_random(text.substr(value, end - value))) return std::nullopt;
  const std::size_t from = begin > kQueryReach ? begin - kQueryReach : 0;
  const std::string_view around = text.substr(from, end + kQueryReach - from);
  if (around.find("sv=") == std::string_view::npos && around.find("se=") == std::string_view::npos)
    return std::nullopt;
  return Span{value, end};
}

std::optional<Span> confirm_gitlab_token(std::string_view text, std::size_t begin,
                                         std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  return at_least(text, begin, begin + literal, 20,
                  [](char c) { return is_base64url(c) || c == '.'; });
}

std::optional<Span> confirm_npm_token(std::string_view text, std::size_t begin,
                                      std::size_t literal) {
  if (!begins_token(text, begin)) return std::nullopt;
  return exactly(text, begin, begin + literal, 36, is_alnum);
}

std::optional<Span> confirm_twilio_key(std::string_view text, std::size_t begin,
                                       std::size_t /*literal*/) {
  constexpr std::size_t kLetters = 2;
  if (!begins_token(text, begin)) return std::nullopt;
  const auto key = exactly(text, begin, begin + kLetters, kTwilioDigits, is_lower_hex);
  if (!key || !ends_word(text, key->end)) return std::nullopt;
  return key;
}

std::optional<Span> find_twilio_token(std::string_view text, std::size_t begin,
                                      std::size_t literal) {
  const std::size_t from = begin + literal;
  const std::size_t last = std::min(text.size(), from + kTwilioReach);
  for (std::size_t at = from; at < last;) {
    if (!is_lower_hex(text[at])) {
      ++at;
      continue;
    }
    const std::size_t end = token_end(text, at, is_lower_hex, kTwilioDigits + 1);
    if (end - at == kTwilioDigits && begins_token(text, at) && ends_word(text, end) &&
        looks_random(text.substr(at, kTwilioDigits)))
      return Span{at, end};
    at = end;
  }
  return std::nullopt;
}

std::optional<Span> confirm_bcrypt(std::string_view text, std::size_t begin, std::size_t literal) {
  constexpr std::size_t kBody = 53;  // 22 characters of salt, 31 of hash
  const std::size_t cost = begin + literal;
  const std::string_view rest = text.substr(std::min(cost, text.size()));
  if (rest.size() < 3 + kBody || !is_digit(rest[0]) || !is_digit(rest[1]) || rest[2] != '$')
    return std::nullopt;
  const std::size_t body = cost + 3;
  const std::size_t end = token_end(text, body, is_crypt, kBody);
  if (end - body != kBody || distinct(text.substr(body, kBody)) < 8) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> confirm_password_hash(std::string_view text, std::size_t begin,
                                          std::size_t literal) {
  constexpr std::size_t kLeast = 28;  // MD5-crypt: eight of salt, '$', 22 of hash
  if (text[begin] != '$' && !begins_token(text, begin)) return std::nullopt;
  const std::size_t body = begin + literal;
  // In a password file a colon ends the hash; the forms that have colons stand elsewhere.
  const bool colons = text[begin] != '$';
  const auto is_hash = [&](char c) {
    return is_crypt(c) || c == '$' || c == '=' || c == ',' || c == '+' || c == '-' || c == '_' ||
           (c == ':' && colons);
  };
  std::size_t end = token_end(text, body, is_hash, kMostHash);
  while (end > body && (text[end - 1] == ',' || text[end - 1] == ':' || text[end - 1] == '.'))
    --end;
  const std::string_view hash = text.substr(body, end - body);
  // Salt and hash are apart; a price or a shell's variable has no such thing.
  if (hash.size() < kLeast || hash.find('$') == std::string_view::npos || !looks_random(hash))
    return std::nullopt;
  const std::string_view last = hash.substr(hash.rfind('$') + 1);
  if (last.size() < 20) return std::nullopt;
  return Span{begin, end};
}

}  // namespace hoop::mask
