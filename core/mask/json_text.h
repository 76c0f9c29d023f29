// SPDX-License-Identifier: Apache-2.0
// The scalars of JSON (RFC 8259) as they stand in text that comes in pieces: where they end, and
// what they say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hoop::mask {

/// A string behind its opening quote.
struct StringScan {
  enum class Is { open, closed, malformed };
  std::size_t at = 0;       // where to go on; of a closed one, behind its closing quote
  bool is_escaped = false;  // it has an escape
};

/// Goes on at scan.at, to the closing quote. open: text is too short; call again with more, from
/// the same begin on. malformed: a control character, no escape, no UTF-8.
StringScan::Is scan_string(std::string_view text, StringScan& scan);

/// Appends what stands between the quotes of a closed string. Half a surrogate pair, which is no
/// character, becomes U+FFFD.
void decode_string(std::string_view inside, std::string& out);

/// How much of a number has been seen; stop: the character does not continue it.
enum class NumberPart : std::uint8_t {
  begin,
  minus,
  zero,
  whole,
  dot,
  fraction,
  exponent,
  sign,
  power,
  stop
};
NumberPart next_part(NumberPart part, char c);
/// What may be the last of it.
bool ends_number(NumberPart part);

}  // namespace hoop::mask
