// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_session.h"

#include <unistd.h>

#include <csignal>

#include <fmt/format.h>

#include "cmd/program_environment.h"
#include "core/base/encoding.h"
#include "protocols/postgres/door.h"

namespace hoop::cmd {
namespace {

constexpr std::string_view kSocketName =
    ".s.PGSQL.5432";  // where libpq looks in PGHOST for port 5432
constexpr std::string_view kPasswordName = "pgpass";
constexpr auto kDoorTime = std::chrono::seconds(10);
constexpr auto kHandlersMayFinish =
    std::chrono::seconds(3);  // after the program's end; then they are told to end
constexpr std::size_t kMaxConnections = 256;
constexpr std::size_t kPasswordBytes = 32;

std::string cause_of(const process::ProgramEnd& end, bool expired) {
  if (expired) return "expired";
  if (end.cause == process::ProgramEnd::Cause::parent_died) return "parent_died";
  if (end.forwarded == SIGTERM || end.forwarded == SIGHUP) return "client_killed";
  return "program_exit";
}

}  // namespace

Result<void> ProgramSession::listen() {
  const auto refused = [this](std::string_view why) {
    environment_.console.warn("connection_refused",
                              fmt::format("turned a connection away: {}", why),
                              "only the program that hoopctl started may connect");
  };
  if (plan_.listen == ProgramPlan::Listen::tcp) {
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

Result<void> ProgramSession::prepare() {
  const process::RuntimeBases bases{environment_.variable("XDG_RUNTIME_DIR").value_or(""),
                                    environment_.variable("TMPDIR").value_or("")};
  HOOP_TRY(process::RuntimeDir folder,
           process::RuntimeDir::create(bases, kSocketName.size(), environment_.random));
  folder_.emplace(std::move(folder));
  const SecretText password(to_base64url(environment_.random.bytes(kPasswordBytes)));
  HOOP_CHECK(
      folder_->write_secret(kPasswordName, SecretText("*:*:*:*:" + password.reveal() + "\n")));
  using Behind = postgres::PostgresDoor::Behind;
  door_ = std::make_unique<postgres::PostgresDoor>(
      password, environment_.random,
      plan_.listen == ProgramPlan::Listen::tcp ? Behind::tcp : Behind::unix_socket);
  supervisor_ = std::make_unique<process::Supervisor>(
      context_.get_executor(),
      process::SupervisorSettings{plan_.parent_death, process::SupervisorSettings::Orphans::ours});
  return listen();
}

Result<void> ProgramSession::start_program() {
  const access::Target& target = plan_.target;
  const bool tcp = plan_.listen == ProgramPlan::Listen::tcp;
  const std::vector<std::pair<std::string, std::string>> ours{
      {"PGHOST", tcp ? "127.0.0.1" : folder_->path()},
      {"PGPORT", tcp ? std::to_string(endpoint_->port()) : "5432"},
      {"PGUSER", "hoop"},
      {"PGDATABASE", target.databases.empty() ? "postgres" : target.databases.front()},
      {"PGPASSFILE", folder_->path_of(kPasswordName)},
      {"PGSSLMODE", "disable"},
      {"PGGSSENCMODE", "disable"},
      {"PGCHANNELBINDING", "disable"},
      {"HOOPCTL_TARGET", target.name},
      {"HOOPCTL_SESSION", plan_.session}};
  return supervisor_->start(
      {plan_.words, program_environment(environment_.variables, ours), plan_.descriptors});
}

asio::awaitable<void> ProgramSession::accept_all() {
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

asio::awaitable<void> ProgramSession::serve(net::StreamPtr stream) {
  auto opening = co_await door_->open(*stream, Deadline::after(environment_.clock, kDoorTime));
  if (!opening) {
    environment_.console.detail("connection_failed",
                                "a connection was not opened: " + opening.error().message);
    co_return;
  }
  const auto served = co_await plan_.path->serve(std::move(stream), std::move(*opening), *door_);
  if (!served) {
    // What the program has seen in its own protocol; the target's own words are not repeated.
    const Error& error = served.error();
    environment_.console.detail("connection_ended", error.message,
                                {{"code", std::string(to_string(error.code))}});
  }
}

void ProgramSession::watch_expiry() {
  const auto left = plan_.expires_at - environment_.clock.system_now();
  expiry_.emplace(context_.get_executor(), std::max(left, std::chrono::milliseconds(0)));
  expiry_->async_wait([this](const std::error_code& failure) {
    if (failure) return;
    expired_ = true;
    endpoint_->close();
    plan_.path->end_all("access expired");
    environment_.console.insist("access_expired", "access has expired: the connections are closed",
                                {{"session", plan_.session}});
  });
}

void ProgramSession::access_ended(const session::ControlEnd& end) {
  if (expired_) return;
  access_ended_ = true;
  endpoint_->close();
  notices_.stop();
  expiry_->cancel();
  plan_.path->access_ended(end);
  environment_.console.insist(
      "access_ended", "access has ended: " + remote_text(end.reason),
      {{"session", plan_.session}, {"cause", end.cause}, {"reason", remote_text(end.reason)}});
}

/// What the gateway says about the session while its program runs.
void ProgramSession::follow_gateway() {
  denials_.emplace(environment_.console, plan_.session, plan_.target.name);
  plan_.path->hold_by(*plan_.control);
  SessionControl::Listener listener;
  listener.ended = [this](const session::ControlEnd& end) { access_ended(end); };
  listener.denied = [this](const session::ControlDenied& denied) { denials_->say(denied); };
  listener.policy = [this](access::PolicyDocument part) {
    if (!plan_.path->take_policy(std::move(part)))
      plan_.control->end({"policy_changed", "policy has changed: connect again", {}, {}});
  };
  plan_.control->start(std::move(listener));
  notices_.start(plan_.expires_at, environment_.clock, [this](const std::string& words) {
    plan_.path->announce("hoopctl: " + words);
    environment_.console.say(
        "access_ending", words,
        {{"session", plan_.session}, {"expires_at", to_rfc3339(plan_.expires_at)}});
  });
}

void ProgramSession::be_impatient(std::chrono::seconds patience, std::function<void()> then) {
  impatience_.expires_after(patience);
  impatience_.async_wait([this, then = std::move(then)](const std::error_code& failure) {
    if (!failure && tasks_.size() > 0) then();
  });
}

asio::awaitable<void> ProgramSession::stop_serving() {
  endpoint_->close();
  // Told to end, a connection does so within the deadlines of what it is waiting for. None is
  // cancelled: the other direction of it would go on without its object.
  be_impatient(kHandlersMayFinish, [this] { plan_.path->end_all("the program has ended"); });
  co_await tasks_.join();
  impatience_.cancel();
}

asio::awaitable<ProgramSessionEnd> ProgramSession::run(ProgramPlan plan) {
  plan_ = std::move(plan);
  ProgramSessionEnd out;
  std::string cause = "not_started";
  if (auto ready = prepare(); !ready) {
    out.failure = std::move(ready).error();
    out.session = co_await plan_.path->finish(std::move(cause), -1);
    co_return out;
  }
  tasks_.spawn(accept_all());
  watch_expiry();
  follow_gateway();
  if (auto started = start_program(); !started) {
    out.failure = std::move(started).error();
  } else {
    auto end = co_await supervisor_->wait();
    out.program = std::move(*end);
    cause = cause_of(*out.program, expired_);
  }
  expiry_->cancel();
  notices_.stop();
  co_await stop_serving();
  co_await plan_.control->stop();
  const int status = out.program ? out.program->status : -1;
  out.session = co_await plan_.path->finish(std::move(cause), status);
  for (const session::ControlDenied& denied : out.session.denials) denials_->say(denied);
  out.expired = expired_ || out.session.expired;
  out.was_told = access_ended_;
  folder_.reset();
  co_return out;
}

}  // namespace hoop::cmd
