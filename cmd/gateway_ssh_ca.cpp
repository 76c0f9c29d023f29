// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway ssh-ca: the authority by which hosts let sessions in.
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/ssh_authority.h"

namespace hoop::cmd {
namespace {

Result<void> print_public_key(Environment& environment, const std::string& directory) {
  HOOP_CHECK(check_gateway_directory(directory));
  HOOP_TRY(const gateway::GatewayConfig config, gateway::load_config(directory));
  HOOP_TRY(const auto key, gateway::read_ssh_authority(config.layout));
  const std::string line = gateway::ssh_authority_line(key, config.id);
  // A line that goes into a file as it is.
  if (environment.settings.output == "json")
    environment.console.print(std::vector<Field>{{"public_key", line}});
  else
    environment.console.print_line(line);
  return {};
}

Result<void> create(Environment& environment, const std::string& directory) {
  HOOP_TRY(auto database, open_gateway_database(directory));
  HOOP_TRY(const gateway::GatewayConfig config, gateway::load_config(directory));
  HOOP_CHECK(record_act(environment, database, "ssh_ca.create", config.id));
  HOOP_CHECK(gateway::create_ssh_authority(config.layout));
  return print_public_key(environment, directory);
}

}  // namespace

void add_gateway_ssh_ca(CLI::App& app, Environment& environment) {
  CLI::App* command =
      app.add_subcommand("ssh-ca", "the authority that hosts trust to let sessions in by SSH");
  command->require_subcommand(1);
  command->footer(examples({"hoopctl gateway ssh-ca public-key /etc/hoopctl",
                            "hoopctl gateway ssh-ca create /etc/hoopctl"}));
  auto directory = std::make_shared<std::string>();
  const auto add = [&](const char* name, const char* help, auto work) {
    CLI::App* one = command->add_subcommand(name, help);
    one->add_option("DIR", *directory, "what 'gateway init' made")->required();
    one->callback([&environment, directory, work] {
      environment.work = [&environment, directory, work] {
        return environment.finish(work(environment, *directory));
      };
    });
    return one;
  };
  add("public-key", "print its public key, as sshd's TrustedUserCAKeys has it", print_public_key)
      ->footer(examples({"hoopctl gateway ssh-ca public-key /etc/hoopctl > hoopctl_ca.pub",
                         "hoopctl --output json gateway ssh-ca public-key /etc/hoopctl"}));
  add("create", "make its key, for a gateway of before there were hosts", create)
      ->footer(examples({"hoopctl gateway ssh-ca create /etc/hoopctl",
                         "hoopctl gateway ssh-ca create . > hoopctl_ca.pub"}));
}

}  // namespace hoop::cmd
