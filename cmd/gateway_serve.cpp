// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway serve DIR: runs until SIGTERM or SIGINT; the operator log goes to stderr.
#include <sys/stat.h>

#include <memory>

#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "core/base/log.h"
#include "gateway/server.h"

namespace hoop::cmd {
namespace {

ExitStatus serve(Environment& environment, const std::string& directory) {
  withhold_libpq_variables(environment);
  ::umask(077);
  auto log =
      std::make_shared<TextLog>(2, environment.options.verbose ? LogLevel::debug : LogLevel::info);
  const auto served = gateway::serve(directory, environment.clock, environment.random, log);
  return served ? ExitStatus::ok : environment.give_up(served.error());
}

}  // namespace

void add_gateway_serve(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand("serve", "run the gateway of a directory");
  auto directory = std::make_shared<std::string>();
  command->add_option("DIR", *directory, "what 'gateway init' made")->required();
  command->footer(examples({"hoopctl gateway serve /etc/hoopctl"}));
  command->callback([&environment, directory] {
    environment.work = [&environment, directory] { return serve(environment, *directory); };
  });
}

}  // namespace hoop::cmd
