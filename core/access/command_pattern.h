// SPDX-License-Identifier: Apache-2.0
// Commands as lists of words, and the patterns by which rules name them: a control over what may
// run must compare words and not text, in which a blank, a ';' or a quote changes the meaning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/access/pattern.h"

namespace hoop::access {

struct CommandWord {
  std::string text;
  /// False: a shell makes something of it that nobody knows beforehand; text is as it was written.
  bool known = true;
  bool operator==(const CommandWord&) const = default;
};

/// One line that split_command() reads again: words with a blank between two, quoted by ' where
/// they are not plain, and by " where they are not known.
std::string join_command(const std::vector<CommandWord>& words);
/// Fails with malformed for what join_command() has not written.
Result<std::vector<CommandWord>> split_command(std::string_view line);

/// Words with blanks between them, quoted by ' where they hold one. '*' in a word stands for any
/// run of characters; "**" as the last word for any more words, none included. In a word with a '/'
/// a
/// '*' does not stand for a '/', and "**" does.
///
/// For an allow a word that a '*' has matched must not begin with '-' unless the pattern's does,
/// nor step out of a folder by "..". The name of a program without '/' is for an allow exactly
/// that, and for a deny also one in any folder.
class CommandPattern {
 public:
  /// Fails with config: no word, a quote without its end, "**" that is not the last word.
  static Result<CommandPattern> parse(std::string_view text);
  /// words: a command. unknown: a deny takes it for yes, an allow for no.
  Pattern::Fit fit(const std::vector<CommandWord>& words) const;

 private:
  std::vector<std::string> words_;
  bool open_ = false;  // any more words
};

}  // namespace hoop::access
