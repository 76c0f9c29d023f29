// SPDX-License-Identifier: Apache-2.0
#include "cmd/local_session.h"

#include <unistd.h>

#include <csignal>

#include <fmt/format.h>

#include "cmd/program_environment.h"
#include "core/base/encoding.h"
#include "core/net/dialer.h"
#include "protocols/postgres/door.h"
#include "protocols/postgres/handler.h"

namespace hoop::cmd {
namespace {

constexpr std::string_view kSocketName =
    ".s.PGSQL.5432";  // where libpq looks in PGHOST for port 5432
constexpr std::string_view kPasswordName = "pgpass";
constexpr auto kDoorTime = std::chrono::seconds(10);
constexpr auto kHandlersMayFinish =
    std::chrono::seconds(3);  // after the program's end; then they are told to end
constexpr auto kHandlersMustFinish = std::chrono::seconds(2);
constexpr std::size_t kMaxConnections = 256;
constexpr int kDenialsBeforeEscalation = 3;
constexpr std::size_t kPasswordBytes = 32;

std::string cause_of(const process::ProgramEnd& end, bool expired) {
  if (expired) return "expired";
  if (end.cause == process::ProgramEnd::Cause::parent_died) return "parent_died";
  if (end.forwarded == SIGTERM || end.forwarded == SIGHUP) return "client_killed";
  return "program_exit";
}

}  // namespace

Result<void> LocalSession::listen(LocalSessionPlan::Listen where) {
  const auto refused = [this](std::string_view why) {
    environment_.console.warn("connection_refused",
                              fmt::format("turned a connection away: {}", why),
                              "only the program that hoopctl started may connect");
  };
  if (where == LocalSessionPlan::Listen::tcp) {
    HOOP_TRY(endpoint_, net::listen_loopback(context_.get_executor(), refused));
    return {};
  }
  const auto tree = [this]() -> std::optional<net::ProgramTree> {
    const auto pid = supervisor_->pid();
    if (!pid) return std::nullopt;
    return net::ProgramTree{*pid, ::getpid()};
  };
  HOOP_TRY(endpoint_,
           net::listen_unix(context_.get_executor(), folder_->path_of(kSocketName), tree, refused));
  return {};
}

Result<void> LocalSession::prepare(LocalSessionPlan& plan) {
  const process::RuntimeBases bases{environment_.variable("XDG_RUNTIME_DIR").value_or(""),
                                    environment_.variable("TMPDIR").value_or("")};
  HOOP_TRY(process::RuntimeDir folder,
           process::RuntimeDir::create(bases, kSocketName.size(), environment_.random));
  folder_.emplace(std::move(folder));
  const SecretText password(to_base64url(environment_.random.bytes(kPasswordBytes)));
  HOOP_CHECK(
      folder_->write_secret(kPasswordName, SecretText("*:*:*:*:" + password.reveal() + "\n")));
  door_ = std::make_unique<postgres::PostgresDoor>(password, environment_.random);
  session::SessionParts parts{std::move(plan.grant),
                              std::move(plan.sink),
                              std::move(plan.log_key),
                              std::make_unique<net::DirectDialer>(context_.get_executor()),
                              &postgres::make_handler,
                              recorded_command(plan.words),
                              plan.reason};
  HOOP_TRY(engine_, session::SessionEngine::create(std::move(parts), environment_.clock,
                                                   environment_.random, environment_.log));
  engine_->gate().on_denial([this](const access::Action& action, const access::Decision& decision) {
    report_denial(action, decision);
  });
  supervisor_ = std::make_unique<process::Supervisor>(
      context_.get_executor(),
      process::SupervisorSettings{plan.parent_death, process::SupervisorSettings::Orphans::ours});
  return listen(plan.listen);
}

Result<void> LocalSession::start_program(const LocalSessionPlan& plan) {
  const access::Grant& grant = engine_->grant();
  const bool tcp = plan.listen == LocalSessionPlan::Listen::tcp;
  const std::vector<std::pair<std::string, std::string>> ours{
      {"PGHOST", tcp ? "127.0.0.1" : folder_->path()},
      {"PGPORT", tcp ? std::to_string(endpoint_->port()) : "5432"},
      {"PGUSER", "hoop"},
      {"PGDATABASE", grant.target.databases.empty() ? "postgres" : grant.target.databases.front()},
      {"PGPASSFILE", folder_->path_of(kPasswordName)},
      {"PGSSLMODE", "disable"},
      {"PGGSSENCMODE", "disable"},
      {"PGCHANNELBINDING", "disable"},
      {"HOOPCTL_TARGET", grant.target.name},
      {"HOOPCTL_SESSION", grant.session}};
  return supervisor_->start(
      {plan.words, program_environment(environment_.variables, ours), plan.descriptors});
}

void LocalSession::report_denial(const access::Action& action, const access::Decision& decision) {
  // For people the program itself shows the refusal; an agent may never see the program's stderr
  // apart from ours.
  if (environment_.console.messages() != Form::json) return;
  const bool again = ++denials_[decision.rule] >= kDenialsBeforeEscalation;
  environment_.console.insist("denied", decision.message,
                              {{"code", std::string("denied")},
                               {"rule", decision.rule},
                               {"target", engine_->grant().target.name},
                               {"verb", action.verb},
                               {"retryable", false},
                               {"fix", decision.hint.empty() ? Value() : Value(decision.hint)},
                               {"escalate", again ? Value(std::string("ask_user")) : Value()},
                               {"session", engine_->grant().session}});
}

asio::awaitable<void> LocalSession::accept_all() {
  for (;;) {
    auto stream = co_await endpoint_->accept();
    if (!stream) co_return;
    if (tasks_.size() > kMaxConnections) {
      (*stream)->close();
      continue;
    }
    tasks_.spawn(serve(std::move(*stream)));
  }
}

asio::awaitable<void> LocalSession::serve(net::StreamPtr stream) {
  auto opening = co_await door_->open(*stream, Deadline::after(environment_.clock, kDoorTime));
  if (!opening) {
    environment_.console.detail("connection_failed",
                                "a connection was not opened: " + opening.error().message);
    co_return;
  }
  const auto served = co_await engine_->serve(std::move(stream), std::move(*opening));
  if (!served) {
    // What the program has seen in its own protocol; the target's own words are not repeated.
    const Error& error = served.error();
    environment_.console.detail("connection_ended", error.message,
                                {{"code", std::string(to_string(error.code))}});
  }
}

void LocalSession::watch_expiry() {
  const auto left = engine_->grant().expires_at - environment_.clock.system_now();
  expiry_.emplace(context_.get_executor(), std::max(left, std::chrono::milliseconds(0)));
  expiry_->async_wait([this](const std::error_code& failure) {
    if (failure) return;
    expired_ = true;
    endpoint_->close();
    engine_->end_all("access expired");
    environment_.console.insist("access_expired", "access has expired: the connections are closed",
                                {{"session", engine_->grant().session}});
  });
}

void LocalSession::be_impatient(std::chrono::seconds patience, std::function<void()> then) {
  impatience_.expires_after(patience);
  impatience_.async_wait([this, then = std::move(then)](const std::error_code& failure) {
    if (!failure && tasks_.size() > 0) then();
  });
}

asio::awaitable<void> LocalSession::stop_serving() {
  endpoint_->close();
  be_impatient(kHandlersMayFinish, [this] {
    engine_->end_all("the program has ended");
    be_impatient(kHandlersMustFinish, [this] { tasks_.cancel(); });
  });
  co_await tasks_.join();
  impatience_.cancel();
}

asio::awaitable<LocalSessionEnd> LocalSession::run(LocalSessionPlan plan) {
  LocalSessionEnd out;
  if (auto ready = prepare(plan); !ready) {
    out.failure = std::move(ready).error();
    out.cause = "not_started";
    if (engine_) {
      if (auto sealed = engine_->finish(out.cause, -1); !sealed)
        out.not_sealed = std::move(sealed).error();
    }
    co_return out;
  }
  tasks_.spawn(accept_all());
  watch_expiry();
  if (auto started = start_program(plan); !started) {
    out.failure = std::move(started).error();
    out.cause = "not_started";
  } else {
    auto end = co_await supervisor_->wait();
    out.program = std::move(*end);
    out.cause = cause_of(*out.program, expired_);
  }
  expiry_->cancel();
  co_await stop_serving();
  out.expired = expired_;
  if (auto sealed = engine_->finish(out.cause, out.program ? out.program->status : -1); !sealed)
    out.not_sealed = std::move(sealed).error();
  out.totals = engine_->gate().totals();
  out.log_digest = to_hex(engine_->gate().log_digest());
  engine_.reset();  // the log has no writer any more: it can be delivered
  folder_.reset();
  co_return out;
}

}  // namespace hoop::cmd
