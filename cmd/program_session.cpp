// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_session.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cmd/program_environment.h"

namespace hoop::cmd {
namespace {

constexpr std::size_t kMostPasswordLine = 512;  // a socket's path escaped, and the password

std::string cause_of(const process::ProgramEnd& end, bool expired) {
  if (expired) return "expired";
  if (end.cause == process::ProgramEnd::Cause::parent_died) return "parent_died";
  if (end.forwarded == SIGTERM || end.forwarded == SIGHUP) return "client_killed";
  return "program_exit";
}

/// A section of libpq's connection service file. Its settings win over the environment's.
std::string service_section(const TargetEndpoint& endpoint) {
  return fmt::format(
      "[{}]\nhost={}\nport={}\nuser={}\ndbname={}\npassfile={}\nsslmode=disable\n"
      "gssencmode=disable\nchannel_binding=disable\n",
      endpoint.target().name, endpoint.host(), endpoint.port(), TargetEndpoint::kUser,
      endpoint.database(), endpoint.password_file());
}

}  // namespace

/// How a program that knows several targets finds each: by service name, by URL, and by a password
/// file that has the passwords of all.
Result<void> ProgramSession::add_all_targets(
    std::vector<std::pair<std::string, std::string>>& ours) const {
  std::string services;
  std::string passwords;
  passwords.reserve(endpoints_.size() * kMostPasswordLine);  // growing would leave copies behind
  std::vector<std::string> targets, sessions;
  for (const auto& endpoint : endpoints_) {
    services += service_section(*endpoint);
    passwords += endpoint->password_line().reveal();
    targets.push_back(endpoint->target().name);
    sessions.push_back(endpoint->session());
    ours.emplace_back(url_variable(endpoint->target().name),
                      endpoint->url(endpoint->password_file()));
  }
  const TargetEndpoint& first = *endpoints_.front();
  HOOP_TRY(std::string service_file, first.keep("services", SecretText(std::move(services))));
  HOOP_TRY(std::string all, first.keep("passwords", SecretText(std::move(passwords))));
  ours.emplace_back("PGSERVICEFILE", std::move(service_file));
  std::ranges::find(ours, "PGPASSFILE", &std::pair<std::string, std::string>::first)->second =
      std::move(all);
  ours.emplace_back("HOOPCTL_TARGETS", fmt::format("{}", fmt::join(targets, " ")));
  ours.emplace_back("HOOPCTL_SESSIONS", fmt::format("{}", fmt::join(sessions, " ")));
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> ProgramSession::variables() const {
  const TargetEndpoint& first = *endpoints_.front();
  std::vector<std::pair<std::string, std::string>> ours{
      {"PGHOST", first.host()},
      {"PGPORT", std::to_string(first.port())},
      {"PGUSER", std::string(TargetEndpoint::kUser)},
      {"PGDATABASE", first.database()},
      {"PGPASSFILE", first.password_file()},
      {"PGSSLMODE", "disable"},
      {"PGGSSENCMODE", "disable"},
      {"PGCHANNELBINDING", "disable"},
      {"HOOPCTL_TARGET", first.target().name},
      {"HOOPCTL_SESSION", first.session()}};
  if (endpoints_.size() > 1) HOOP_CHECK(add_all_targets(ours));
  return ours;
}

Result<void> ProgramSession::start_program(const ProgramPlan& plan) {
  const auto tree = [this]() -> std::optional<net::ProgramTree> {
    const auto pid = supervisor_->pid();
    if (!pid) return std::nullopt;
    return net::ProgramTree{*pid, ::getpid()};
  };
  for (const auto& endpoint : endpoints_) HOOP_CHECK(endpoint->open(tree, {}));
  HOOP_TRY(const auto ours, variables());
  HOOP_CHECK(supervisor_->start({plan.words, program_environment(environment_.variables, ours),
                                 plan.descriptors, plan.isolation}));
  std::vector<Descriptor> listeners = supervisor_->take_listeners();
  for (std::size_t i = 0; i < listeners.size(); ++i)
    HOOP_CHECK(endpoints_[i]->take_listener(std::move(listeners[i])));
  return {};
}

asio::awaitable<ProgramSessionEnd> ProgramSession::run(ProgramPlan plan) {
  ProgramSessionEnd out;
  for (TargetEndpoint::Plan& target : plan.targets)
    endpoints_.push_back(
        std::make_unique<TargetEndpoint>(environment_, context_, std::move(target)));
  supervisor_ = std::make_unique<process::Supervisor>(
      context_.get_executor(),
      process::SupervisorSettings{plan.parent_death, process::SupervisorSettings::Orphans::ours});
  if (auto started = start_program(plan); !started) {
    out.failure = std::move(started).error();
    if (supervisor_->pid()) {
      supervisor_->end();
      static_cast<void>(co_await supervisor_->wait());
    }
  } else {
    auto end = co_await supervisor_->wait();
    out.program = std::move(*end);
  }
  const int status = out.program ? out.program->status : -1;
  for (const auto& endpoint : endpoints_) {
    std::string cause =
        out.program ? cause_of(*out.program, endpoint->expired()) : std::string("not_started");
    EndpointEnd ended = co_await endpoint->stop(std::move(cause), status);
    out.targets.push_back(std::move(ended));
  }
  co_return out;
}

}  // namespace hoop::cmd
