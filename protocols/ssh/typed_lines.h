// SPDX-License-Identifier: Apache-2.0
// The lines that somebody types at a terminal, read off what the terminal shows: so history,
// completion and what was corrected are in them as they were in the end, and what is not shown (a
// password) is not. A best effort, for finding one's way in a record and for nothing else: the
// other side decides what it shows.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/clock.h"

namespace hoop::ssh {

class TypedLines {
 public:
  TypedLines(std::size_t columns, std::size_t rows);

  /// Keys, at that moment.
  void type(ByteSpan keys, SteadyTime now);
  /// What the terminal was sent.
  void show(ByteSpan output, SteadyTime now);
  void resize(std::size_t columns, std::size_t rows);
  /// Lines that have ended since the last call; none of them is empty.
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  struct Row {
    std::u32string cells;
    bool continues = false;  // in the next one, without an end of line
  };
  enum class State { text, escape, intermediate, sequence, string, string_escape };
  void show_character(char32_t c);
  void control(unsigned char byte, SteadyTime now);
  void sequence(char last);
  void next_row(bool continues);
  void end_line(SteadyTime now);
  std::string from_mark() const;
  std::size_t number(std::size_t index, std::size_t otherwise) const;

  std::size_t columns_, height_;
  std::deque<Row> rows_;
  std::size_t row_ = 0, column_ = 0, saved_row_ = 0, saved_column_ = 0;
  bool other_screen_ = false;
  State state_ = State::text;
  std::string parameters_;
  char32_t character_ = 0;
  std::size_t character_lacks_ = 0;
  bool has_mark_ = false;
  std::size_t mark_row_ = 0, mark_column_ = 0;
  std::deque<SteadyTime> returns_;  // that were typed, and whose end of line is not there yet
  std::vector<std::string> lines_;
};

}  // namespace hoop::ssh
