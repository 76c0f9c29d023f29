// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/typed_lines.h"

#include <algorithm>

namespace hoop::ssh {
namespace {

constexpr std::size_t kMostColumns = 300, kMostRows = 120;
constexpr std::size_t kMostParameters = 64;
constexpr std::size_t kMostReturns = 256;
constexpr std::size_t kLongestLine = 4096;  // bytes
// A return that no end of line has followed for so long was taken by a program.
constexpr std::chrono::seconds kPatience{2};

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6U));
    out += static_cast<char>(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0U | (c >> 12U));
    out += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (c & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | (c >> 18U));
    out += static_cast<char>(0x80U | ((c >> 12U) & 0x3FU));
    out += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (c & 0x3FU));
  }
}

std::size_t sensible(std::size_t count, std::size_t otherwise, std::size_t most) {
  return count < 2 ? otherwise : std::min(count, most);
}

}  // namespace

TypedLines::TypedLines(std::size_t columns, std::size_t rows)
    : columns_(sensible(columns, 80, kMostColumns)),
      height_(sensible(rows, 24, kMostRows)),
      rows_(height_) {}

void TypedLines::resize(std::size_t columns, std::size_t rows) {
  columns_ = sensible(columns, columns_, kMostColumns);
  height_ = sensible(rows, height_, kMostRows);
  // What stands where then is the program's to draw anew.
  const std::size_t lost = row_ >= height_ ? row_ - height_ + 1 : 0;
  rows_.erase(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(lost));
  row_ -= lost;
  rows_.resize(height_);
  column_ = std::min(column_, columns_ - 1);
  has_mark_ = has_mark_ && mark_row_ >= lost;
  mark_row_ -= has_mark_ ? lost : 0;
}

void TypedLines::type(ByteSpan keys, SteadyTime now) {
  if (other_screen_) return;
  for (const std::uint8_t key : keys) {
    if (!has_mark_ && returns_.empty()) {
      // Where the prompt ends.
      has_mark_ = true;
      mark_row_ = row_;
      mark_column_ = column_;
    }
    if ((key == '\r' || key == '\n') && returns_.size() < kMostReturns) returns_.push_back(now);
  }
}

std::string TypedLines::from_mark() const {
  std::string out;
  std::size_t row = has_mark_ ? std::min(mark_row_, row_) : row_;
  std::size_t column = has_mark_ && mark_row_ <= row_ ? mark_column_ : 0;
  // A line that was longer than the terminal is wide begins further up.
  if (!has_mark_)
    while (row > 0 && rows_[row - 1].continues) --row;
  for (; row < rows_.size(); ++row, column = 0) {
    const std::u32string& cells = rows_[row].cells;
    for (std::size_t i = column; i < cells.size() && out.size() < kLongestLine; ++i)
      append_utf8(out, cells[i]);
    if (row >= row_ && !rows_[row].continues) break;
    if (!rows_[row].continues && row < row_) out += ' ';
  }
  const std::size_t end = out.find_last_not_of(' ');
  out.resize(end == std::string::npos ? 0 : end + 1);
  return out.substr(std::min(out.find_first_not_of(' '), out.size()));
}

/// The other side goes to a new line: if a return was typed, that is its end.
void TypedLines::end_line(SteadyTime now) {
  for (; !returns_.empty() && now - returns_.front() > kPatience; has_mark_ = false)
    returns_.pop_front();
  if (returns_.empty()) return;
  returns_.pop_front();
  if (std::string line = from_mark(); !line.empty()) lines_.push_back(std::move(line));
  has_mark_ = false;
}

void TypedLines::next_row(bool continues) {
  rows_[row_].continues = continues;
  if (row_ + 1 < height_) {
    ++row_;
    return;
  }
  rows_.pop_front();
  rows_.emplace_back();
  if (has_mark_ && mark_row_-- == 0) {
    has_mark_ = false;
    mark_row_ = 0;
  }
}

void TypedLines::show_character(char32_t c) {
  if (column_ >= columns_) {
    next_row(true);
    column_ = 0;
    rows_[row_] = {};
  }
  std::u32string& cells = rows_[row_].cells;
  if (cells.size() <= column_) cells.resize(column_ + 1, U' ');
  cells[column_++] = c;
}

void TypedLines::control(unsigned char byte, SteadyTime now) {
  switch (byte) {
    case '\b': column_ -= column_ > 0 ? 1 : 0; break;
    case '\t': column_ = std::min(columns_ - 1, (column_ / 8 + 1) * 8); break;
    case '\r': column_ = 0; break;
    case '\n':
    case '\v':
    case '\f':
      if (!other_screen_) end_line(now);
      next_row(false);
      if (column_ >= columns_) column_ = columns_ - 1;
      break;
    case 0x1b: state_ = State::escape; break;
    default: break;
  }
}

