// SPDX-License-Identifier: Apache-2.0
// POSIX.1-2017, Shell Command Language, as far as a line that is sent to a host goes.
#include "protocols/ssh/shell_reader.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocols/ssh/wrapped_command.h"

namespace hoop::ssh {
namespace {

using access::CommandWord;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}
bool ends_word(char c) {
  return is_blank(c) || std::string_view("\n;&|<>()").find(c) != std::string_view::npos;
}

/// NAME=, NAME+= and NAME[…]= before a command set a variable of its.
bool is_assignment(std::string_view word) {
  std::size_t at = 0;
  while (at < word.size() && is_name(word[at])) ++at;
  if (at == 0 || (word[0] >= '0' && word[0] <= '9')) return false;
  if (at < word.size() && word[at] == '[') return true;
  if (at < word.size() && word[at] == '+') ++at;
  return at < word.size() && word[at] == '=';
}

// After these a command begins.
constexpr std::array<std::string_view, 10> kOpeners{"if",    "then", "elif", "else", "while",
                                                    "until", "do",   "{",    "!",    "time"};
constexpr std::array<std::string_view, 4> kClosers{"fi", "done", "}", "in"};
// What is not read further: functions under the names of programs, patterns, arithmetic.
constexpr std::array<std::string_view, 6> kOpaqueWords{"case",   "esac", "function",
                                                       "select", "[[",   "coproc"};

bool is_alphanumeric(char c) { return is_name(c) && c != '_'; }

// The longest first.
constexpr std::array<std::string_view, 8> kRedirections{"<<<", ">>", "<&", ">&",
                                                        "<>",  ">|", "<",  ">"};

}  // namespace

void ShellReader::read() {
  if (depth_ > kMostDepth) return become(CommandForm::opaque);
  for (const char c : text_) {
    // Beside line ends and blanks: what a terminal or a shell takes for something else.
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
      return become(CommandForm::opaque);
  }
  while (!done()) read_token();
  end_command();
  if (commands.size() + inner.size() > kMostCommands) become(CommandForm::opaque);
}

void ShellReader::skip_blanks() {
  for (;;) {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    if (!looks_at("\\\n")) return;
    at_ += 2;
  }
}

void ShellReader::read_token() {
  skip_blanks();
  if (done() || read_operator()) return;
  if (text_[at_] == '#') {
    become(CommandForm::script);
    at_ = std::min(text_.find('\n', at_), text_.size());
    return;
  }
  CommandWord word;
  const std::size_t begin = at_;
  read_word(word);
  const bool was_quoted =
      text_.substr(begin, at_ - begin).find_first_of("'\"\\") != std::string_view::npos;
  if (!word.known) word.text = std::string(text_.substr(begin, at_ - begin));
  take_word(std::move(word), was_quoted);
}

/// What parts commands, and where a program reads and writes.
bool ShellReader::read_operator() {
  const char c = text_[at_];
  if (c == '<' || c == '>' || looks_at("&>")) {
    read_redirection();
    return true;
  }
  if (c == '\n' || c == ';') {
    if (looks_at(";;")) become(CommandForm::opaque);
    ++at_;
    end_command();
    return true;
  }
  if (c == '&' || c == '|') {
    const bool twice = at_ + 1 < text_.size() && text_[at_ + 1] == c;
    if (looks_at("|&"))
      become(CommandForm::opaque);  // of bash: another shell runs in the background
    if (c == '&' && !twice) become(CommandForm::script);
    at_ += twice ? 2 : 1;
    end_command();
    return true;
  }
  if (c == '(' || c == ')') {
    // A function's "()" gives a name another meaning; "((" is arithmetic.
    if ((c == '(' && !command_.empty()) || looks_at("((")) become(CommandForm::opaque);
    become(CommandForm::script);
    ++at_;
    end_command();
    return true;
  }
  return false;
}

