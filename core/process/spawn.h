// SPDX-License-Identifier: Apache-2.0
// Starts a program: fork and exec with nothing of ours left in the child, and the reason when exec
// fails.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/base/error.h"

namespace hoop::process {

struct Program {
  std::vector<std::string> words;  // argv; words[0] is looked up in PATH unless it has a slash
  std::vector<std::string> environment;  // "NAME=value"
  /// Descriptors above 2 that the caller of hoopctl handed to us and that the program is to have
  /// too.
  std::vector<int> descriptors;
};

enum class ProcessGroup {
  own,           // leads a group of its own
  own_in_front,  // and takes the terminal on stdin before it runs
  shared,        // stays in ours
};

/// The child dies with this thread (PR_SET_PDEATHSIG), has default signal handling and an empty
/// mask. Fails with not_found (no such program), unsupported (there, but cannot be executed),
/// internal (no process could be made).
Result<pid_t> spawn(const Program& program, ProcessGroup group);

/// Descriptors above 2 that are open now and survive exec: call before anything else has been
/// opened.
std::vector<int> inherited_descriptors();

}  // namespace hoop::process
