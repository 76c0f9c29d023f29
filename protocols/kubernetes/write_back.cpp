// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/write_back.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "core/mask/span.h"
#include "core/mask/write_back.h"

namespace hoop::kubernetes {
namespace {

constexpr std::size_t kLeastRun = 8;  // digits: the shortest mask is x***@y

constexpr std::array<signed char, 256> kDigits = [] {
  std::array<signed char, 256> out{};
  out.fill(-1);
  signed char value = 0;
  for (const char c :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
    out[static_cast<unsigned char>(c)] = value++;
  out['+'] = out['-'] = 62;
  out['/'] = out['_'] = 63;
  return out;
}();

constexpr signed char digit_of(char c) { return kDigits[static_cast<unsigned char>(c)]; }

/// As many whole bytes as there are, from the digit at begin on.
void decode_run(std::string_view digits, std::size_t begin, std::string& out) {
  out.clear();
  unsigned bits = 0;
  int count = 0;
  for (std::size_t at = begin; at < digits.size(); ++at) {
    bits = (bits << 6U) | static_cast<unsigned>(digit_of(digits[at]));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(static_cast<unsigned char>(bits >> static_cast<unsigned>(count)));
    bits &= (1U << static_cast<unsigned>(count)) - 1;
  }
}

/// A text in it may begin at any of the four digits: what is before it may be of the alphabet too.
bool hides_mask(std::string_view digits, std::string& room) {
  if (digits.size() < kLeastRun) return false;
  for (std::size_t begin = 0; begin < 4; ++begin) {
    decode_run(digits, begin, room);
    if (mask::carries_mask(room)) return true;
  }
  return false;
}

}  // namespace

bool carries_mask(ByteSpan body) {
  const std::string_view text = as_text(body);
  if (mask::carries_mask(text)) return true;
  std::string digits, room;
  for (std::size_t at = 0; at < text.size();) {
    if (digit_of(text[at]) < 0) {
      ++at;
      continue;
    }
    // YAML breaks long values, and indents the rest.
    digits.clear();
    while (at < text.size()) {
      const std::size_t end = mask::run_end(text, at, [](char c) { return digit_of(c) >= 0; });
      digits.append(text.substr(at, end - at));
      std::size_t next = end;
      while (next < text.size() && (text[next] == '\r' || text[next] == '\n')) ++next;
      if (next == end) {
        at = end;
        break;
      }
      while (next < text.size() && text[next] == ' ') ++next;
      at = next;
      if (at == text.size() || digit_of(text[at]) < 0) break;
    }
    if (hides_mask(digits, room)) return true;
  }
  return false;
}

}  // namespace hoop::kubernetes
