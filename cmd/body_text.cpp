// SPDX-License-Identifier: Apache-2.0
#include "cmd/body_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kLongestBodyLine = 4096;
constexpr std::size_t kLongestCharacter = 4;  // of UTF-8

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// Controls that texts have; a terminal is given none of them.
bool is_text_line(std::string_view line) {
  constexpr std::string_view kControls = "\t\v\f\r\x1b";
  return is_utf8(line) && std::ranges::all_of(line, [&](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return (byte >= 0x20 && byte != 0x7f) || kControls.find(c) != std::string_view::npos;
         });
}

/// Where a long line is cut: before its last character, unless that is one byte; another may be
/// here by half.
std::size_t cut_of(std::string_view line) {
  for (std::size_t at = line.size(); at > line.size() - kLongestCharacter;) {
    --at;
    if (continues(line[at])) continue;
    return static_cast<unsigned char>(line[at]) < 0x80 ? line.size() : at;
  }
  return line.size();
}

}  // namespace

/// behind: how many bytes there are behind the line by now.
void BodyText::end_line(const Take& take, std::size_t behind) {
  is_text_ = is_text_line(line_);
  if (is_text_) {
    if (line_.ends_with('\r')) line_.pop_back();
    // Escaped, a byte becomes six.
    take(neutralise(line_, 6 * kLongestBodyLine, Lines::escape));
  } else {
    hidden_bytes_ = line_.size() + behind;
  }
  line_.clear();
}

void BodyText::feed(ByteSpan piece, const Take& take) {
  for (const char c : as_text(piece)) {
    if (!is_text_) {
      ++hidden_bytes_;
    } else if (c == '\n') {
      end_line(take, 1);
    } else {
      line_ += c;
      if (line_.size() < kLongestBodyLine) continue;
      std::string rest = line_.substr(cut_of(line_));
      line_.resize(line_.size() - rest.size());
      end_line(take, rest.size());
      if (is_text_) line_ = std::move(rest);
    }
  }
}

void BodyText::finish(const Take& take) {
  if (is_text_ && !line_.empty()) end_line(take, 0);
  if (!is_text_) take(fmt::format("[{} bytes]", hidden_bytes_));
  *this = {};
}

}  // namespace hoop::cmd
