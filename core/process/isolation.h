// SPDX-License-Identifier: Apache-2.0
// A program that reaches nothing but its endpoints: no network, no Unix sockets, none of the
// folders that are hidden from it.
//
// Between our process and the program stands ours once more, under another name (kIsolatorName):
// what is done in the namespaces is done by a process that has none of our secrets in its memory,
// which entering a user namespace makes readable for others of the same user.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/descriptor.h"
#include "core/base/error.h"

namespace hoop::process {

struct Isolation {
  /// Of 127.0.0.1 in the program's network, where nothing else listens.
  std::vector<std::uint16_t> ports;
  /// Folders in whose place the program finds empty ones; what is not there need not be hidden.
  std::vector<std::string> hidden;
};

/// argv[0] of the process in between. main() hands over to run_isolator() first of all.
inline constexpr std::string_view kIsolatorName = "hoopctl-isolated";

/// argv of the process in between. report and channel are its descriptors: what spawn() reads a
/// Failure from, and what the listeners go through. parent: whose death is its own.
std::vector<std::string> isolator_words(const Isolation& isolation, int report, int channel,
                                        int parent, const std::vector<std::string>& program);
/// Becomes the program: enters namespaces of its own, listens, hides, gives up every privilege,
/// and execs. Answers only where it was not started by us.
int run_isolator(int argc, char** argv);

/// The listeners, in the order of the ports; empty if the other end has gone, or takes longer than
/// ten seconds.
std::vector<Descriptor> receive_listeners(int channel, std::size_t count);

/// What spawn() is told of why there is no program. step: 0, exec; else which step of isolation.
struct SpawnFailure {
  int step = 0;
  int error = 0;
};
Error isolation_error(const SpawnFailure& failure);
/// Why there are no listeners, where the process in between did not say.
Error no_listeners();

/// Whether this machine lets us isolate a program. Starts a process to find out.
Result<void> check_isolation();

}  // namespace hoop::process
