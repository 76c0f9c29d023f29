// SPDX-License-Identifier: Apache-2.0
// hoopctl connect: a grant, a program run against it, and the sealed log at the gateway.
#include <fcntl.h>

#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cmd/command_line.h"
#include "cmd/gateway_client.h"
#include "cmd/gateway_path.h"
#include "cmd/local_path.h"
#include "cmd/log_delivery.h"
#include "cmd/program_environment.h"
#include "cmd/program_session.h"
#include "cmd/run.h"
#include "core/process/deep_stack.h"
#include "core/process/spawn.h"

namespace hoop::cmd {
namespace {

constexpr auto kRevokeTime =
    std::chrono::seconds(5);  // the gateway revokes by itself when the grant expires
constexpr auto kLeftoversTime =
    std::chrono::seconds(10);  // for logs of earlier runs, after the work
constexpr std::size_t kMaxReason = 1000;
constexpr std::uint64_t kProgressBytes = 256U << 10;  // below that a bar would only flicker

struct ConnectOptions {
  std::string target;
  std::string reason;
  bool tcp = false;
  bool keep = false;
  bool fail_on_deny = false;
  int result_descriptor = -1;
};

enum class Upload { none, receipted, spooled, refused, unconfirmed };

std::string_view to_string(Upload upload) {
  switch (upload) {
    case Upload::none: return "none";
    case Upload::receipted: return "receipted";
    case Upload::spooled: return "spooled";
    case Upload::refused: return "refused";
    case Upload::unconfirmed: return "unconfirmed";
  }
  return "none";
}

class Connect {
 public:
  Connect(Environment& environment, asio::io_context& context, ConnectOptions options,
          std::vector<int> descriptors)
      : environment_(environment),
        context_(context),
        options_(std::move(options)),
        descriptors_(std::move(descriptors)) {}

  Task<ExitStatus> work();

 private:
  Task<ProgramPlan> ask();
  Result<std::unique_ptr<SessionPath>> path_of(access::Grant grant, crypto::Ed25519Key key);
  Task<void> end_grant();
  Task<void> deliver(const ProgramSessionEnd& end);
  Task<void> upload();
  Task<void> upload_leftovers();
  void say_totals(const ProgramSessionEnd& end);
  ExitStatus status_of(const ProgramSessionEnd& end);
  Result<void> write_result(const ProgramSessionEnd& end, ExitStatus status) const;

