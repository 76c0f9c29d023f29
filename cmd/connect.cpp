// SPDX-License-Identifier: Apache-2.0
// hoopctl connect and run: a program against a target, or against several.
#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/approval_wait.h"
#include "cmd/command_line.h"
#include "cmd/program_environment.h"
#include "cmd/program_run.h"

namespace hoop::cmd {
namespace {

// Each is a session with its own role, log and control channel.
constexpr std::size_t kMostTargets = 16;

void add_options(CLI::App& command, ProgramRunOptions& options) {
  command.add_option("--reason", options.reason, "why; stands in the record")->option_text("TEXT");
  add_wait_option(command, options.wait);
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

/// `connect web-1 -- scp a web-1:b` would have the host run scp.
Result<void> check_words(const Environment& environment, const std::string& target) {
  const auto& words = environment.program;
  if (!words || words->empty()) return {};
  const std::string& program = words->front();
  const bool copies = program == "scp" || program == "sftp" || program == "rsync";
  if (!copies || std::ranges::none_of(*words, [&](const std::string& word) {
        return word == target || word.starts_with(target + ":");
      }))
    return {};
  return fail(
      ErrorCode::usage,
      fmt::format("what stands after '--' is run at the host, and {} is to run here", program),
      fmt::format("hoopctl run -t {} -- {} …", target, program));
}

}  // namespace

void add_connect(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ProgramRunOptions>();
  CLI::App* command = app.add_subcommand(
      "connect", "run a program against a target; after --: its arguments, or another program");
  options->targets.resize(1);
  options->is_connect = true;
  command->add_option("TARGET", options->targets.front(), "the target's name")
      ->required()
      ->option_text(" ");
  add_options(*command, *options);
  command->footer(
      examples({"hoopctl connect pg-prod -- -c 'select * from orders limit 5'",
                "hoopctl connect pg-prod -- pg_dump -t orders", "hoopctl connect web-1 -- uptime",
                "hoopctl connect billing-api -- sh -c 'curl $HOOPCTL_URL/invoices'",
                "hoopctl connect k8s-prod -- kubectl get pods"}));
  command->callback([&environment, options] {
    environment.takes_program = true;
    environment.work = [&environment, options] {
      if (auto checked = check_words(environment, options->targets.front()); !checked)
        return environment.give_up(checked.error());
      return run_program(environment, *options);
    };
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
                "hoopctl run -t pg-prod -- ./report.py",
                "hoopctl run -t web-1 -- scp web-1:/var/log/app.log .",
                "hoopctl run -t pg-prod -t billing-api -- ./reconcile.py"}));
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
