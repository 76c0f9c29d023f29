// SPDX-License-Identifier: Apache-2.0
// Exact spans of e-mail addresses and US social security numbers around a character that may belong
// to one.
#pragma once

#include "core/mask/span.h"

namespace hoop::mask {

/// The address whose '@' stands at at (RFC 5321 dot-strings, and UTF-8 as in RFC 6531); bounded
/// work on either side.
std::optional<Span> find_email(std::string_view text, std::size_t at);
/// The number AAA-GG-SSSS that begins at begin: no area 000, 666 or 9xx, no group 00, no serial
/// 0000.
std::optional<Span> find_ssn(std::string_view text, std::size_t begin);

}  // namespace hoop::mask
