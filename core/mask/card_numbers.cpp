// SPDX-License-Identifier: Apache-2.0
#include "core/mask/card_numbers.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace hoop::mask {
namespace {

constexpr std::size_t kLeastDigits = 12;
constexpr std::size_t kMostDigits = 19;

struct Issuer {
  std::uint32_t first;  // of the leading digits, both ends included
  std::uint32_t last;
  std::uint8_t prefix_digits;
  std::uint32_t lengths;  // bit n: n digits
};

constexpr std::uint32_t lengths(std::initializer_list<unsigned> all) {
  std::uint32_t bits = 0;
  for (const unsigned n : all) bits |= 1U << n;
  return bits;
}

constexpr std::uint32_t kSixteenUp = lengths({16, 17, 18, 19});

/// Issuer ranges as the networks publish them.
constexpr std::array kIssuers{
    Issuer{4, 4, 1, lengths({13, 16, 19})},                            // Visa
    Issuer{51, 55, 2, lengths({16})},                                  // Mastercard
    Issuer{2221, 2720, 4, lengths({16})},                              // Mastercard
    Issuer{34, 34, 2, lengths({15})},                                  // American Express
    Issuer{37, 37, 2, lengths({15})},                                  // American Express
    Issuer{6011, 6011, 4, kSixteenUp},                                 // Discover
    Issuer{644, 649, 3, kSixteenUp},                                   // Discover
    Issuer{65, 65, 2, kSixteenUp},                                     // Discover, RuPay, Troy
    Issuer{300, 305, 3, lengths({14, 16})},                            // Diners Club
    Issuer{3095, 3095, 4, lengths({14, 16})},                          // Diners Club
    Issuer{36, 36, 2, lengths({14, 16, 19})},                          // Diners Club
    Issuer{38, 39, 2, lengths({14, 16, 19})},                          // Diners Club
    Issuer{3528, 3589, 4, kSixteenUp},                                 // JCB
    Issuer{62, 62, 2, kSixteenUp},                                     // UnionPay
    Issuer{81, 82, 2, kSixteenUp},                                     // UnionPay, RuPay
    Issuer{60, 60, 2, lengths({16})},                                  // RuPay
    Issuer{508, 508, 3, lengths({16})},                                // RuPay
    Issuer{2200, 2204, 4, kSixteenUp},                                 // Mir
    Issuer{9792, 9792, 4, lengths({16})},                              // Troy
    Issuer{506, 507, 3, lengths({16, 18, 19})},                        // Verve, Elo
    Issuer{5018, 5020, 4, lengths({12, 13, 14, 15, 16, 17, 18, 19})},  // Maestro
    Issuer{5038, 5038, 4, lengths({12, 13, 14, 15, 16, 17, 18, 19})},  // Maestro
    Issuer{5893, 5893, 4, lengths({12, 13, 14, 15, 16, 17, 18, 19})},  // Maestro
    Issuer{6304, 6304, 4, lengths({12, 13, 14, 15, 16, 17, 18, 19})},  // Maestro
    Issuer{6759, 6763, 4, lengths({12, 13, 14, 15, 16, 17, 18, 19})},  // Maestro
};

bool has_issuer(std::string_view digits) {
  const auto leading = [&](std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
      value = value * 10 + static_cast<std::uint32_t>(digits[i] - '0');
    return value;
  };
  return std::ranges::any_of(kIssuers, [&](const Issuer& issuer) {
    if ((issuer.lengths >> digits.size() & 1U) == 0) return false;
    const std::uint32_t prefix = leading(issuer.prefix_digits);
    return prefix >= issuer.first && prefix <= issuer.last;
  });
}

bool passes_luhn(std::string_view digits) {
  unsigned sum = 0;
  bool twice = false;
  for (std::size_t i = digits.size(); i-- > 0; twice = !twice) {
    const auto digit = static_cast<unsigned>(digits[i] - '0');
    sum += !twice ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 == 0;
}

struct Group {
  std::size_t begin;
  std::size_t end;
  char separator;  // before it; 0 before the first
  std::size_t size() const { return end - begin; }
};

/// The ways in which cards are printed. Other groupings count only when they are the whole run.
bool is_printed_grouping(const Group* first, std::size_t count) {
  constexpr std::array<std::string_view, 9> kShapes{"4444", "465", "464",  "44443", "44444",
                                                    "445",  "444", "4443", "466"};
  if (count > 5) return false;
  std::array<char, 5> shape{};
  for (std::size_t i = 0; i < count; ++i) {
    if (first[i].size() > 9) return false;
    shape[i] = static_cast<char>('0' + first[i].size());
  }
  return std::ranges::find(kShapes, std::string_view(shape.data(), count)) != kShapes.end();
}

/// A part of a decimal fraction, of a dotted number or of a word is no card.
bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) {
  if (!begins_word(text, begin) || !ends_word(text, end)) return false;
  if (begin > 0 && text[begin - 1] == '_') return false;
  if (begin > 1 && text[begin - 1] == '.' && is_digit(text[begin - 2])) return false;
  return end + 1 >= text.size() || text[end] != '.' || !is_digit(text[end + 1]);
}

/// Tries the groups from first on, shortest number last, so that a longer card is not cut. Answers
/// how many groups it takes.
std::size_t card_from(std::string_view text, const std::vector<Group>& groups, std::size_t first) {
  std::array<char, kMostDigits> digits{};
  std::size_t size = 0;
  std::size_t best = 0;
  for (std::size_t last = first; last < groups.size(); ++last) {
    const Group& group = groups[last];
    if (last > first + 1 && group.separator != groups[first + 1].separator) break;
    if (size + group.size() > kMostDigits) break;
    std::ranges::copy(text.substr(group.begin, group.size()),
                      digits.begin() + static_cast<std::ptrdiff_t>(size));
    size += group.size();
    const std::size_t count = last - first + 1;
    const bool whole = count == groups.size();
    if (size < kLeastDigits || !(count == 1 || whole || is_printed_grouping(&groups[first], count)))
      continue;
    if (is_card_number({digits.data(), size}) && stands_alone(text, groups[first].begin, group.end))
      best = count;
  }
  return best;
}

}  // namespace

bool is_card_number(std::string_view digits) {
  return digits.size() >= kLeastDigits && digits.size() <= kMostDigits && has_issuer(digits) &&
         passes_luhn(digits);
}

std::size_t find_cards(std::string_view text, std::size_t begin, std::vector<Span>& found) {
  const auto joins = [&](std::size_t at) {
    return at + 1 < text.size() && (text[at] == ' ' || text[at] == '-') && is_digit(text[at + 1]);
  };
  // Dates and times look alike and are common: count before anything is kept.
  std::size_t run = begin;
  std::size_t digits = 0;
  for (; run < text.size() && (is_digit(text[run]) || joins(run)); ++run)
    digits += is_digit(text[run]) ? 1U : 0U;
  if (digits < kLeastDigits) return run;

  std::vector<Group> groups;
  for (std::size_t at = begin; at < run;) {
    const std::size_t end = run_end(text, at, is_digit);
    groups.push_back({at, end, at == begin ? '\0' : text[at - 1]});
    at = end + 1;
  }
  for (std::size_t first = 0; first < groups.size();) {
    const std::size_t count = card_from(text, groups, first);
    if (count != 0) found.push_back({groups[first].begin, groups[first + count - 1].end});
    first += count != 0 ? count : 1;
  }
  return run;
}

}  // namespace hoop::mask
