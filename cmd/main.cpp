// SPDX-License-Identifier: Apache-2.0
// Builds what every command is given, and turns the command's answer into the exit status. No
// logic.
#include <unistd.h>

#include <exception>
#include <string_view>

#include "cmd/command_line.h"
#include "cmd/ssh_clients.h"
#include "core/base/clock.h"
#include "core/crypto/digest.h"
#include "core/process/hardening.h"
#include "core/process/isolation.h"
#include "protocols/ssh/relay_process.h"

namespace {

std::map<std::string, std::string> snapshot(char** variables) {
  std::map<std::string, std::string> out;
  for (; *variables != nullptr; ++variables) {
    const std::string_view entry(*variables);
    if (const std::size_t sign = entry.find('='); sign != std::string_view::npos)
      out.emplace(entry.substr(0, sign), entry.substr(sign + 1));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  // These have no secrets, and what hardening does would stand in the way of the first.
  if (argc > 0 && argv[0] == hoop::process::kIsolatorName)
    return hoop::process::run_isolator(argc, argv);
  if (argc == 3 && argv[1] == hoop::cmd::kPassSshSocket) return hoop::cmd::pass_ssh_socket(argv[2]);
  hoop::process::harden();  // first: from here on no other process of this uid can look into ours
  hoop::crypto::ignore_openssl_configuration();
  if (argc > 0 && argv[0] == hoop::ssh::kRelayName) return hoop::ssh::run_relay_process(argc, argv);
  const hoop::SystemClock clock;
  hoop::crypto::SystemRandom random;
  // Before anything else sees the environment.
  hoop::SecretText token = hoop::cmd::take_variable(environ, "HOOPCTL_TOKEN");
  hoop::cmd::Environment environment(clock, random, snapshot(environ),
                                     {::isatty(0) == 1, ::isatty(1) == 1, ::isatty(2) == 1});
  environment.token = std::move(token);
  try {
    return static_cast<int>(
        hoop::cmd::run_command_line({argv + (argc > 0 ? 1 : 0), argv + argc}, environment));
  } catch (const std::exception& error) {
    return static_cast<int>(
        environment.give_up(hoop::Error{hoop::ErrorCode::internal, error.what(), {}, {}}));
  }
}
