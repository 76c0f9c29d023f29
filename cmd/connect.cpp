// SPDX-License-Identifier: Apache-2.0
// hoopctl connect: a grant, a program run against it, and the sealed log at the gateway.
#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/program_environment.h"
#include "cmd/program_session.h"
#include "cmd/run.h"
#include "cmd/target_session.h"
#include "core/process/deep_stack.h"
#include "core/process/spawn.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMaxReason = 1000;

struct ConnectOptions {
  std::string target;
  std::string reason;
  bool tcp = false;
  bool keep = false;
  bool fail_on_deny = false;
  int result_descriptor = -1;
};

class Connect {
 public:
  Connect(Environment& environment, asio::io_context& context, ConnectOptions options,
          std::vector<int> descriptors)
      : environment_(environment),
        context_(context),
        options_(std::move(options)),
        descriptors_(std::move(descriptors)),
        target_(environment, context) {}

  Task<ExitStatus> work();

 private:
  Task<ProgramPlan> plan();
  void say_totals(const ProgramSessionEnd& end);
  ExitStatus status_of(const ProgramSessionEnd& end);
  Result<void> write_result(const ProgramSessionEnd& end, ExitStatus status) const;

  Environment& environment_;
  asio::io_context& context_;
  ConnectOptions options_;
  std::vector<int> descriptors_;
  TargetSession target_;
};

Task<ProgramPlan> Connect::plan() {
  const std::vector<std::string> words =
      program_words(environment_.program.value_or(std::vector<std::string>{}), "psql");
  TargetSession::Wish wish{options_.target, options_.reason, recorded_command(words)};
  HOOP_CO_TRY(OpenTarget open, co_await target_.open(std::move(wish)));
  const bool terminal =
      environment_.terminals.in || environment_.terminals.out || environment_.terminals.err;
  using ParentDeath = process::SupervisorSettings::ParentDeath;
  ProgramPlan plan;
  plan.session = target_.session();
  plan.target = std::move(open.target);
  plan.expires_at = open.expires_at;
  plan.words = words;
  plan.descriptors = std::move(descriptors_);
  plan.listen = options_.tcp ? ProgramPlan::Listen::tcp : ProgramPlan::Listen::unix_socket;
  plan.parent_death =
      terminal || options_.keep ? ParentDeath::is_ignored : ParentDeath::ends_program;
  plan.control = std::move(open.control);
  plan.path = std::move(open.path);
  co_return plan;
}

void Connect::say_totals(const ProgramSessionEnd& end) {
  const std::uint64_t masked = end.session.totals.masked_values;
  if (masked == 0) return;
  environment_.console.say(
      "masked", fmt::format("{} value{} masked by policy", masked, masked == 1 ? " was" : "s were"),
      {{"masked_values", masked}, {"session", target_.session()}});
}

ExitStatus Connect::status_of(const ProgramSessionEnd& end) {
  if (end.failure) {
    if (end.failure->code == ErrorCode::not_found)
      return environment_.console.error(*end.failure), ExitStatus::not_found;
    if (end.failure->code == ErrorCode::unsupported)
      return environment_.console.error(*end.failure), ExitStatus::not_executable;
    return environment_.give_up(*end.failure);
  }
  // On the gateway path the gateway ends the session without us, and its record is there.
  if (end.session.failure && target_.path() == access::DataPath::local)
    return environment_.give_up(*end.session.failure);
  const int status = end.program->status;
  if (end.session.was_taken() && !end.expired && !end.was_told)
    environment_.console.insist("access_ended", "the session was ended before its program",
                                {{"session", target_.session()}, {"cause", end.session.ended_by}});
  if ((end.expired || end.session.was_taken()) && status != 0) return ExitStatus::access_ended;
  const bool lost = target_.path() == access::DataPath::gateway
                        ? end.session.lost_gateway()
                        : end.session.ended_by == "gateway_lost";
  if (lost && status != 0) {
    if (!end.was_told)
      environment_.console.insist(
          "gateway_lost", "the gateway went away while the program ran: what was done is recorded",
          {{"session", target_.session()}, {"program_status", std::int64_t{status}}});
    return ExitStatus::unreachable;
  }
  if (options_.fail_on_deny && end.session.totals.denied > 0) return ExitStatus::denied;
  return program_status(status);
}