void ShellReader::read_redirection() {
  become(CommandForm::script);
  // "&>" is one of bash's; others run the command in the background. A document may stand on the
  // lines that follow. "<( )" is a command in its turn.
  const bool is_document = looks_at("<<") && !looks_at("<<<");
  if (expects_target_ || is_document || looks_at("&>") || looks_at("<(") || looks_at(">("))
    return become(CommandForm::opaque);
  at_ += std::ranges::find_if(kRedirections, [&](auto one) { return looks_at(one); })->size();
  // A number in front of it is a descriptor and no word.
  if (!command_.empty() && at_ >= 2 && command_.back().known &&
      command_.back().text.find_first_not_of("0123456789") == std::string::npos)
    command_.pop_back();
  expects_target_ = true;
}

void ShellReader::read_word(CommandWord& word) {
  const std::size_t begin = at_;
  while (!done() && !ends_word(text_[at_])) {
    const char c = text_[at_];
    switch (c) {
      case '\'': read_single_quotes(word); break;
      case '"': read_double_quotes(word); break;
      case '$':
        // A quote behind it makes a text of bash's of the two.
        if (looks_at("$\"") || looks_at("$'")) word.known = false;
        read_dollar(word);
        break;
      case '`': read_substitution(word, 1, '`'); break;
      case '\\':
        if (at_ + 1 == text_.size()) return become(CommandForm::opaque);
        // "\x41" of fish.
        if (is_alphanumeric(text_[at_ + 1])) word.known = false;
        if (text_[at_ + 1] != '\n') word.text += text_[at_ + 1];
        at_ += 2;
        break;
      default:
        // Filled in from the names of files, of users, or by a shell's braces.
        if (c == '*' || c == '?' || c == '[' || c == '{' || c == '^' ||
            (c == '!' && at_ != begin) ||
            (c == '~' && (at_ == begin || text_[at_ - 1] == '=' || text_[at_ - 1] == ':')) ||
            (c == '=' && at_ == begin))  // of zsh: where a program is
          word.known = false;
        word.text += c;
        ++at_;
    }
  }
  // Words of their own, in which nothing is filled in.
  for (const std::string_view whole : {"{", "}", "{}", "!", "[", "[["}) {
    if (word.text == whole) word.known = true;
  }
}

void ShellReader::read_single_quotes(CommandWord& word) {
  const std::size_t end = text_.find('\'', at_ + 1);
  if (end == std::string_view::npos) return become(CommandForm::opaque);
  const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
  // To fish a '\\' before another and before the quote is no letter, to csh a line ends the quotes.
  if (inside.ends_with('\\') || inside.find("\\\\") != std::string_view::npos ||
      inside.find('\n') != std::string_view::npos)
    word.known = false;
  word.text += inside;
  at_ = end + 1;
}

void ShellReader::read_double_quotes(CommandWord& word) {
  for (++at_; !done();) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      return;
    }
    if (c == '$') {
      read_dollar(word);
    } else if (c == '`') {
      read_substitution(word, 1, '`');
    } else if (c == '\\' && at_ + 1 < text_.size()) {
      const char next = text_[at_ + 1];
      word.known = false;  // to csh it is a letter, and the quotes end at what is behind it
      if (std::string_view("$`\"\\\n").find(next) == std::string_view::npos) word.text += c;
      if (next != '\n') word.text += next;
      at_ += 2;
    } else {
      // csh looks into its history, and ends the quotes with the line.
      if (c == '!' || c == '\n') word.known = false;
      word.text += c;
      ++at_;
    }
  }
  become(CommandForm::opaque);  // without its end
}

void ShellReader::read_dollar(CommandWord& word) {
  if (looks_at("$((")) return become(CommandForm::opaque);
  if (looks_at("$(")) return read_substitution(word, 2, ')');
  if (at_ + 1 == text_.size() || ends_word(text_[at_ + 1]) || text_[at_ + 1] == '"') {
    word.text += '$';
    ++at_;
    return;
  }
  word.known = false;
  word.text += '$';
  ++at_;
  if (text_[at_] == '{') {
    // What stands in it may be a command in its turn.
    const std::size_t end = text_.find('}', at_);
    const std::string_view whole =
        text_.substr(at_, end == std::string_view::npos ? end : end - at_ + 1);
    if (end == std::string_view::npos ||
        whole.find_first_of("$`'\"\\(", 1) != std::string_view::npos)
      return become(CommandForm::opaque);
    word.text += whole;
    at_ = end + 1;
    return;
  }
  if (text_[at_] == '\'') return;
  if (is_name(text_[at_])) {
    while (at_ < text_.size() && is_name(text_[at_])) word.text += text_[at_++];
  } else {
    word.text += text_[at_++];  // $?, $$, $*, …
  }
}

