// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/wrapped_command.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hoop::ssh {
namespace {

using Words = std::vector<access::CommandWord>;

/// A program that runs the words behind its own.
struct Wrapper {
  std::string_view name;
  std::string_view with_value;   // letters of options that take the next word
  std::size_t arguments = 0;     // of its own before the command: timeout's time
  bool takes_variables = false;  // NAME=value before the command
};

constexpr std::array<Wrapper, 34> kWrappers{{
    {"sudo", "ugpCcDhRrtTU", 0, true},
    {"doas", "uC"},
    {"env", "uCS", 0, true},
    {"nohup", ""},
    {"nice", "n"},
    {"ionice", "cnp"},
    {"chrt", "TPD", 1},
    {"timeout", "ks", 1},
    {"time", "fo"},
    {"stdbuf", "ioe"},
    {"setsid", ""},
    {"exec", "a"},
    {"command", ""},
    {"builtin", ""},
    {"xargs", "EILPadns"},
    {"strace", "eopsuSPE"},
    {"ltrace", "eopsunFlx"},
    {"chroot", "", 1},
    {"unshare", "SGRw"},
    {"nsenter", "tSG"},
    {"setpriv", ""},
    {"flock", "wE", 1},
    {"watch", "nq"},
    {"prlimit", ""},
    {"taskset", "", 1},
    {"numactl", "NmpC"},
    {"systemd-run", "upMHEPt"},
    {"runuser", "ugGsw"},
    {"busybox", ""},
    {"toybox", ""},
    {"catchsegv", ""},
    {"fakeroot", "ls"},
    {"proot", "rbqw"},
    {"ssh-agent", "atE"},
}};

// Long options of wrappers that have no value.
constexpr std::array<std::string_view, 8> kWithoutValue{
    "--ignore-environment", "--null",    "--preserve-env", "--non-interactive",
    "--no-run-if-empty",    "--verbose", "--foreground",   "--preserve-status"};
// Which run a text that their -c names, or what they read.
constexpr std::array<std::string_view, 14> kShells{"sh",    "bash", "dash",  "zsh",  "ksh",
                                                   "mksh",  "ash",  "csh",   "tcsh", "fish",
                                                   "rbash", "lksh", "pdksh", "yash"};
// Which run code of a language that is not read here, unless they only say their version.
constexpr std::array<std::string_view, 24> kInterpreters{
    "python", "python2",   "python3", "perl",    "ruby",  "node", "nodejs", "php",
    "lua",    "tclsh",     "wish",    "expect",  "guile", "awk",  "gawk",   "mawk",
    "nawk",   "osascript", "R",       "Rscript", "ghci",  "irb",  "erl",    "gdb"};
// Which run words that they read or put together.
constexpr std::array<std::string_view, 13> kRunsAnything{
    "eval",  "source",  ".",      "su",   "script", "parallel", "at",
    "batch", "crontab", "screen", "tmux", "ssh",    "pkexec"};

std::string_view program_of(const Words& words) {
  const std::string& text = words.front().text;
  return std::string_view(text).substr(text.rfind('/') + 1);
}

/// python3.11, lua5.4: the language's name and a version.
std::string_view without_version(std::string_view name) {
  while (!name.empty() && (name.back() == '.' || (name.back() >= '0' && name.back() <= '9')))
    name.remove_suffix(1);
  return name;
}

void unwrap_shell(const Words& words, Wrapped& out) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (!words[i].known) {
      out.is_opaque = true;
      return;
    }
    const std::string& word = words[i].text;
    if (!word.starts_with('-') && !word.starts_with('+')) {
      out.is_opaque = true;  // a file of commands
      return;
    }
    if (word == "--version" || word == "--help") return;
    if (word.starts_with("--") || word.find('c') == std::string::npos) continue;
    if (i + 1 == words.size() || !words[i + 1].known) {
      out.is_opaque = true;
    } else {
      out.scripts.push_back(words[i + 1].text);
    }
    return;
  }
  // It reads its commands: from a person or a program at the other end, whom nobody can ask.
  out.is_opaque = true;
}

void unwrap_find(const Words& words, Wrapped& out) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i].text;
    if (word != "-exec" && word != "-execdir" && word != "-ok" && word != "-okdir") continue;
    Words command;
    for (++i; i < words.size() && words[i].text != ";" && words[i].text != "+"; ++i) {
      command.push_back(words[i]);
      if (words[i].text.find("{}") != std::string::npos) command.back().known = false;
    }
    if (command.empty()) {
      out.is_opaque = true;
    } else {
      out.commands.push_back(std::move(command));
    }
  }
}

