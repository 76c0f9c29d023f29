// SPDX-License-Identifier: Apache-2.0
// The reader behind read_command_line(): one pass over a script of a POSIX shell.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/ssh/command_line.h"

namespace hoop::ssh {

/// How deep commands may stand in commands; what goes deeper is opaque.
inline constexpr int kMostDepth = 8;
/// How many commands are kept; a line of more is opaque.
inline constexpr std::size_t kMostCommands = 512;

class ShellReader {
 public:
  using Words = std::vector<access::CommandWord>;

  /// text outlives it. depth: of what it stands in.
  ShellReader(std::string_view text, int depth) : text_(text), depth_(depth) {}
  void read();

  CommandForm form() const { return form_; }
  std::vector<Words> commands;
  std::vector<Words> inner;

 private:
  /// It is at least this by now.
  void become(CommandForm form) { form_ = std::max(form_, form); }
  bool done() const { return at_ >= text_.size() || form_ == CommandForm::opaque; }
  bool looks_at(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  void skip_blanks();
  void read_token();
  bool read_operator();
  void read_redirection();
  void read_word(access::CommandWord& word);
  void read_single_quotes(access::CommandWord& word);
  void read_double_quotes(access::CommandWord& word);
  void read_dollar(access::CommandWord& word);
  void read_substitution(access::CommandWord& word, std::size_t open, char close);
  void read_inner(std::string_view script, std::vector<Words>& into_commands);
  void take_word(access::CommandWord word, bool was_quoted);
  bool take_keyword(const std::string& word);
  void end_command();

  std::string_view text_;
  int depth_;
  std::size_t at_ = 0;
  CommandForm form_ = CommandForm::plain;
  Words command_;
  Words files_;                  // of the command's redirections
  bool expects_target_ = false;  // the next word is of a redirection
  bool in_list_ = false;         // of a `for`
};

}  // namespace hoop::ssh