/// $( … ) and ` … `: what it says becomes words; what it runs is looked at.
void ShellReader::read_substitution(CommandWord& word, std::size_t open, char close) {
  word.known = false;
  become(CommandForm::script);
  const std::size_t begin = at_ + open;
  int level = 1;
  char quote = 0;
  for (std::size_t i = begin; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == '\\' && quote != '\'') {
      if (close == '`') return become(CommandForm::opaque);  // its own level of escapes
      ++i;
      continue;
    }
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    // Of backquotes the first ends it, whatever it stands in.
    if (close == ')' && (c == '\'' || c == '"')) quote = c;
    if (close == ')' && c == '(') ++level;
    if (c != close || --level > 0) continue;
    read_inner(text_.substr(begin, i - begin), inner);
    word.text += text_.substr(at_, i + 1 - at_);
    at_ = i + 1;
    return;
  }
  become(CommandForm::opaque);
}

void ShellReader::read_inner(std::string_view script, std::vector<Words>& into) {
  ShellReader reader(script, depth_ + 1);
  reader.read();
  if (reader.form() == CommandForm::opaque) become(CommandForm::opaque);
  if (into.size() + reader.commands.size() + reader.inner.size() > kMostCommands)
    return become(CommandForm::opaque);
  for (Words& one : reader.commands) into.push_back(std::move(one));
  for (Words& one : reader.inner) inner.push_back(std::move(one));
}

/// The words of the shell's own at the beginning of a command.
bool ShellReader::take_keyword(const std::string& word) {
  if (is_one_of(kOpaqueWords, word)) {
    become(CommandForm::opaque);
    return true;
  }
  if (is_one_of(kOpeners, word)) {
    become(CommandForm::script);
    return true;
  }
  if (word == "for" || is_one_of(kClosers, word)) {
    become(CommandForm::script);
    in_list_ = word == "for";
    return true;
  }
  return false;
}

void ShellReader::take_word(CommandWord word, bool was_quoted) {
  if (done() && form_ == CommandForm::opaque) return;
  if (std::exchange(expects_target_, false)) {
    files_.push_back(std::move(word));
    return;
  }
  if (in_list_) return;  // the values of a `for`: words, no command
  if (command_.empty() && word.known && !was_quoted && take_keyword(word.text)) return;
  if (command_.empty() && is_assignment(word.text)) return become(CommandForm::script);
  if (!word.known) become(CommandForm::script);
  command_.push_back(std::move(word));
}

void ShellReader::end_command() {
  if (expects_target_) become(CommandForm::opaque);
  expects_target_ = in_list_ = false;
  Words files = std::exchange(files_, {});
  if (command_.empty() && files.empty()) return;
  Words words = std::exchange(command_, {});
  if (!files.empty()) {
    // A program that is given a file does with it what it does with one that it is told.
    files.insert(files.begin(), words.begin(), words.end());
    if (words.empty()) files.insert(files.begin(), CommandWord{"<"});
    inner.push_back(std::move(files));
  }
  if (words.empty()) return;
  if (commands.size() + inner.size() >= kMostCommands) return become(CommandForm::opaque);
  // Which program it is nobody knows.
  if (!words.front().known) become(CommandForm::opaque);
  const Wrapped wrapped = unwrap_command(words);
  if (wrapped.is_opaque) become(CommandForm::opaque);
  for (const Words& one : wrapped.commands) {
    // Behind sudo and its like stands another command, and may run one in its turn.
    inner.push_back(one);
    if (depth_ >= kMostDepth) return become(CommandForm::opaque);
    ShellReader reader({}, depth_ + 1);
    reader.command_ = one;
    reader.end_command();
    if (reader.form() == CommandForm::opaque) become(CommandForm::opaque);
    for (Words& more : reader.inner) inner.push_back(std::move(more));
  }
  for (const std::string& script : wrapped.scripts) read_inner(script, inner);
  commands.push_back(std::move(words));
}

}  // namespace hoop::ssh
