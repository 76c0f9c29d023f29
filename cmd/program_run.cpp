// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_run.h"

#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>

#include "cmd/approval_wait.h"
#include "cmd/program_environment.h"
#include "cmd/program_session.h"
#include "cmd/run.h"
#include "cmd/target_session.h"
#include "core/access/client_words.h"
#include "core/process/deep_stack.h"
#include "core/process/spawn.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostReasonBytes = 1000;
// Where PostgreSQL is looked for; the targets after the first listen behind it.
constexpr std::size_t kIsolatedPort = 5432;

class ProgramRun {
 public:
  ProgramRun(Environment& environment, asio::io_context& context, ProgramRunOptions options,
             std::chrono::seconds approval_wait, std::vector<int> descriptors)
      : environment_(environment),
        context_(context),
        options_(std::move(options)),
        approval_wait_(approval_wait),
        descriptors_(std::move(descriptors)) {}

  Task<ExitStatus> work();

 private:
  Task<ProgramPlan> plan();
  Result<process::Isolation> isolation() const;
  Task<TargetEndpoint::Plan> open(const std::string& name);
  asio::awaitable<void> give_back(std::vector<TargetEndpoint::Plan> opened);
  Error not_found(Error error) const;
  ExitStatus status_of(const ProgramSessionEnd& end);
  std::optional<ExitStatus> status_by(const TargetSession& session, const EndpointEnd& end,
                                      int program);
  asio::awaitable<ExitStatus> deliver(const ProgramSessionEnd& end, ExitStatus status);
  Result<void> write_result(const ProgramSessionEnd& end, ExitStatus status) const;

  Environment& environment_;
  asio::io_context& context_;
  ProgramRunOptions options_;
  std::chrono::seconds approval_wait_;
  std::vector<int> descriptors_;
  std::vector<std::string> words_;
  access::Target first_;
  std::vector<std::unique_ptr<TargetSession>> sessions_;  // as options_.targets
};

Task<TargetEndpoint::Plan> ProgramRun::open(const std::string& name) {
  TargetSession& session =
      *sessions_.emplace_back(std::make_unique<TargetSession>(environment_, context_));
  record::RecordedProgram program{recorded_command(words_), options_.isolate, options_.is_connect};
  TargetSession::Wish wish{name, options_.reason, std::move(program), options_.approval,
                           approval_wait_};
  if (options_.is_connect) wish.after_mark = words_;
  HOOP_CO_TRY(OpenTarget open, co_await session.open(std::move(wish)));
  TargetEndpoint::Plan plan;
  plan.session = session.session();
  plan.target = std::move(open.target);
  plan.logins = std::move(open.logins);
  plan.expires_at = open.expires_at;
  using Listen = TargetEndpoint::Plan::Listen;
  // What speaks HTTP wants a URL, and there is none for a Unix socket.
  const bool wants_url = plan.target.protocol == "http" || plan.target.protocol == "kubernetes";
  plan.listen = options_.tcp || wants_url ? Listen::tcp : Listen::unix_socket;
  if (options_.isolate) {
    plan.listen = Listen::in_isolation;
    plan.port = static_cast<std::uint16_t>(kIsolatedPort + sessions_.size() - 1);
  }
  plan.renewal = std::move(open.renewal);
  plan.control = std::move(open.control);
  plan.path = std::move(open.path);
  co_return plan;
}

/// Of several targets the last could not be opened: nothing runs against the others.
asio::awaitable<void> ProgramRun::give_back(std::vector<TargetEndpoint::Plan> opened) {
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const SessionResult result = co_await opened[i].path->finish("not_started", -1);
    if (const auto delivered = co_await sessions_[i]->deliver(result); !delivered)
      environment_.console.error(delivered.error());
    co_await sessions_[i]->close();
  }
}