std::size_t TypedLines::number(std::size_t index, std::size_t otherwise) const {
  std::string_view rest = parameters_;
  for (; index > 0; --index) rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
  std::size_t value = 0;
  bool any = false;
  for (const char c : rest.substr(0, rest.find(';'))) {
    if (c < '0' || c > '9') return otherwise;
    value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(c - '0'), 10'000);
    any = true;
  }
  return any && value > 0 ? value : otherwise;
}

void TypedLines::sequence(char last) {
  state_ = State::text;
  std::u32string& cells = rows_[row_].cells;
  const std::size_t count = number(0, 1);
  const auto column = [&](std::size_t to) { column_ = std::min(to, columns_ - 1); };
  switch (last) {
    case 'A': row_ -= std::min(row_, count); break;
    case 'B':
    case 'e': row_ = std::min(row_ + count, height_ - 1); break;
    case 'C':
    case 'a': column(column_ + count); break;
    case 'D': column(column_ - std::min(column_, count)); break;
    case 'G':
    case '`': column(count - 1); break;
    case 'd': row_ = std::min(count, height_) - 1; break;
    case 'H':
    case 'f':
      row_ = std::min(count, height_) - 1;
      column(parameters_.find(';') == std::string::npos ? 0 : number(1, 1) - 1);
      break;
    case 'J': {
      const std::size_t how = number(0, 0);
      if (how == 0) {
        if (cells.size() > column_) cells.resize(column_);
        for (std::size_t i = row_ + 1; i < height_; ++i) rows_[i] = {};
      } else if (how >= 2) {
        rows_.assign(height_, {});
        has_mark_ = false;
      }
      break;
    }
    case 'K': {
      const std::size_t how = number(0, 0);
      if (how == 0 && cells.size() > column_) cells.resize(column_);
      if (how == 1) std::fill_n(cells.begin(), std::min(cells.size(), column_ + 1), U' ');
      if (how == 2) cells.clear();
      break;
    }
    case 'P':
      if (column_ < cells.size()) cells.erase(column_, count);
      break;
    case 'X':
      if (column_ < cells.size())
        std::fill_n(cells.begin() + static_cast<std::ptrdiff_t>(column_),
                    std::min(count, cells.size() - column_), U' ');
      break;
    case '@':
      if (column_ < cells.size()) {
        cells.insert(column_, std::min(count, columns_), U' ');
        if (cells.size() > columns_) cells.resize(columns_);
      }
      break;
    case 's': saved_row_ = row_, saved_column_ = column_; break;
    case 'u': row_ = std::min(saved_row_, height_ - 1), column(saved_column_); break;
    case 'h':
    case 'l':
      if (parameters_ == "?1049" || parameters_ == "?47" || parameters_ == "?1047") {
        other_screen_ = last == 'h';
        has_mark_ = false;
        returns_.clear();
      }
      break;
    default: break;
  }
}

void TypedLines::show(ByteSpan output, SteadyTime now) {
  for (const std::uint8_t byte : output) {
    switch (state_) {
      case State::text:
        if (character_lacks_ > 0 && (byte & 0xC0U) == 0x80U) {
          character_ = character_ << 6U | (byte & 0x3FU);
          if (--character_lacks_ == 0) show_character(character_);
          break;
        }
        character_lacks_ = 0;
        if (byte < 0x20 || byte == 0x7f) {
          control(byte, now);
        } else if (byte < 0x80) {
          show_character(byte);
        } else if (byte >= 0xC2 && byte <= 0xF4) {
          character_lacks_ = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
          character_ = byte & (0x3FU >> character_lacks_);
        }
        break;
      case State::escape:
        state_ = State::text;
        parameters_.clear();
        if (byte == '[') state_ = State::sequence;
        if (byte == ']' || byte == 'P' || byte == '^' || byte == '_' || byte == 'X')
          state_ = State::string;
        if (byte >= 0x20 && byte < 0x30) state_ = State::intermediate;
        if (byte == 'M') row_ -= row_ > 0 ? 1 : 0;
        if (byte == '7') saved_row_ = row_, saved_column_ = column_;
        if (byte == '8') {
          row_ = std::min(saved_row_, height_ - 1);
          column_ = std::min(saved_column_, columns_ - 1);
        }
        break;
      case State::intermediate:
        if (byte < 0x20 || byte >= 0x30) state_ = State::text;
        break;
      case State::sequence:
        if (byte >= 0x40 && byte < 0x7f) {
          sequence(static_cast<char>(byte));
        } else if (byte == 0x1b) {
          state_ = State::escape;
        } else if (byte < 0x20) {
          control(byte, now);  // as terminals do, in the middle of it
        } else if (parameters_.size() < kMostParameters) {
          parameters_ += static_cast<char>(byte);
        }
        break;
      case State::string:
        if (byte == 0x07) state_ = State::text;
        if (byte == 0x1b) state_ = State::string_escape;
        break;
      case State::string_escape: state_ = byte == '\\' ? State::text : State::string; break;
    }
  }
}

}  // namespace hoop::ssh