/// sed's e and w commands, and its scripts in files, are not read.
void unwrap_sed(const Words& words, Wrapped& out) {
  const auto harmless = [](std::string_view script) {
    // s/…/…/ with flags other than e and w, or an address and one of p, d, q, =.
    if (script.size() > 3 && script[0] == 's') {
      const char mark = script[1];
      return std::ranges::count(script, mark) == 3 && mark != 'g' && mark != 'p' &&
             script.find_first_of("\n;") == std::string_view::npos &&
             script.substr(script.rfind(mark) + 1).find_first_not_of("gpiI0123456789") ==
                 std::string_view::npos;
    }
    return script.find_first_not_of("0123456789,$pdq=") == std::string_view::npos;
  };
  bool seen = false;
  for (std::size_t i = 1; i < words.size() && !out.is_opaque; ++i) {
    const std::string& word = words[i].text;
    if (word == "-n" || word == "-E" || word == "-r" || word == "-i" || word == "-s" ||
        word == "-z")
      continue;
    if (word == "-e" || word == "--expression") {
      if (++i == words.size() || !words[i].known || !harmless(words[i].text)) out.is_opaque = true;
      seen = true;
    } else if (word.starts_with('-')) {
      out.is_opaque = true;
    } else if (!seen) {
      out.is_opaque = !words[i].known || !harmless(word);
      seen = true;
    }
  }
}

/// Where the command behind a wrapper begins; past the end if there is none. 0: it cannot be told.
std::size_t command_behind(const Wrapper& wrapper, const Words& words) {
  std::size_t i = 1;
  for (; i < words.size(); ++i) {
    if (!words[i].known) return 0;
    const std::string& word = words[i].text;
    if (word == "--") {
      ++i;
      break;
    }
    if (wrapper.name == "env" &&
        (word == "-S" || word.starts_with("--split-string") || word.starts_with("-S")))
      return 0;
    if (word.starts_with("--")) {
      // Its value may be the next word.
      if (word.find('=') == std::string::npos && !is_one_of(kWithoutValue, word)) return 0;
      continue;
    }
    if (word.size() > 1 && word[0] == '-') {
      // The first of its letters that has a value has it behind it, or in the next word.
      const std::size_t letter = word.find_first_of(wrapper.with_value, 1);
      if (letter != std::string::npos && letter + 1 == word.size()) ++i;
      continue;
    }
    if (wrapper.takes_variables && word.find('=') != std::string::npos) continue;
    break;
  }
  for (std::size_t own = 0; own < wrapper.arguments; ++own, ++i) {
    if (i < words.size() && !words[i].known) return 0;
  }
  return i;
}

}  // namespace

Wrapped unwrap_command(const Words& words) {
  Wrapped out;
  if (words.empty() || !words.front().known) return out;
  const std::string_view program = program_of(words);
  if (is_one_of(kShells, program)) {
    unwrap_shell(words, out);
    return out;
  }
  if (is_one_of(kInterpreters, program) || is_one_of(kInterpreters, without_version(program))) {
    const bool tells = words.size() == 2 && (words[1].text == "--version" || words[1].text == "-V");
    out.is_opaque = !tells;
    return out;
  }
  if (program == "find") {
    unwrap_find(words, out);
    return out;
  }
  if (program == "sed") {
    unwrap_sed(words, out);
    return out;
  }
  if (program == "eval" && std::ranges::all_of(words, &access::CommandWord::known)) {
    std::string script;
    for (std::size_t i = 1; i < words.size(); ++i) script += (i > 1 ? " " : "") + words[i].text;
    out.scripts.push_back(std::move(script));
    return out;
  }
  if (is_one_of(kRunsAnything, program)) {
    out.is_opaque = true;
    return out;
  }
  const auto wrapper = std::ranges::find(kWrappers, program, &Wrapper::name);
  if (wrapper == kWrappers.end()) return out;
  const std::size_t begin = command_behind(*wrapper, words);
  if (begin == 0) {
    out.is_opaque = true;
    return out;
  }
  if (begin >= words.size()) {
    // sudo -l, nohup without a word; but a shell is what sudo -s and -i begin.
    out.is_opaque =
        words.size() > 1 && (program == "sudo" || program == "unshare" || program == "nsenter" ||
                             program == "chroot" || program == "setpriv" || program == "runuser");
    if (program == "sudo" && words.size() == 2 &&
        (words[1].text == "-l" || words[1].text == "-v" || words[1].text == "-k"))
      out.is_opaque = false;
    return out;
  }
  Words command(words.begin() + static_cast<std::ptrdiff_t>(begin), words.end());
  // What xargs reads becomes more words behind these.
  if (program == "xargs") command.push_back({"…", false});
  // watch hands its words to a shell.
  if (program == "watch") {
    out.scripts.push_back(access::join_command(command));
    return out;
  }
  out.commands.push_back(std::move(command));
  return out;
}

}  // namespace hoop::ssh
