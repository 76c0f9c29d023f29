// SPDX-License-Identifier: Apache-2.0
// hoopctl connect and run: a program against a target, or against several.
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/program_environment.h"
#include "cmd/program_run.h"

namespace hoop::cmd {
namespace {

// Each is a session with its own role, log and control channel.
constexpr std::size_t kMostTargets = 16;

void add_options(CLI::App& command, ProgramRunOptions& options) {
  command.add_option("--reason", options.reason, "why; stands in the record")->option_text("TEXT");
  command.add_flag("--tcp", options.tcp, "listen on 127.0.0.1 and not on a Unix socket");
  command.add_flag("--isolate", options.isolate,
                   "let the program reach its targets and nothing else: no network, no sockets");
  command.add_flag("--keep", options.keep,
                   "off a terminal: go on when the process that started hoopctl ends");
  command.add_flag("--fail-on-deny", options.fail_on_deny, "exit with 77 if anything was denied");
  command
      .add_option("--result-fd", options.result_descriptor,
                  "write one JSON object about each session to this descriptor at the end")
      ->option_text("N")
      ->check(CLI::Range(1, 1 << 20));
}

/// Each target once, and each with a variable of its own.
Result<void> check_targets(const Environment& environment, const ProgramRunOptions& options) {
  if (options.targets.size() > kMostTargets)
    return fail(ErrorCode::usage,
                fmt::format("more than {} targets around one program", kMostTargets),
                "run it several times, with some of them each");
  std::set<std::string> variables;
  for (const std::string& target : options.targets) {
    if (!variables.insert(url_variable(target)).second)
      return fail(ErrorCode::usage,
                  fmt::format("target '{}' and one before it have the same variable {}", target,
                              url_variable(target)),
                  "each gets a variable of its own: leave one out, or have it renamed");
  }
  const auto& program = environment.program;
  if (!program || program->empty() || program->front().starts_with('-'))
    return fail(ErrorCode::usage, "run needs a program after \"--\"",
                "hoopctl run -t pg-old -t pg-new -- ./migrate.sh");
  return {};
}

}  // namespace

void add_connect(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ProgramRunOptions>();
  CLI::App* command = app.add_subcommand(
      "connect", "run a program against a target; after --: its arguments, or another program");
  options->targets.resize(1);
  command->add_option("TARGET", options->targets.front(), "the target's name")
      ->required()
      ->option_text(" ");
  add_options(*command, *options);
  command->footer(examples({"hoopctl connect pg-prod -- -c 'select * from orders limit 5'",
                            "hoopctl connect pg-prod -- pg_dump -t orders"}));
  command->callback([&environment, options] {
    environment.takes_program = true;
    environment.work = [&environment, options] { return run_program(environment, *options); };
  });
}

void add_run(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ProgramRunOptions>();
  CLI::App* command =
      app.add_subcommand("run", "run a program against several targets at once; after --");
  command->add_option("-t,--target", options->targets, "a target's name; may be repeated")
      ->required()
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->option_text("TARGET");
  add_options(*command, *options);
  command->footer(
      examples({"hoopctl run -t pg-old -t pg-new -- sh -c 'pg_dump service=pg-old -t orders | psql "
                "service=pg-new'",
                "hoopctl run -t pg-prod -- ./report.py"}));
  command->callback([&environment, options] {
    environment.takes_program = true;
    environment.work = [&environment, options] {
      if (auto checked = check_targets(environment, *options); !checked)
        return environment.give_up(checked.error());
      return run_program(environment, *options);
    };
  });
}

}  // namespace hoop::cmd