Task<ProgramPlan> ProgramRun::plan() {
  words_ = environment_.program.value_or(std::vector<std::string>{});
  ProgramPlan plan;
  if (options_.isolate) {
    HOOP_CO_TRY(plan.isolation, isolation());
  }
  for (const std::string& name : options_.targets) {
    auto opened = co_await open(name);
    if (!opened) {
      co_await give_back(std::move(plan.targets));
      co_return std::unexpected(std::move(opened).error());
    }
    plan.targets.push_back(std::move(*opened));
  }
  const bool terminal =
      environment_.terminals.in || environment_.terminals.out || environment_.terminals.err;
  using ParentDeath = process::SupervisorSettings::ParentDeath;
  first_ = plan.targets.front().target;
  plan.words =
      options_.is_connect ? access::connect_words(first_.protocol, first_.name, words_) : words_;
  plan.descriptors = std::move(descriptors_);
  plan.parent_death =
      terminal || options_.keep ? ParentDeath::is_ignored : ParentDeath::ends_program;
  co_return plan;
}

Result<process::Isolation> ProgramRun::isolation() const {
  process::Isolation out;
  for (std::size_t i = 0; i < options_.targets.size(); ++i)
    out.ports.push_back(static_cast<std::uint16_t>(kIsolatedPort + i));
  // The login's tokens, and logs that wait.
  HOOP_TRY(std::string state, environment_.state_folder());
  out.hidden.push_back(std::move(state));
  return out;
}

/// What became of one target, where that says more than the program's status.
std::optional<ExitStatus> ProgramRun::status_by(const TargetSession& session,
                                                const EndpointEnd& end, int program) {
  // On the gateway path the gateway ends the session without us, and its record is there.
  if (end.session.failure && session.path() == access::DataPath::local)
    return environment_.give_up(*end.session.failure);
  if (end.session.was_taken() && !end.expired && !end.was_told)
    environment_.console.insist("access_ended", "the session was ended before its program",
                                {{"session", session.session()}, {"cause", end.session.ended_by}});
  if (end.was_taken() && program != 0) return ExitStatus::access_ended;
  const bool lost = session.path() == access::DataPath::gateway
                        ? end.session.lost_gateway()
                        : end.session.ended_by == "gateway_lost";
  if (!lost || program == 0) return std::nullopt;
  if (!end.was_told)
    environment_.console.insist(
        "gateway_lost", "the gateway went away while the program ran: what was done is recorded",
        {{"session", session.session()}, {"program_status", std::int64_t{program}}});
  return ExitStatus::unreachable;
}

/// Whoever has left out kubectl itself is told so.
Error ProgramRun::not_found(Error error) const {
  const bool is_kubectls = options_.is_connect && first_.protocol == "kubernetes" &&
                           !words_.empty() && words_.front().find('/') == std::string::npos;
  if (is_kubectls)
    error.hint = fmt::format("is it kubectl's? hoopctl connect {} -- kubectl {} …", first_.name,
                             remote_text(words_.front()));
  return error;
}

ExitStatus ProgramRun::status_of(const ProgramSessionEnd& end) {
  if (end.failure) {
    if (end.failure->code == ErrorCode::not_found)
      return environment_.console.error(not_found(*end.failure)), ExitStatus::not_found;
    if (end.failure->code == ErrorCode::unsupported)
      return environment_.console.error(*end.failure), ExitStatus::not_executable;
    return environment_.give_up(*end.failure);
  }
  const int status = end.program->status;
  std::optional<ExitStatus> ours;
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const auto one = status_by(*sessions_[i], end.targets[i], status);
    if (!ours) ours = one;
  }
  if (ours) return *ours;
  const bool denied = std::ranges::any_of(
      end.targets, [](const EndpointEnd& one) { return one.session.totals.denied > 0; });
  // What waits can be taken up again; what was rejected cannot.
  const auto any = [&end](auto has) {
    return std::ranges::any_of(end.targets,
                               [&](const EndpointEnd& one) { return has(one.session.totals); });
  };
  if (status != 0 && any([](const session::SessionTotals& of) { return !of.pending.empty(); }))
    return ExitStatus::approval_pending;
  if (status != 0 && any([](const session::SessionTotals& of) { return of.rejected > 0; }))
    return ExitStatus::approval_refused;
  if (options_.fail_on_deny && denied) return ExitStatus::denied;
  return program_status(status);
}

