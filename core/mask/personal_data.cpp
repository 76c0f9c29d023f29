// SPDX-License-Identifier: Apache-2.0
#include "core/mask/personal_data.h"

#include <algorithm>

namespace hoop::mask {
namespace {

constexpr std::size_t kMostLocal =
    256;  // RFC 5321 says 64; more is tolerated, without end it would be quadratic
constexpr std::size_t kMostDomain = 255;  // RFC 5321 §4.5.3.1.2

bool is_local(char c) {
  return is_alnum(c) || c == '.' || c == '_' || c == '%' || c == '+' || c == '-' || c == '\'';
}
bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// The start of the code point that ends before at, if it may stand in a word: letters of the
/// two-byte range (from U+00C0 on), so that ideographic text around an address stays out of it;
/// with Script::any all others too.
enum class Script { near_latin, any };
std::optional<std::size_t> letter_before(std::string_view text, std::size_t at, std::size_t least,
                                         Script script) {
  std::size_t begin = at - 1;
  while (begin > least && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80) --begin;
  const auto lead = static_cast<unsigned char>(text[begin]);
  const bool whole = lead >= 0xC3 && (lead < 0xE0   ? at - begin == 2
                                      : lead < 0xF0 ? at - begin == 3
                                                    : at - begin == 4);
  if (!whole || (script == Script::near_latin && lead >= 0xE0)) return std::nullopt;
  return begin;
}

std::size_t letter_end(std::string_view text, std::size_t at, Script script) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0xC3 || (script == Script::near_latin && lead >= 0xE0)) return at;
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return at + size <= text.size() ? at + size : at;
}

std::size_t local_begin(std::string_view text, std::size_t at) {
  const std::size_t least = at > kMostLocal ? at - kMostLocal : 0;
  const auto walk = [&](Script script) {
    std::size_t begin = at;
    while (begin > least) {
      if (is_local(text[begin - 1])) {
        --begin;
        continue;
      }
      if (!is_high(text[begin - 1])) break;
      const auto letter = letter_before(text, begin, least, script);
      if (!letter) break;
      begin = *letter;
    }
    return begin;
  };
  const std::size_t begin = walk(Script::near_latin);
  return begin == at ? walk(Script::any) : begin;
}

std::size_t domain_end(std::string_view text, std::size_t begin) {
  const std::size_t most = std::min(text.size(), begin + kMostDomain);
  const auto walk = [&](Script script) {
    std::size_t end = begin;
    while (end < most) {
      if (is_alnum(text[end]) || text[end] == '-' || text[end] == '.') {
        ++end;
        continue;
      }
      const std::size_t next = is_high(text[end]) ? letter_end(text, end, script) : end;
      if (next == end) break;
      end = next;
    }
    return end;
  };
  const std::size_t end = walk(Script::near_latin);
  return end == begin ? walk(Script::any) : end;
}

/// Cuts domain to the longest front that is a host name: labels without a dash at an end, two or
/// more, the last with letters.
std::size_t domain_size(std::string_view domain) {
  if (const auto twice = domain.find(".."); twice != std::string_view::npos)
    domain = domain.substr(0, twice);
  while (!domain.empty() && (domain.back() == '.' || domain.back() == '-')) domain.remove_suffix(1);
  if (domain.empty() || domain.front() == '.' || domain.front() == '-') return 0;
  const auto dot = domain.rfind('.');
  if (dot == std::string_view::npos) return 0;
  const std::string_view top = domain.substr(dot + 1);
  const bool lettered = top.size() >= 2 && (is_letter(top[0]) || is_high(top[0])) &&
                        !std::ranges::all_of(top, is_digit);
  if (!lettered || domain.find(".-") != std::string_view::npos ||
      domain.find("-.") != std::string_view::npos)
    return 0;
  return domain.size();
}

}  // namespace

std::optional<Span> find_email(std::string_view text, std::size_t at) {
  std::size_t begin = local_begin(text, at);
  // Quotes and dots around an address are the sentence's.
  while (begin < at && (text[begin] == '\'' || text[begin] == '.')) ++begin;
  if (begin == at || text[at - 1] == '.') return std::nullopt;
  const std::size_t size = domain_size(text.substr(at + 1, domain_end(text, at + 1) - at - 1));
  if (size == 0) return std::nullopt;
  return Span{begin, at + 1 + size};
}

std::optional<Span> find_ssn(std::string_view text, std::size_t begin) {
  constexpr std::size_t kSize = 11;
  if (begin + kSize > text.size()) return std::nullopt;
  const std::string_view number = text.substr(begin, kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    if (i == 3 || i == 6 ? number[i] != '-' : !is_digit(number[i])) return std::nullopt;
  }
  const std::string_view area = number.substr(0, 3);
  if (area == "000" || area == "666" || area[0] == '9' || number.substr(4, 2) == "00" ||
      number.substr(7) == "0000")
    return std::nullopt;
  const std::size_t end = begin + kSize;
  if (!begins_word(text, begin) || !ends_word(text, end)) return std::nullopt;
  const auto joins = [](char c) { return c == '-' || c == '.' || c == '_'; };
  if (begin > 1 && joins(text[begin - 1]) && is_alnum(text[begin - 2])) return std::nullopt;
  if (end + 1 < text.size() && joins(text[end]) && is_alnum(text[end + 1])) return std::nullopt;
  return Span{begin, end};
}

}  // namespace hoop::mask
