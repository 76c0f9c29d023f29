// SPDX-License-Identifier: Apache-2.0
#include "cmd/program_session.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cmd/http_clients.h"
#include "cmd/kubernetes_clients.h"
#include "cmd/postgres_clients.h"
#include "cmd/ssh_clients.h"

namespace hoop::cmd {
namespace {

std::string cause_of(const process::ProgramEnd& end, bool expired) {
  if (expired) return "expired";
  if (end.cause == process::ProgramEnd::Cause::parent_died) return "parent_died";
  if (end.forwarded == SIGTERM || end.forwarded == SIGHUP) return "client_killed";
  return "program_exit";
}

}  // namespace

Endpoints ProgramSession::of_protocol(std::string_view protocol) const {
  Endpoints out;
  for (const auto& endpoint : endpoints_) {
    if (endpoint->target().protocol == protocol) out.push_back(endpoint.get());
  }
  return out;
}

Result<Variables> ProgramSession::variables() const {
  const TargetEndpoint& first = *endpoints_.front();
  Variables ours{{"HOOPCTL_TARGET", first.target().name}, {"HOOPCTL_SESSION", first.session()}};
  const bool is_alone = endpoints_.size() == 1;
  if (const Endpoints databases = of_protocol("postgres"); !databases.empty()) {
    HOOP_TRY(Variables more, postgres_variables(databases, is_alone));
    std::ranges::move(more, std::back_inserter(ours));
  }
  if (const Endpoints hosts = of_protocol("ssh"); !hosts.empty()) {
    HOOP_TRY(Variables more, ssh_variables(environment_, hosts));
    std::ranges::move(more, std::back_inserter(ours));
  }
  std::vector<HttpService> services;
  for (const TargetEndpoint* one : of_protocol("http")) services.push_back(http_service(*one));
  if (!services.empty()) {
    HOOP_TRY(Variables more, http_variables(services, is_alone));
    std::ranges::move(more, std::back_inserter(ours));
  }
  const Endpoints clusters = of_protocol("kubernetes");
  if (!clusters.empty()) {
    HOOP_TRY(Variables more, kubernetes_variables(environment_, clusters));
    std::ranges::move(more, std::back_inserter(ours));
  }
  if (!services.empty() || !clusters.empty())
    std::ranges::move(variables_without_proxy(environment_.variables), std::back_inserter(ours));
  if (is_alone) return ours;
  std::vector<std::string> targets, sessions;
  for (const auto& endpoint : endpoints_) {
    targets.push_back(endpoint->target().name);
    sessions.push_back(endpoint->session());
  }
  ours.emplace_back("HOOPCTL_TARGETS", fmt::format("{}", fmt::join(targets, " ")));
  ours.emplace_back("HOOPCTL_SESSIONS", fmt::format("{}", fmt::join(sessions, " ")));
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
  const Reached reached{!of_protocol("ssh").empty(), !of_protocol("kubernetes").empty()};
  HOOP_CHECK(
      supervisor_->start({plan.words, program_environment(environment_.variables, ours, reached),
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