Result<void> ProgramRun::write_result(const ProgramSessionEnd& end, ExitStatus status) const {
  if (options_.result_descriptor < 0) return {};
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    const SessionResult& of = end.targets[i].session;
    HOOP_CHECK(Console::write_json(
        options_.result_descriptor,
        {{"session", sessions_[i]->session()},
         {"target", options_.targets[i]},
         {"program_status", end.program ? Value(std::int64_t{end.program->status}) : Value()},
         {"exit_status", std::int64_t{static_cast<int>(status)}},
         {"allowed", of.totals.allowed},
         {"denied", of.totals.denied},
         {"approved", of.totals.approved},
         {"pending", of.totals.pending},
         {"masked_values", of.totals.masked_values},
         {"rows", of.totals.rows},
         {"bytes", of.totals.bytes},
         {"upload", std::string(to_string(sessions_[i]->upload()))},
         {"log_digest", of.log_digest}}));
  }
  return {};
}

asio::awaitable<ExitStatus> ProgramRun::deliver(const ProgramSessionEnd& end, ExitStatus status) {
  for (std::size_t i = 0; i < sessions_.size(); ++i) {
    say_totals(environment_.console, *sessions_[i], end.targets[i]);
    const auto delivered = co_await sessions_[i]->deliver(end.targets[i].session);
    if (delivered) continue;
    environment_.console.error(delivered.error());
    if (status == ExitStatus::ok) status = ExitStatus::record_lost;
  }
  co_return status;
}

Task<ExitStatus> ProgramRun::work() {
  auto plan_made = co_await plan();
  if (!plan_made) co_return environment_.give_up(plan_made.error());
  auto session = std::make_unique<ProgramSession>(environment_, context_);
  const ProgramSessionEnd end = co_await session->run(std::move(*plan_made));
  session.reset();  // signals are ours again: what follows can be interrupted, and is made up for
                    // later
  const ExitStatus before = status_of(end);
  const ExitStatus status = co_await deliver(end, before);
  if (auto written = write_result(end, status); !written)
    environment_.console.error(written.error());
  for (const auto& one : sessions_) co_await one->close();
  co_return status;
}

Result<void> check(const ProgramRunOptions& options, std::vector<int>& descriptors) {
  HOOP_CHECK(check_reason(options.reason));
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

}  // namespace

Result<void> check_reason(const std::string& reason) {
  if (reason.size() > kMostReasonBytes)
    return fail(ErrorCode::usage,
                fmt::format("--reason is longer than {} bytes", kMostReasonBytes));
  return {};
}

void say_totals(Console& console, const TargetSession& session, const EndpointEnd& end) {
  const std::uint64_t masked = end.session.totals.masked_values;
  if (masked == 0) return;
  console.say("masked",
              fmt::format("{} value{} masked by policy", masked, masked == 1 ? " was" : "s were"),
              {{"masked_values", masked}, {"session", session.session()}});
}

ExitStatus run_program(Environment& environment, ProgramRunOptions options) {
  std::vector<int> descriptors = process::inherited_descriptors();
  if (auto checked = check(options, descriptors); !checked)
    return environment.give_up(checked.error());
  const auto wait = approval_wait(environment, options.wait);
  if (!wait) return environment.give_up(wait.error());
  // PostgreSQL's parser recurses as deep as a statement nests: everything that can meet one runs on
  // a large stack.
  const int status = process::run_on_deep_stack([&] {
    asio::io_context context;
    ProgramRun program(environment, context, std::move(options), *wait, std::move(descriptors));
    const auto done = run(context, program.work());
    return static_cast<int>(done ? *done : environment.give_up(done.error()));
  });
  return static_cast<ExitStatus>(status);
}

}  // namespace hoop::cmd
