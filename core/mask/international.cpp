// SPDX-License-Identifier: Apache-2.0
#include "core/mask/international.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace hoop::mask {
namespace {

struct IbanCountry {
  std::string_view code;
  std::size_t size;
};

// Countries and lengths of ISO 13616.
constexpr std::array kIbanCountries{
    IbanCountry{"AD", 24}, IbanCountry{"AE", 23}, IbanCountry{"AL", 28}, IbanCountry{"AT", 20},
    IbanCountry{"AZ", 28}, IbanCountry{"BA", 20}, IbanCountry{"BE", 16}, IbanCountry{"BG", 22},
    IbanCountry{"BH", 22}, IbanCountry{"BI", 27}, IbanCountry{"BR", 29}, IbanCountry{"BY", 28},
    IbanCountry{"CH", 21}, IbanCountry{"CR", 22}, IbanCountry{"CY", 28}, IbanCountry{"CZ", 24},
    IbanCountry{"DE", 22}, IbanCountry{"DJ", 27}, IbanCountry{"DK", 18}, IbanCountry{"DO", 28},
    IbanCountry{"EE", 20}, IbanCountry{"EG", 29}, IbanCountry{"ES", 24}, IbanCountry{"FI", 18},
    IbanCountry{"FK", 18}, IbanCountry{"FO", 18}, IbanCountry{"FR", 27}, IbanCountry{"GB", 22},
    IbanCountry{"GE", 22}, IbanCountry{"GI", 23}, IbanCountry{"GL", 18}, IbanCountry{"GR", 27},
    IbanCountry{"GT", 28}, IbanCountry{"HN", 28}, IbanCountry{"HR", 21}, IbanCountry{"HU", 28},
    IbanCountry{"IE", 22}, IbanCountry{"IL", 23}, IbanCountry{"IQ", 23}, IbanCountry{"IS", 26},
    IbanCountry{"IT", 27}, IbanCountry{"JO", 30}, IbanCountry{"KW", 30}, IbanCountry{"KZ", 20},
    IbanCountry{"LB", 28}, IbanCountry{"LC", 32}, IbanCountry{"LI", 21}, IbanCountry{"LT", 20},
    IbanCountry{"LU", 20}, IbanCountry{"LV", 21}, IbanCountry{"LY", 25}, IbanCountry{"MC", 27},
    IbanCountry{"MD", 24}, IbanCountry{"ME", 22}, IbanCountry{"MK", 19}, IbanCountry{"MN", 20},
    IbanCountry{"MR", 27}, IbanCountry{"MT", 31}, IbanCountry{"MU", 30}, IbanCountry{"NI", 28},
    IbanCountry{"NL", 18}, IbanCountry{"NO", 15}, IbanCountry{"OM", 23}, IbanCountry{"PK", 24},
    IbanCountry{"PL", 28}, IbanCountry{"PS", 29}, IbanCountry{"PT", 25}, IbanCountry{"QA", 29},
    IbanCountry{"RO", 24}, IbanCountry{"RS", 22}, IbanCountry{"RU", 33}, IbanCountry{"SA", 24},
    IbanCountry{"SC", 31}, IbanCountry{"SD", 18}, IbanCountry{"SE", 24}, IbanCountry{"SI", 19},
    IbanCountry{"SK", 24}, IbanCountry{"SM", 27}, IbanCountry{"SO", 23}, IbanCountry{"ST", 25},
    IbanCountry{"SV", 28}, IbanCountry{"TL", 23}, IbanCountry{"TN", 24}, IbanCountry{"TR", 26},
    IbanCountry{"UA", 29}, IbanCountry{"VA", 22}, IbanCountry{"VG", 24}, IbanCountry{"XK", 20},
    IbanCountry{"YE", 30},
};
constexpr std::size_t kLongestIban = 33;

bool is_iban_character(char c) { return is_digit(c) || is_upper(c); }

/// ISO 7064 MOD 97-10 over the number with its first four characters moved to the end; letters
/// count from 10 on.
bool has_right_check(std::string_view iban) {
  std::uint32_t rest = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    const auto value = static_cast<std::uint32_t>(is_digit(c) ? c - '0' : c - 'A' + 10);
    rest = (rest * (value < 10 ? 10 : 100) + value) % 97;
  }
  return rest == 1;
}

