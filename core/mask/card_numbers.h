// SPDX-License-Identifier: Apache-2.0
// Payment card numbers in a run of digits: issuer prefix and length (ISO/IEC 7812), Luhn, grouping.
#pragma once

#include <string_view>
#include <vector>

#include "core/mask/span.h"

namespace hoop::mask {

/// True if digits (no separators) has a known issuer's prefix and length and passes Luhn.
bool is_card_number(std::string_view digits);

/// Appends the card numbers of the run that begins at begin: digits, with single blanks or dashes
/// between them. text[begin] is a digit, and no digit is joined to it on the left. Answers the
/// run's end.
std::size_t find_cards(std::string_view text, std::size_t begin, std::vector<Span>& found);

}  // namespace hoop::mask
