// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/returned_masks.h"

#include <algorithm>
#include <charconv>

#include "protocols/http/media_type.h"

namespace hoop::http_target {
namespace {

std::optional<unsigned> hexadecimal(std::string_view digits) {
  unsigned out = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

void append_character(unsigned code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  // The second half of a pair of surrogates goes on what the first has begun: one character.
  if (code >= 0xdc00 && code < 0xe000) {
    out += static_cast<char>(0x80);
    return;
  }
  out += static_cast<char>(0xe0 | (code >> 12U));
  out += static_cast<char>(0x80 | ((code >> 6U) & 0x3fU));
  out += static_cast<char>(0x80 | (code & 0x3fU));
}

/// Decodes the escape at the front and answers its length; 0: it is cut.
std::size_t take_percent(std::string_view text, std::string& out) {
  if (text.size() < 3) return 0;
  const auto code = hexadecimal(text.substr(1, 2));
  out += code ? static_cast<char>(*code) : '%';
  return code ? 3 : 1;
}

std::size_t take_backslash(std::string_view text, std::string& out) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') {
    // In what is no JSON a backslash stands before anything.
    out += std::string_view("bfnrt").find(text[1]) != std::string_view::npos ? ' ' : text[1];
    return 2;
  }
  if (text.size() < 6) return 0;
  const auto code = hexadecimal(text.substr(2, 4));
  if (code) append_character(*code, out);
  return code ? 6 : 2;
}

}  // namespace

bool carries_mask(const RequestTarget& target) {
  for (std::string_view rest = target.plain; !rest.empty();) {
    const auto end = std::min(rest.find('/'), rest.size());
    if (mask::carries_mask(rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::ranges::any_of(target.parameters, [](const RequestTarget::Parameter& one) {
    return mask::carries_mask(one.name) || mask::carries_mask(one.value);
  });
}

bool carries_mask(const http::Headers& fields) {
  return std::ranges::any_of(
      fields, [](const http::Header& field) { return mask::carries_mask(field.value); });
}

ReturnedMasks::ReturnedMasks(std::string_view content_type)
    : is_form_(media_type(content_type) == "application/x-www-form-urlencoded") {}

bool ReturnedMasks::carries_mask(ByteSpan piece) {
  const char mark = is_form_ ? '%' : '\\';
  if (cut_.empty() && as_text(piece).find(mark) == std::string_view::npos)
    return watch_.carries_mask(piece);
  const std::string whole = std::exchange(cut_, {}).append(as_text(piece));
  std::string plain;
  plain.reserve(whole.size());
  for (std::string_view rest = whole; !rest.empty();) {
    const auto at = std::min(rest.find(mark), rest.size());
    plain.append(rest.substr(0, at));
    rest.remove_prefix(at);
    if (rest.empty()) break;
    const std::size_t taken = is_form_ ? take_percent(rest, plain) : take_backslash(rest, plain);
    if (taken == 0) cut_ = rest;
    rest.remove_prefix(taken == 0 ? rest.size() : taken);
  }
  return watch_.carries_mask(as_bytes(plain));
}

}  // namespace hoop::http_target
