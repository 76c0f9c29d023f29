// SPDX-License-Identifier: Apache-2.0
#include "cmd/command_line.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "core/config/toml_reader.h"

namespace hoop::cmd {
namespace {

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(command->get_name());
  return out;
}

/// The innermost command that the words chose.
const CLI::App& chosen_command(const CLI::App& app) {
  const CLI::App* out = &app;
  while (!out->get_subcommands().empty()) out = out->get_subcommands().front();
  return *out;
}

std::string full_name(const CLI::App& command) {
  return command.get_parent() == nullptr
             ? command.get_name()
             : full_name(*command.get_parent()) + " " + command.get_name();
}

std::vector<std::string> options_of(const CLI::App* command) {
  std::vector<std::string> out;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    }
  }
  return out;
}

std::string exit_status_table() {
  std::string out = "Exit status: the program's own, 128+N if signal N ended it; hoopctl's own:\n";
  for (const ExitStatusLine& line : kExitStatuses)
    out += fmt::format("  {:<4}{}\n", static_cast<int>(line.status), line.meaning);
  return out;
}

/// What CLI11 found wrong, in our words.
Error complaint(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = chosen_command(app);
  std::string hint = full_name(command) + " --help";
  const auto unknown = app.remaining(true);
  const auto word = std::find_if(unknown.begin(), unknown.end(),
                                 [](const std::string& text) { return text != "--"; });
  if (word != unknown.end()) {
    const bool option = word->starts_with('-');
    const bool asks_command =
        !option && !command.get_subcommands([](const CLI::App*) { return true; }).empty();
    const auto near = config::nearest(option ? word->substr(0, word->find('=')) : *word,
                                      option ? options_of(&command) : names_of_commands(command));
    if (near && (option || asks_command)) hint = fmt::format("did you mean '{}'?", *near);
    const char* kind = option         ? "unknown option"
                       : asks_command ? "unknown command"
                                      : "unexpected word";
    return Error{
        ErrorCode::usage, fmt::format("{} '{}'", kind, remote_text(*word)), std::move(hint), {}};
  }
  if (error.get_name() == "RequiredError" &&
      std::string_view(error.what()).starts_with("A subcommand")) {
    return Error{ErrorCode::usage,
                 &command == &app ? "a command is missing"
                                  : fmt::format("'{}' needs a command", full_name(command)),
                 std::move(hint),
                 {}};
  }
  std::string message = remote_text(error.what());
  if (message.size() > 1 && std::islower(static_cast<unsigned char>(message[1])) != 0) {
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
  }
  return Error{ErrorCode::usage, std::move(message), std::move(hint), {}};
}

void add_global_options(CLI::App& app, Environment& environment) {
  GlobalOptions& options = environment.options;
  app.add_option("--config", options.config_file,
                 "read this file instead of ~/.config/hoopctl/config.toml")
      ->type_name("FILE");
  app.add_option("--gateway", options.gateway, "the gateway's URL")->type_name("URL");
  app.add_option("--output", options.output, "how to speak: text or json")
      ->option_text("text|json")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_flag("--quiet", options.quiet, "only errors");
  app.add_flag("--verbose", options.verbose, "say what happens");
  app.set_version_flag("--version", "hoopctl " HOOPCTL_VERSION, "print the version");
}

}  // namespace

std::string examples(const std::vector<std::string>& lines) {
  std::string out = "Examples:";
  for (const std::string& line : lines) out += "\n  " + line;
  return out;
}

ExitStatus run_command_line(std::vector<std::string> words, Environment& environment) {
  // The words of the program are none of the parser's business: it never sees them.
  if (const auto mark = std::find(words.begin(), words.end(), "--"); mark != words.end()) {
    environment.program.emplace(mark + 1, words.end());
    words.erase(mark, words.end());
  }
  CLI::App app(
      "People, CI jobs and agents reach databases, hosts and services by policy, masked and "
      "recorded.",
      "hoopctl");
  app.set_help_flag("--help,-h", "print this help");
  app.require_subcommand(1);
  app.fallthrough();
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  add_global_options(app, environment);
  add_login(app, environment);
  add_logout(app, environment);
  add_whoami(app, environment);
  add_targets(app, environment);
  add_connect(app, environment);
  add_run(app, environment);
  add_proxy(app, environment);
  add_ssh_config(app, environment);
  add_requests(app, environment);
  add_resume(app, environment);
  add_sessions(app, environment);
  add_policy(app, environment);
  add_gateway(app, environment);
  add_agent(app, environment);
  add_doctor(app, environment);
  app.footer(examples({"hoopctl login --gateway https://gw.example",
                       "hoopctl connect pg-prod -- -c 'select 1'"}) +
             "\n\n" + exit_status_table());
  try {
    std::reverse(words.begin(), words.end());  // CLI11 takes the words from the back
    app.parse(std::move(words));
  } catch (const CLI::Success& success) {
    return app.exit(success, std::cout, std::cerr) == 0 ? ExitStatus::ok : ExitStatus::internal;
  } catch (const CLI::ParseError& error) {
    if (auto settled = settle(environment); !settled)
      environment.console.detail("config", settled.error().message);
    return environment.give_up(complaint(app, error));
  }
  if (auto settled = settle(environment); !settled) return environment.give_up(settled.error());
  if (environment.program && !environment.takes_program) {
    return environment.give_up(
        Error{ErrorCode::usage,
              fmt::format("'{}' takes no words after '--'", full_name(chosen_command(app))),
              full_name(chosen_command(app)) + " --help",
              {}});
  }
  return environment.work();
}

}  // namespace hoop::cmd
