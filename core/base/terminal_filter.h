// SPDX-License-Identifier: Apache-2.0
// What somebody else's program has drawn on a terminal, for a terminal of ours (ECMA-48, xterm's
// control sequences): what draws stays, what makes a terminal answer, change its title or its
// clipboard, or send what nobody typed, does not.
#pragma once

#include <string>
#include <string_view>

namespace hoop {

class TerminalFilter {
 public:
  /// Of a stream in pieces of any size: what may go out of it now.
  std::string take(std::string_view piece);
  /// Brings the terminal back to where it was, whatever the stream has left it in.
  static std::string_view restore();

 private:
  enum class State { text, escape, intermediate, sequence, string, string_escape };
  void text(unsigned char byte, std::string& out);
  void end_character(std::string& out);
  void end_sequence(char last, std::string& out);
  State state_ = State::text;
  std::string held_;        // of a sequence, or of a character of several bytes
  std::size_t wanted_ = 0;  // bytes that the character still lacks
  bool is_too_long_ = false;
};

}  // namespace hoop
