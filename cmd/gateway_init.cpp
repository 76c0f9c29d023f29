// SPDX-License-Identifier: Apache-2.0
// hoopctl gateway init DIR: a gateway that can be started, and what to do next.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway.h"
#include "gateway/init.h"

namespace hoop::cmd {
namespace {

ExitStatus init(Environment& environment, const gateway::InitOptions& options) {
  auto report = gateway::init_directory(options, environment.random);
  if (!report) return environment.give_up(report.error());
  const std::string directory = options.directory.string();
  Console& console = environment.console;
  console.say("gateway_files", fmt::format("wrote {}", fmt::join(report->files, ", ")),
              {{"files", report->files}});
  console.print(std::vector<Field>{
      {"directory", directory},
      {"gateway", report->gateway_id},
      {"url", report->url.empty() ? Value(std::monostate{}) : Value(report->url)},
      {"ca_sha256", report->ca_sha256}});
  const std::string url = report->url.empty() ? "https://localhost:PORT" : report->url;
  console.say("next",
              fmt::format("next: 1. add a target to {0}/gateway.toml and look at {0}/policy.toml; "
                          "2. hoopctl gateway user add {0} NAME --group developers; "
                          "3. hoopctl gateway serve {0}",
                          directory));
  console.say("next",
              fmt::format("people then log in with: hoopctl login --gateway {} --ca-sha256 {}", url,
                          report->ca_sha256));
  return ExitStatus::ok;
}

}  // namespace

void add_gateway_init(CLI::App& app, Environment& environment) {
  CLI::App* command = app.add_subcommand(
      "init", "write a working configuration, keys and a CA into a new directory");
  auto options = std::make_shared<gateway::InitOptions>();
  auto directory = std::make_shared<std::string>();
  command->add_option("DIR", *directory, "the directory to make; nothing is ever overwritten")
      ->required();
  command
      ->add_option("--name", options->names,
                   "a host name or address that people reach it by; may be given several times")
      ->type_name("HOST")
      ->take_all();
  command->add_option("--listen", options->listen, "address and port; port 0 takes a free one")
      ->type_name("A:P")
      ->capture_default_str();
  command->footer(
      examples({"hoopctl gateway init /etc/hoopctl --name gw.example --listen 0.0.0.0:8443"}));
  command->callback([&environment, options, directory] {
    options->directory = *directory;
    environment.work = [&environment, options] { return init(environment, *options); };
  });
}

}  // namespace hoop::cmd
