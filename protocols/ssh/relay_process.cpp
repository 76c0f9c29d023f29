// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/relay_process.h"

#include <fcntl.h>

#include <charconv>

#include "core/process/spawn.h"
#include "protocols/ssh/relay.h"

namespace hoop::ssh {
namespace {

/// Not of the three that everybody has: a stranger's argv must not make us take those.
Descriptor descriptor_of(std::string_view word) {
  int number = -1;
  const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || stop != word.data() + word.size() || number < 3) return {};
  ::fcntl(number, F_SETFD, FD_CLOEXEC);
  return Descriptor(number);
}

}  // namespace

Result<pid_t> start_relay_process(RelaySockets sockets) {
  process::Program program;
  program.executable = "/proc/self/exe";
  program.words.emplace_back(kRelayName);
  program.dies_with_us = false;  // what runs at the target is to be ended
  for (const Descriptor* socket : {&sockets.control, &sockets.client, &sockets.target}) {
    program.words.push_back(std::to_string(socket->get()));
    program.descriptors.push_back(socket->get());
  }
  HOOP_TRY(const process::Spawned spawned, process::spawn(program, process::ProcessGroup::own));
  return spawned.pid;
}

int run_relay_process(int argc, char** argv) {
  if (argc != 4) return 64;
  Descriptor control = descriptor_of(argv[1]);
  Descriptor client = descriptor_of(argv[2]);
  Descriptor target = descriptor_of(argv[3]);
  return run_relay(std::move(control), std::move(client), std::move(target));
}

}  // namespace hoop::ssh