/// Zones 2 to 9 of ITU-T E.164: how many digits the country code that begins so has; 0: none does.
std::size_t country_code_size(std::string_view digits) {
  static constexpr std::string_view kTwo =
      "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 "
      "64 65 66 81 82 84 86 90 91 92 93 94 95 98 ";
  static constexpr std::string_view kThree =  // the first two of three
      "21 22 23 24 25 26 29 35 37 38 42 50 59 67 68 69 80 85 87 88 96 97 99 ";
  if (digits.empty()) return 0;
  if (digits[0] == '1' || digits[0] == '7') return 1;
  const std::string_view first = digits.substr(0, 2);
  if (first.size() < 2) return 0;
  for (std::size_t i = 0; i + 2 < kTwo.size(); i += 3)
    if (kTwo.substr(i, 2) == first) return 2;
  for (std::size_t i = 0; i + 2 < kThree.size(); i += 3)
    if (kThree.substr(i, 2) == first) return 3;
  return 0;
}

/// NPA and NXX begin with 2 to 9; N11 are services.
bool is_american(std::string_view digits) {
  const auto block = [](std::string_view three) {
    return three[0] >= '2' && !(three[1] == '1' && three[2] == '1');
  };
  return digits.size() == 10 && block(digits.substr(0, 3)) && block(digits.substr(3, 3));
}

bool joins(char c) { return c == '-' || c == '.' || c == '_'; }

/// No digit, letter, nor either behind a dash or dot: it would be part of something longer.
bool stands_alone(std::string_view text, Span span) {
  if (!begins_word(text, span.begin) || !ends_word(text, span.end)) return false;
  if (span.begin > 1 && joins(text[span.begin - 1]) && is_alnum(text[span.begin - 2])) return false;
  return span.end + 1 >= text.size() || !joins(text[span.end]) || !is_alnum(text[span.end + 1]);
}

}  // namespace

std::optional<Span> find_iban(std::string_view text, std::size_t begin) {
  const auto country = std::ranges::find(kIbanCountries, text.substr(begin, 2), &IbanCountry::code);
  if (country == kIbanCountries.end() || !begins_word(text, begin)) return std::nullopt;
  const bool grouped = begin + 4 < text.size() && text[begin + 4] == ' ';
  std::array<char, kLongestIban> iban{};
  std::size_t size = 0;
  std::size_t at = begin;
  for (; size < country->size && at < text.size(); ++at) {
    if (grouped && size > 0 && size % 4 == 0 && text[at] == ' ' && text[at - 1] != ' ') continue;
    if (!is_iban_character(text[at])) return std::nullopt;
    // In groups every four characters have a blank behind them.
    if (grouped && size > 0 && size % 4 == 0 && text[at - 1] != ' ') return std::nullopt;
    iban[size++] = text[at];
  }
  if (size != country->size || !ends_word(text, at)) return std::nullopt;
  if (!has_right_check({iban.data(), size})) return std::nullopt;
  return Span{begin, at};
}

std::optional<Span> find_phone(std::string_view text, std::size_t begin) {
  constexpr std::size_t kLeast = 8;
  constexpr std::size_t kMost = 15;  // ITU-T E.164 §6.1
  if (begin > 0 &&
      (is_alnum(text[begin - 1]) || text[begin - 1] == '+' || joins(text[begin - 1])) &&
      !is_escape_letter(text, begin - 1))
    return std::nullopt;
  std::array<char, kMost + 1> digits{};
  std::size_t size = 0;
  std::size_t end = begin + 1;
  bool open = false;
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    const char c = text[at];
    if (is_digit(c)) {
      if (size > kMost) return std::nullopt;
      digits[size++] = c;
      end = at + 1;
      continue;
    }
    const char before = text[at - 1];
    if (c == '(' && !open && size > 0 && (is_digit(before) || before == ' ')) {
      open = true;
    } else if (c == ')' && open && is_digit(before)) {
      open = false;
    } else if ((c == ' ' || c == '-' || c == '.' || c == '/') && size > 0 &&
               (is_digit(before) || before == ')') && !open) {
    } else {
      break;
    }
  }
  const std::string_view number(digits.data(), std::min(size, kMost));
  if (size < kLeast || size > kMost || !ends_word(text, end)) return std::nullopt;
  const std::size_t code = country_code_size(number);
  if (code == 0) return std::nullopt;
  if (number[0] == '1' && !is_american(number.substr(1))) return std::nullopt;
  if (number[0] == '7' && size != 11) return std::nullopt;
  return Span{begin, end};
}

