// SPDX-License-Identifier: Apache-2.0
#include "core/base/terminal_filter.h"

#include <algorithm>
#include <cstdint>

#include "core/base/encoding.h"

namespace hoop {
namespace {

constexpr std::size_t kMostOfSequence = 64;
constexpr std::uint32_t kMostOfNumber = 2000;  // columns, rows, or how often
// Move, erase, scroll, insert and delete, colours, the scrolling region, save and restore.
constexpr std::string_view kDraws = "ABCDEFGHIJKLMPSTXZ@`adefmrsu";
// Modes that only draw: cursor keys, wrapping, a cursor that blinks or is there, another screen.
constexpr std::string_view kModes[] = {"?1",    "?7",    "?12",   "?25", "?47",
                                       "?1047", "?1048", "?1049", "4"};
// Of ESC and a letter: save and restore the cursor, lines, keypads.
constexpr std::string_view kSingles = "78DEM=>";

bool are_small(std::string_view parameters) {
  std::uint32_t number = 0;
  for (const char c : parameters) {
    if (c >= '0' && c <= '9') {
      number = std::min(number * 10 + static_cast<std::uint32_t>(c - '0'), kMostOfNumber * 10);
      if (number > kMostOfNumber) return false;
    } else {
      number = 0;
    }
  }
  return true;
}

bool is_mode(std::string_view parameters) {
  // Each of several: "?1049;25".
  const bool is_private = parameters.starts_with('?');
  if (is_private) parameters.remove_prefix(1);
  while (!parameters.empty()) {
    const auto end = std::min(parameters.find(';'), parameters.size());
    const std::string one = (is_private ? "?" : "") + std::string(parameters.substr(0, end));
    if (std::ranges::find(kModes, one) == std::end(kModes)) return false;
    parameters.remove_prefix(std::min(end + 1, parameters.size()));
  }
  return true;
}

}  // namespace

std::string_view TerminalFilter::restore() {
  // Soft reset, the first screen, a cursor, wrapping, no colours, ASCII.
  return "\x1b[!p\x1b[?1049l\x1b[?25h\x1b[?7h\x1b[r\x1b[0m\x1b(B\x0f\r\n";
}

/// A character is passed on whole: what is not UTF-8, draws backwards or not at all is not.
void TerminalFilter::end_character(std::string& out) {
  if (is_utf8(held_) && neutralise(held_, held_.size(), Lines::keep) == held_) out += held_;
  held_.clear();
  wanted_ = 0;
}

void TerminalFilter::text(unsigned char byte, std::string& out) {
  if (wanted_ > 0 && (byte & 0xC0U) == 0x80U) {
    held_ += static_cast<char>(byte);
    if (--wanted_ == 0) end_character(out);
    return;
  }
  held_.clear();
  wanted_ = 0;
  if (byte == 0x1b) {
    state_ = State::escape;
    return;
  }
  if (byte >= 0xC2 && byte <= 0xF4) {
    held_ = static_cast<char>(byte);
    wanted_ = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    return;
  }
  const bool draws = (byte >= 0x20 && byte < 0x7f) || (byte >= 0x08 && byte <= 0x0d) ||
                     byte == 0x0e || byte == 0x0f;
  if (draws) out += static_cast<char>(byte);
}

void TerminalFilter::end_sequence(char last, std::string& out) {
  state_ = State::text;
  const std::string parameters = std::exchange(held_, {});
  const bool is_plain = parameters.find_first_not_of("0123456789;:") == std::string::npos;
  const bool is_a_mode = (last == 'h' || last == 'l') && is_mode(parameters);
  // What the viewer had on the screen before is not the stream's to erase.
  const bool erases_all = last == 'J' && parameters.find('3') != std::string::npos;
  const bool draws = is_plain && !erases_all && kDraws.find(last) != std::string_view::npos;
  if (!std::exchange(is_too_long_, false) && (is_a_mode || (draws && are_small(parameters))))
    out += "\x1b[" + parameters + last;
}

std::string TerminalFilter::take(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    const auto byte = static_cast<unsigned char>(c);
    // Whatever is open, these two end it.
    if ((byte == 0x18 || byte == 0x1a) && state_ != State::text) {
      state_ = State::text;
      held_.clear();
      continue;
    }
    switch (state_) {
      case State::text: text(byte, out); break;
      case State::escape:
        state_ = State::text;
        if (c == '[') {
          state_ = State::sequence;
        } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
          state_ = State::string;
        } else if (byte >= 0x20 && byte < 0x30) {
          state_ = State::intermediate;
          held_ = c;
        } else if (byte == 0x1b) {
          state_ = State::escape;
        } else if (kSingles.find(c) != std::string_view::npos) {
          out += {'\x1b', c};
        }
        break;
      case State::intermediate:
        if (byte >= 0x20 && byte < 0x30) break;  // more of them: none that draws
        // Sets of characters: ASCII, lines.
        if ((held_ == "(" || held_ == ")") && (c == 'B' || c == '0')) out += "\x1b" + held_ + c;
        state_ = byte == 0x1b ? State::escape : State::text;
        held_.clear();
        break;
      case State::sequence:
        if (byte >= 0x40 && byte < 0x7f) {
          end_sequence(c, out);
        } else if (byte == 0x1b) {
          state_ = State::escape;
          held_.clear();
          is_too_long_ = false;
        } else if (byte >= 0x20 && held_.size() < kMostOfSequence) {
          held_ += c;
        } else if (byte >= 0x20) {
          is_too_long_ = true;
        }
        break;
      case State::string:
        if (byte == 0x07) state_ = State::text;
        if (byte == 0x1b) state_ = State::string_escape;
        break;
      case State::string_escape:
        // Any other sequence ends the string, too, and is one.
        state_ = State::escape;
        if (c == '\\') {
          state_ = State::text;
        } else {
          out += take(std::string_view(&c, 1));
        }
        break;
    }
  }
  return out;
}

}  // namespace hoop