  Environment& environment_;
  asio::io_context& context_;
  ConnectOptions options_;
  std::vector<int> descriptors_;
  std::unique_ptr<GatewayClient> client_;
  std::optional<record::Spool> spool_;
  std::string session_;
  access::DataPath data_path_ = access::DataPath::local;
  Upload upload_ = Upload::none;
};

/// The grant, and everything that must be there before a program may start: above all a place for
/// its record.
Task<ProgramPlan> Connect::ask() {
  HOOP_CO_TRY(const std::string url, chosen_gateway(environment_));
  HOOP_CO_TRY(client_, GatewayClient::open(environment_, context_.get_executor(), url));
  HOOP_CO_TRY(spool_, open_spool(environment_));
  const std::vector<std::string> words =
      program_words(environment_.program.value_or(std::vector<std::string>{}), "psql");
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  GrantWish wish{options_.target, options_.reason, key.public_key(), environment_.claimed_agent(),
                 recorded_command(words)};
  const SteadyTime asked_at = environment_.clock.boot_now();
  HOOP_CO_TRY(access::Grant grant, co_await client_->create_grant(std::move(wish)));
  session_ = grant.session;
  data_path_ = grant.path;
  if (grant.target.protocol != "postgres") {
    co_return fail(ErrorCode::unsupported,
                   fmt::format("target '{}' ({}) is not something this version can open",
                               remote_text(grant.target.name), remote_text(grant.target.protocol)));
  }
  const bool terminal =
      environment_.terminals.in || environment_.terminals.out || environment_.terminals.err;
  using ParentDeath = process::SupervisorSettings::ParentDeath;
  ProgramPlan plan;
  plan.session = grant.session;
  plan.target = grant.target;
  plan.expires_at = grant.expires_at;
  plan.words = words;
  plan.descriptors = std::move(descriptors_);
  plan.listen = options_.tcp ? ProgramPlan::Listen::tcp : ProgramPlan::Listen::unix_socket;
  plan.parent_death =
      terminal || options_.keep ? ParentDeath::is_ignored : ParentDeath::ends_program;
  plan.control = std::make_unique<SessionControl>(
      environment_, *client_, context_.get_executor(),
      SessionControl::Plan{grant.session, grant.policy.version, grant.heartbeat, asked_at});
  HOOP_CO_TRY(plan.path, path_of(std::move(grant), std::move(key)));
  co_return plan;
}

Result<std::unique_ptr<SessionPath>> Connect::path_of(access::Grant grant, crypto::Ed25519Key key) {
  if (grant.path == access::DataPath::gateway)
    return std::make_unique<GatewayPath>(environment_, *client_, std::move(grant), std::move(key));
  HOOP_TRY(std::unique_ptr<record::LogSink> sink,
           spool_->create(grant.session, client_->record().url, grant.target.name));
  const std::vector<std::string> words =
      program_words(environment_.program.value_or(std::vector<std::string>{}), "psql");
  LocalPath::Parts parts{std::move(grant), std::move(sink), std::move(key), recorded_command(words),
                         options_.reason};
  return LocalPath::create(environment_, context_.get_executor(), std::move(parts));
}

Task<void> Connect::end_grant() {
  auto ended = co_await client_->delete_grant(session_, kRevokeTime);
  if (!ended)
    environment_.console.detail(
        "not_revoked",
        "the gateway did not confirm that access has ended: " + ended.error().message);
  co_return Result<void>{};
}

Task<void> Connect::upload() {
  HOOP_CO_TRY(const std::vector<record::SpoolEntry> entries, spool_->list());
  const auto own = std::ranges::find(entries, session_, &record::SpoolEntry::session);
  if (own == entries.end()) co_return Result<void>{};
  auto receipt = co_await deliver_log(*client_, *spool_, *own, LogOrigin::this_run,
                                      [this](std::uint64_t sent, std::uint64_t total) {
                                        if (total > kProgressBytes)
                                          environment_.console.progress("uploading the session log",
                                                                        sent, total);
                                      });
  environment_.console.finish_progress();
  if (receipt) {
    upload_ = Upload::receipted;
    environment_.console.detail("log_receipted",
                                fmt::format("the log of session {} is at the gateway", session_));
    co_return Result<void>{};
  }
  upload_ = receipt.error().code == ErrorCode::integrity ? Upload::refused : Upload::spooled;
  Error error = std::move(receipt).error();
  if (upload_ == Upload::spooled) {
    environment_.console.warn(
        "log_spooled",
        fmt::format("the session log could not be delivered, and is kept here: {}", error.message),
        "hoopctl sessions upload sends it; so does the next run", {{"session", session_}});
    co_return Result<void>{};
  }
  co_return std::unexpected(std::move(error));
}

/// What earlier runs could not deliver; silent, since nobody asked.
Task<void> Connect::upload_leftovers() {
  HOOP_CO_TRY(const std::vector<record::SpoolEntry> entries, spool_->list());
  const SteadyTime until = environment_.clock.steady_now() + kLeftoversTime;
  for (const record::SpoolEntry& entry : entries) {
    if (entry.gateway_url != client_->record().url || entry.session == session_) continue;
    if (environment_.clock.steady_now() > until) break;
    if (!spool_->claim(entry.session)) continue;  // another run is delivering it
    auto receipt = co_await deliver_log(*client_, *spool_, entry, LogOrigin::earlier_run, {});
    if (!receipt) {
      environment_.console.detail(
          "leftover", fmt::format("session {}: {}", entry.session, receipt.error().message));
      if (receipt.error().code == ErrorCode::upstream_unreachable ||
          receipt.error().code == ErrorCode::timeout)
        break;
    }
  }
  co_return Result<void>{};
}

void Connect::say_totals(const ProgramSessionEnd& end) {
  const std::uint64_t masked = end.session.totals.masked_values;
  if (masked == 0) return;
  environment_.console.say(
      "masked", fmt::format("{} value{} masked by policy", masked, masked == 1 ? " was" : "s were"),
      {{"masked_values", masked}, {"session", session_}});
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
  if (end.session.failure && data_path_ == access::DataPath::local)
    return environment_.give_up(*end.session.failure);
  const int status = end.program->status;
  if (end.session.was_taken() && !end.expired && !end.was_told)
    environment_.console.insist("access_ended", "the session was ended before its program",
                                {{"session", session_}, {"cause", end.session.ended_by}});
  if ((end.expired || end.session.was_taken()) && status != 0) return ExitStatus::access_ended;
  const bool lost = data_path_ == access::DataPath::gateway
                        ? end.session.lost_gateway()
                        : end.session.ended_by == "gateway_lost";
  if (lost && status != 0) {
    if (!end.was_told)
      environment_.console.insist(
          "gateway_lost", "the gateway went away while the program ran: what was done is recorded",
          {{"session", session_}, {"program_status", std::int64_t{status}}});
    return ExitStatus::unreachable;
  }
  if (options_.fail_on_deny && end.session.totals.denied > 0) return ExitStatus::denied;
  return program_status(status);
}

Result<void> Connect::write_result(const ProgramSessionEnd& end, ExitStatus status) const {
  if (options_.result_descriptor < 0) return {};
  return Console::write_json(
      options_.result_descriptor,
      {{"session", session_},
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
       {"upload", std::string(to_string(upload_))},
       {"log_digest", end.session.log_digest}});
}

/// The record's way to the gateway; on the gateway path it is there already.
Task<void> Connect::deliver(const ProgramSessionEnd& end) {
  if (data_path_ == access::DataPath::local) {
    // Side by side: the role's end takes the database some milliseconds, and nobody waits twice.
    asio::steady_timer revoked(context_, SteadyTime::max());
    bool is_revoked = false;
    asio::co_spawn(context_, end_grant(), [&](const std::exception_ptr&, const Result<void>&) {
      is_revoked = true;
      revoked.cancel();
    });
    Result<void> uploaded = co_await upload();
    while (!is_revoked)
      co_await revoked.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
    co_return uploaded;
  }
  if (end.session.receipted) {
    upload_ = Upload::receipted;
  } else if (end.session.failure) {
    upload_ = Upload::unconfirmed;
    environment_.console.warn(
        "not_confirmed",
        "the gateway did not confirm the end of the session: " + end.session.failure->message,
        fmt::format("it ends the session by itself; later: hoopctl sessions show {}", session_),
        {{"session", session_}});
  } else {
    upload_ = Upload::spooled;
  }
  co_return Result<void>{};
}

Task<ExitStatus> Connect::work() {
  auto plan = co_await ask();
  if (!plan) {
    if (!session_.empty()) HOOP_CO_CHECK(co_await end_grant());
    co_return environment_.give_up(plan.error());
  }
  environment_.console.detail("session",
                              fmt::format("session {} on target '{}'", session_, options_.target),
                              {{"session", session_}});
  auto session = std::make_unique<ProgramSession>(environment_, context_);
  const ProgramSessionEnd end = co_await session->run(std::move(*plan));
  session.reset();  // signals are ours again: what follows can be interrupted, and is made up for
                    // later
  ExitStatus status = status_of(end);
  say_totals(end);
  if (auto delivered = co_await deliver(end); !delivered) {
    environment_.console.error(delivered.error());
    if (status == ExitStatus::ok) status = ExitStatus::record_lost;
  }
  if (auto written = write_result(end, status); !written)
    environment_.console.error(written.error());
  if (upload_ == Upload::receipted) {
    if (auto leftovers = co_await upload_leftovers(); !leftovers)
      environment_.console.detail("leftover", leftovers.error().message);
  }
  client_->close();
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