Result<void> Connect::write_result(const ProgramSessionEnd& end, ExitStatus status) const {
  if (options_.result_descriptor < 0) return {};
  return Console::write_json(
      options_.result_descriptor,
      {{"session", target_.session()},
       {"target", options_.target},
       {"program_status", end.program ? Value(std::int64_t{end.program->status}) : Value()},
       {"exit_status", std::int64_t{static_cast<int>(status)}},
       {"allowed", end.session.totals.allowed},
       {"denied", end.session.totals.denied},
       {"approved", std::uint64_t{0}},
       {"pending", std::vector<std::string>{}},
       {"masked_values", end.session.totals.masked_values},
       {"rows", end.session.totals.rows},
       {"bytes", end.session.totals.bytes},
       {"upload", std::string(to_string(target_.upload()))},
       {"log_digest", end.session.log_digest}});
}

Task<ExitStatus> Connect::work() {
  auto plan_made = co_await plan();
  if (!plan_made) co_return environment_.give_up(plan_made.error());
  auto session = std::make_unique<ProgramSession>(environment_, context_);
  const ProgramSessionEnd end = co_await session->run(std::move(*plan_made));
  session.reset();  // signals are ours again: what follows can be interrupted, and is made up for
                    // later
  ExitStatus status = status_of(end);
  say_totals(end);
  if (auto delivered = co_await target_.deliver(end.session); !delivered) {
    environment_.console.error(delivered.error());
    if (status == ExitStatus::ok) status = ExitStatus::record_lost;
  }
  if (auto written = write_result(end, status); !written)
    environment_.console.error(written.error());
  co_await target_.close();
  co_return status;
}

Result<void> check(ConnectOptions& options, std::vector<int>& descriptors) {
  if (options.reason.size() > kMaxReason)
    return fail(ErrorCode::usage, fmt::format("--reason is longer than {} bytes", kMaxReason));
  const int result = options.result_descriptor;
  if (result < 0) return {};
  const int flags = ::fcntl(result, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
    return fail(ErrorCode::usage, fmt::format("--result-fd {} is not open for writing", result),
                "for example: --result-fd 3 3>result.json");
  }
  std::erase(descriptors, result);  // the program has no business there
  return {};
}

ExitStatus run_connect(Environment& environment, ConnectOptions options) {
  std::vector<int> descriptors = process::inherited_descriptors();
  if (auto checked = check(options, descriptors); !checked)
    return environment.give_up(checked.error());
  // PostgreSQL's parser recurses as deep as a statement nests: everything that can meet one runs on
  // a large stack.
  const int status = process::run_on_deep_stack([&] {
    asio::io_context context;
    Connect connect(environment, context, std::move(options), std::move(descriptors));
    const auto done = run(context, connect.work());
    return static_cast<int>(done ? *done : environment.give_up(done.error()));
  });
  return static_cast<ExitStatus>(status);
}

}  // namespace

void add_connect(CLI::App& app, Environment& environment) {
  auto options = std::make_shared<ConnectOptions>();
  CLI::App* command = app.add_subcommand(
      "connect", "run a program against a target; after --: its arguments, or another program");
  command->add_option("TARGET", options->target, "the target's name")->required()->option_text(" ");
  command->add_option("--reason", options->reason, "why; stands in the record")
      ->option_text("TEXT");
  command->add_flag("--tcp", options->tcp, "listen on 127.0.0.1 and not on a Unix socket");
  command->add_flag("--keep", options->keep,
                    "off a terminal: go on when the process that started hoopctl ends");
  command->add_flag("--fail-on-deny", options->fail_on_deny, "exit with 77 if anything was denied");
  command
      ->add_option("--result-fd", options->result_descriptor,
                   "write one JSON object about the session to this descriptor at the end")
      ->option_text("N")
      ->check(CLI::Range(1, 1 << 20));
  command->footer(examples({"hoopctl connect pg-prod -- -c 'select * from orders limit 5'",
                            "hoopctl connect pg-prod -- pg_dump -t orders"}));
  command->callback([&environment, options] {
    environment.takes_program = true;
    environment.work = [&environment, options] { return run_connect(environment, *options); };
  });
}

}  // namespace hoop::cmd
