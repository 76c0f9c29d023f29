// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/exec_command.h"

#include <algorithm>
#include <array>

namespace hoop::kubernetes {
namespace {

using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 14> kShells{"sh",    "bash", "dash",  "zsh",  "ksh",
                                                   "mksh",  "ash",  "csh",   "tcsh", "fish",
                                                   "rbash", "lksh", "pdksh", "yash"};
// Interpreters, and programs that run what their words name.
constexpr std::array<std::string_view, 62> kRunners{
    "python",  "perl",    "ruby",    "node",      "nodejs",      "php",      "lua",     "tclsh",
    "expect",  "guile",   "awk",     "gawk",      "mawk",        "nawk",     "Rscript", "R",
    "gdb",     "env",     "nohup",   "nice",      "ionice",      "chrt",     "timeout", "time",
    "stdbuf",  "setsid",  "exec",    "command",   "xargs",       "strace",   "ltrace",  "chroot",
    "unshare", "nsenter", "setpriv", "flock",     "watch",       "prlimit",  "taskset", "numactl",
    "runuser", "busybox", "toybox",  "su",        "sudo",        "doas",     "script",  "parallel",
    "screen",  "tmux",    "ssh",     "pkexec",    "systemd-run", "fakeroot", "find",    "sed",
    "eval",    "source",  "tini",    "dumb-init", "gosu",        "java"};

std::string_view program_of(const Words& words) {
  const std::string_view first = words.front();
  return first.substr(first.rfind('/') + 1);
}

/// python3.11, lua5.4: the language's name and a version.
std::string_view without_version(std::string_view name) {
  while (!name.empty() && (name.back() == '.' || (name.back() >= '0' && name.back() <= '9')))
    name.remove_suffix(1);
  return name;
}

template <std::size_t N>
bool is_among(const std::array<std::string_view, N>& all, std::string_view word) {
  return std::ranges::find(all, word) != all.end();
}

/// -c, alone or behind other letters (-ec); a long option is none.
bool gives_script(std::string_view option) {
  return option.size() > 1 && option[0] == '-' && option[1] != '-' &&
         option.find('c') != std::string_view::npos;
}

bool begins_with(const Words& words, std::initializer_list<std::string_view> with) {
  return words.size() >= with.size() && std::equal(with.begin(), with.end(), words.begin());
}

}  // namespace

std::string_view form_of_command(const Words& words) {
  if (words.empty() || words.front().empty()) return "opaque";
  const std::string_view program = program_of(words);
  if (is_among(kShells, program)) {
    const bool has_script = words.size() > 2 && gives_script(words[1]);
    return has_script ? "script" : "opaque";
  }
  return is_among(kRunners, program) || is_among(kRunners, without_version(program)) ? "opaque"
                                                                                     : "plain";
}

std::string_view transfer_of_command(const Words& words) {
  // One path, and no option that would have tar run something.
  if (words.size() == 4 && begins_with(words, {"tar", "cf", "-"}) && !words[3].starts_with('-'))
    return "download";
  std::size_t read = 0;
  if (begins_with(words, {"tar", "-xmf", "-"}) || begins_with(words, {"tar", "xmf", "-"}) ||
      begins_with(words, {"tar", "xf", "-"}))
    read = 3;
  if (begins_with(words, {"tar", "--no-same-permissions", "--no-same-owner", "-xmf", "-"}))
    read = 5;
  if (read == 0) return "absent";
  const bool has_folder = words.size() == read + 2 && words[read] == "-C";
  return words.size() == read || has_folder ? "upload" : "absent";
}

}  // namespace hoop::kubernetes
