// SPDX-License-Identifier: Apache-2.0
// Numbers that the world writes in agreed forms: bank accounts, telephones, Internet addresses.
// Each takes the field and where a candidate stands.
#pragma once

#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// ISO 13616, as printed: upper case, whole or in groups of four with single blanks, the country's
/// length, and check digits that are right (ISO 7064 MOD 97-10). begin is the country code's.
std::optional<Span> find_iban(std::string_view text, std::size_t begin);
/// E.164 with its '+': a country code that exists, 8 to 15 digits with single separators; of the
/// North American plan exactly ten after the 1. begin is the '+'.
std::optional<Span> find_phone(std::string_view text, std::size_t begin);
/// (NPA) NXX-XXXX, NPA-NXX-XXXX or NPA.NXX.XXXX of the North American plan, with or without a 1
/// before. begin is the area code's first digit.
std::optional<Span> find_american_phone(std::string_view text, std::size_t begin);
/// Four numbers up to 255 without leading zeros. at is one of its dots: the first.
std::optional<Span> find_ipv4(std::string_view text, std::size_t at);
/// RFC 4291 §2.2, with a digit in it. at is one of its colons: the first.
std::optional<Span> find_ipv6(std::string_view text, std::size_t at);

}  // namespace hoop::mask
