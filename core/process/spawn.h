// SPDX-License-Identifier: Apache-2.0
// Starts a program: fork and exec with nothing of ours left in the child, and the reason when exec
// fails.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "core/base/descriptor.h"
#include "core/base/error.h"
#include "core/process/isolation.h"

namespace hoop::process {

struct Program {
  std::vector<std::string> words;  // argv; words[0] is looked up in PATH unless it has a slash
  std::vector<std::string> environment;  // "NAME=value"
  /// Descriptors above 2 that the caller of hoopctl handed to us and that the program is to have
  /// too.
  std::vector<int> descriptors;
  std::optional<Isolation> isolation = std::nullopt;
  bool dies_with_us = true;  // false: it sees by itself that we have gone, and has work to do then
  std::string executable = {};  // what is executed in the place of words[0]; empty: that
};

struct Spawned {
  pid_t pid = 0;
  std::vector<Descriptor> listeners;  // of an isolated program, in the order of its ports
};

enum class ProcessGroup {
  own,           // leads a group of its own
  own_in_front,  // and takes the terminal on stdin before it runs
  shared,        // stays in ours
};

/// The child dies with this thread (PR_SET_PDEATHSIG) unless the program says otherwise, has
/// default signal handling and an empty mask. Fails with not_found (no such program), unsupported
/// (there, but cannot be executed, or cannot be isolated), internal (no process could be made).
Result<Spawned> spawn(const Program& program, ProcessGroup group);

/// Executes the program by PATH of this process's environment; answers errno if it cannot.
int exec_program(const std::vector<std::string>& words);

/// Descriptors above 2 that are open now and survive exec: call before anything else has been
/// opened.
std::vector<int> inherited_descriptors();

}  // namespace hoop::process