std::optional<Span> find_american_phone(std::string_view text, std::size_t begin) {
  const std::string_view rest = text.substr(begin);
  if (rest.size() < 12) return std::nullopt;
  const bool parentheses = begin > 0 && text[begin - 1] == '(' && rest[3] == ')';
  std::size_t at = 4;
  const char separator = parentheses ? '-' : rest[3];
  if (separator != '-' && separator != '.') return std::nullopt;
  if (parentheses && rest[at] == ' ') ++at;
  if (rest.size() < at + 8 || (rest[at + 3] != separator && !(parentheses && rest[at + 3] == '.')))
    return std::nullopt;
  std::array<char, 10> digits{};
  std::size_t size = 0;
  for (const auto& [from, count] :
       {std::pair<std::size_t, std::size_t>{0, 3}, {at, 3}, {at + 4, 4}})
    for (std::size_t i = from; i < from + count; ++i) digits[size++] = rest[i];
  if (!std::ranges::all_of(digits, is_digit) || !is_american({digits.data(), size}))
    return std::nullopt;
  Span span{parentheses ? begin - 1 : begin, begin + at + 8};
  const std::string_view before = text.substr(0, span.begin);
  for (const std::string_view prefix : {"+1 ", "1 ", "+1-", "1-", "+1.", "1.", "+1"}) {
    if (before.ends_with(prefix)) {
      span.begin -= prefix.size();
      break;
    }
  }
  if (!stands_alone(text, span)) return std::nullopt;
  return span;
}

std::optional<Span> find_ipv4(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && at - begin < 4 && is_digit(text[begin - 1])) --begin;
  std::size_t end = begin;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (end >= text.size() || text[end] != '.') return std::nullopt;
      ++end;
    }
    const std::size_t from = end;
    while (end < text.size() && end - from < 4 && is_digit(text[end])) ++end;
    const std::string_view number = text.substr(from, end - from);
    if (number.empty() || number.size() > 3 || (number.size() > 1 && number[0] == '0') ||
        (number.size() == 3 && number > "255"))
      return std::nullopt;
  }
  const Span span{begin, end};
  if (!stands_alone(text, span)) return std::nullopt;
  return span;
}

std::optional<Span> find_ipv6(std::string_view text, std::size_t at) {
  constexpr std::size_t kMost = 45;  // INET6_ADDRSTRLEN without its NUL
  const auto is_part = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  };
  const auto is_hex = [&](char c) { return is_part(c) && c != ':' && c != '.'; };
  std::size_t begin = at;
  while (begin > 0 && at - begin < 5 && is_hex(text[begin - 1])) --begin;
  if (begin > 0 && text[begin - 1] == ':') return std::nullopt;  // not its first colon
  std::size_t end = run_end(text.substr(0, std::min(text.size(), begin + kMost + 1)), at, is_part);
  // What ends a sentence; "::" may end an address.
  while (end > at + 1 && (text[end - 1] == '.' || (text[end - 1] == ':' && text[end - 2] != ':')))
    --end;
  const std::string_view address = text.substr(begin, end - begin);
  if (address.size() > kMost || !std::ranges::any_of(address, is_digit)) return std::nullopt;
  std::array<char, kMost + 1> terminated{};
  std::ranges::copy(address, terminated.begin());
  in6_addr parsed{};
  if (::inet_pton(AF_INET6, terminated.data(), &parsed) != 1) return std::nullopt;
  if (!begins_word(text, begin) || !ends_word(text, end)) return std::nullopt;
  return Span{begin, end};
}

}  // namespace hoop::mask
