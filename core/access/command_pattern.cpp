// SPDX-License-Identifier: Apache-2.0
#include "core/access/command_pattern.h"

#include <algorithm>

#include "core/access/path_pattern.h"
#include "core/access/policy.h"

namespace hoop::access {
namespace {

using Fit = Pattern::Fit;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_./:=@%+,").find(c) != std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view text, char quote) {
  out += quote;
  for (const char c : text) {
    if (c == quote || c == '\\') out += '\\';
    out += c;
  }
  out += quote;
}

/// What is behind the last '/'.
std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// ".." between what parts a path, or an option from its path.
bool steps_out(std::string_view word) {
  for (std::size_t at = 0; (at = word.find("..", at)) != std::string_view::npos; ++at) {
    const bool begins =
        at == 0 || std::string_view("/=:,").find(word[at - 1]) != std::string_view::npos;
    const std::size_t behind = at + 2;
    const bool ends = behind == word.size() || word[behind] == '/' || word[behind] == ':';
    if (begins && ends) return true;
  }
  return false;
}

Fit fit_word(std::string_view pattern, std::string_view word, bool is_program) {
  const auto also = [&](std::string_view text) {
    return pattern.find('/') != std::string_view::npos ? path_matches(pattern, text)
                                                       : glob_matches(pattern, text);
  };
  if (!also(word)) {
    // Other ways to write the same: enough for a guard rail, not for a control.
    const bool in_a_folder = is_program && pattern.find('/') == std::string_view::npos &&
                             word.find('/') != std::string_view::npos && also(base_name(word));
    const bool around = word.starts_with('/') && also(lexical_path({}, word));
    return in_a_folder || around ? Fit::unknown : Fit::no;
  }
  if (pattern.find('*') == std::string_view::npos) return Fit::yes;
  const bool option = word.starts_with('-') && !pattern.starts_with('-');
  return option || steps_out(word) ? Fit::unknown : Fit::yes;
}

/// What a shell makes of a word begins as the word does, up to the first letter that is not plain.
Fit fit_unknown(std::string_view pattern, std::string_view word) {
  const auto end = std::ranges::find_if_not(word, is_plain);
  const std::string_view begins = word.substr(0, static_cast<std::size_t>(end - word.begin()));
  const std::string_view wanted = pattern.substr(0, pattern.find('*'));
  const std::size_t both = std::min(begins.size(), wanted.size());
  const bool differs = begins.substr(0, both) != wanted.substr(0, both);
  // Another way to write a path begins in another way.
  const bool may_be_the_same = steps_out(word) || word.find("//") != std::string_view::npos ||
                               word.find("/./") != std::string_view::npos;
  return differs && !may_be_the_same ? Fit::no : Fit::unknown;
}

}  // namespace

std::string join_command(const std::vector<CommandWord>& words) {
  std::string out;
  for (const CommandWord& word : words) {
    if (!out.empty()) out += ' ';
    if (!word.known) {
      append_quoted(out, word.text, '"');
    } else if (!word.text.empty() && std::ranges::all_of(word.text, is_plain)) {
      out += word.text;
    } else {
      append_quoted(out, word.text, '\'');
    }
  }
  return out;
}

Result<std::vector<CommandWord>> split_command(std::string_view line) {
  std::vector<CommandWord> out;
  const auto bad = [] { return fail(ErrorCode::malformed, "no line of words"); };
  for (std::size_t at = 0; at < line.size();) {
    CommandWord word;
    if (line[at] == '\'' || line[at] == '"') {
      const char quote = line[at++];
      word.known = quote == '\'';
      for (; at < line.size() && line[at] != quote; ++at) {
        if (line[at] == '\\' && ++at == line.size()) return bad();
        word.text += line[at];
      }
      if (at++ == line.size()) return bad();
    } else {
      while (at < line.size() && is_plain(line[at])) word.text += line[at++];
      if (word.text.empty()) return bad();
    }
    out.push_back(std::move(word));
    if (at == line.size()) break;
    if (line[at++] != ' ' || at == line.size()) return bad();
  }
  return out;
}

Result<CommandPattern> CommandPattern::parse(std::string_view text) {
  CommandPattern out;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == ' ' || text[at] == '\t') {
      ++at;
      continue;
    }
    if (out.open_)
      return fail(ErrorCode::config, "\"**\" is not the last word",
                  "it stands for all that follows");
    std::string word;
    while (at < text.size() && text[at] != ' ' && text[at] != '\t') {
      if (text[at] != '\'') {
        word += text[at++];
        continue;
      }
      const std::size_t end = text.find('\'', at + 1);
      if (end == std::string_view::npos)
        return fail(ErrorCode::config, "a ' without its end", "quote a word that holds a blank");
      word.append(text.substr(at + 1, end - at - 1));
      at = end + 1;
    }
    if (word == "**") {
      out.open_ = true;
    } else {
      out.words_.push_back(std::move(word));
    }
  }
  if (out.words_.empty())
    return fail(ErrorCode::config, "a command without a program", "like \"systemctl status *\"");
  return out;
}

Fit CommandPattern::fit(const std::vector<CommandWord>& words) const {
  Fit out = Fit::yes;
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if (i == words.size()) return Fit::no;
    // It may become none, or many: what comes behind it stands nobody knows where.
    if (!words[i].known) return fit_unknown(words_[i], words[i].text);
    const Fit one = fit_word(words_[i], words[i].text, i == 0);
    if (one == Fit::no) return Fit::no;
    if (one == Fit::unknown) out = Fit::unknown;
  }
  if (open_ || words.size() == words_.size()) return out;
  const bool may_vanish = std::all_of(words.begin() + static_cast<std::ptrdiff_t>(words_.size()),
                                      words.end(), [](const CommandWord& w) { return !w.known; });
  return may_vanish ? Fit::unknown : Fit::no;
}

}  // namespace hoop::access
