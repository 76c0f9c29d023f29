// SPDX-License-Identifier: Apache-2.0
// A command line as the host's shell will read it: which programs it runs, with which words, and
// whether that can be known at all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/access/command_pattern.h"

namespace hoop::ssh {

/// plain: commands, one after the other or piped, whose words are all known: POSIX shells, csh
/// and fish run exactly them. script: the shell does more than that (it redirects, assigns,
/// branches, fills in words), but which programs it runs is known. opaque: that is not.
enum class CommandForm { plain, script, opaque };
std::string_view to_string(CommandForm form);

/// What scp and rsync run at the other end.
enum class Transfer { none, upload, download };
std::string_view to_string(Transfer transfer);

struct CommandLine {
  CommandForm form = CommandForm::plain;
  /// As they stand in the line.
  std::vector<std::vector<access::CommandWord>> commands;
  /// Those that one of them runs in its turn: behind sudo, env, xargs, find -exec, sh -c, in $( ).
  /// Of one whose streams are led to files also itself with those as its last words.
  std::vector<std::vector<access::CommandWord>> inner;
};

/// Of one command.
Transfer transfer_of(const std::vector<access::CommandWord>& words);

/// Whether what it says is for a program and no reader: scp, rsync and git, run as they run one
/// another, and nothing beside.
bool is_for_programs(std::string_view text);

/// By the grammar of POSIX shells. What other shells take in another way, and what is not
/// understood, is opaque.
CommandLine read_command_line(std::string_view text);

}  // namespace hoop::ssh
