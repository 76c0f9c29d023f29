// SPDX-License-Identifier: Apache-2.0
// Programs that run what their words name: sudo, env, xargs, find -exec, sh -c, and interpreters,
// whose code is not looked into.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/command_pattern.h"

namespace hoop::ssh {

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& all, std::string_view word) {
  return std::ranges::find(all, word) != all.end();
}

struct Wrapped {
  std::vector<std::vector<access::CommandWord>> commands;  // by their words
  std::vector<std::string> scripts;                        // for a shell to read
  bool is_opaque = false;                                  // it runs what cannot be known
};

/// What a command runs besides itself.
Wrapped unwrap_command(const std::vector<access::CommandWord>& words);

}  // namespace hoop::ssh
