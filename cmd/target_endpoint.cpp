// SPDX-License-Identifier: Apache-2.0
#include "cmd/target_endpoint.h"

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr auto kDoorTime = std::chrono::seconds(10);
constexpr auto kHandlersMayFinish =
    std::chrono::seconds(3);  // after the program's end; then they are told to end
constexpr std::size_t kMaxConnections = 256;

}  // namespace

Result<void> TargetEndpoint::listen(net::ProgramLookup programs) {
  if (plan_.listen == Plan::Listen::in_isolation || plan_.listen == Plan::Listen::nowhere)
    return {};
  const bool for_user = plan_.peers == Plan::Peers::user;
  const auto refused = [this, for_user](std::string_view why) {
    environment_.console.warn("connection_refused",
                              fmt::format("turned a connection away: {}", why),
                              for_user ? "only processes of the user that runs hoopctl may connect"
                                       : "only the program that hoopctl started may connect");
  };
  if (plan_.listen == Plan::Listen::tcp && (for_user || entry_->wants_proof())) {
    HOOP_TRY(endpoint_, net::listen_loopback(context_.get_executor(), plan_.port, refused));
    return {};
  }
  if (plan_.listen == Plan::Listen::tcp) {
    HOOP_TRY(endpoint_, net::listen_loopback_for_program(context_.get_executor(), plan_.port,
                                                         std::move(programs), refused));
    return {};
  }
  std::string path = socket_path();
  if (for_user) {
    HOOP_TRY(endpoint_,
             net::listen_unix_for_user(context_.get_executor(), std::move(path), refused));
    return {};
  }
  HOOP_TRY(endpoint_, net::listen_unix(context_.get_executor(), std::move(path),
                                       std::move(programs), refused));
  return {};
}

Result<void> TargetEndpoint::open(net::ProgramLookup programs, std::function<void()> ended) {
  ended_ = std::move(ended);
  const process::RuntimeBases bases{environment_.variable("XDG_RUNTIME_DIR").value_or(""),
                                    environment_.variable("TMPDIR").value_or("")};
  entry_ =
      plan_.entry ? std::move(plan_.entry) : make_entry(plan_.target.protocol, environment_.random);
  HOOP_ASSERT(entry_ != nullptr);
  HOOP_TRY(process::RuntimeDir folder,
           process::RuntimeDir::create(bases, entry_->socket_name().size(), environment_.random));
  folder_.emplace(std::move(folder));
  HOOP_CHECK(entry_->prepare(*folder_, is_unix()));
  HOOP_CHECK(listen(std::move(programs)));
  if (endpoint_) tasks_.spawn(accept_all());
  watch_expiry();
  follow_gateway();
  watch_renewal();
  return {};
}

Result<void> TargetEndpoint::take_listener(Descriptor listener) {
  HOOP_TRY(endpoint_, net::listen_by(context_.get_executor(), std::move(listener)));
  tasks_.spawn(accept_all());
  return {};
}

// ---- What a program is told ----

std::string TargetEndpoint::host() const {
  if (!is_unix()) return "127.0.0.1";
  const std::string path = socket_path();
  return path.substr(0, path.rfind('/'));
}

std::uint16_t TargetEndpoint::port() const {
  switch (plan_.listen) {
    case Plan::Listen::tcp: return endpoint_->port();
    case Plan::Listen::in_isolation: return plan_.port;
    case Plan::Listen::unix_socket:
    case Plan::Listen::nowhere: break;
  }
  return PostgresEntry::kPort;  // of a name of PostgreSQL's
}

std::string TargetEndpoint::socket_path() const {
  return plan_.socket.empty() ? folder_->path_of(entry_->socket_name()) : plan_.socket;
}

Result<std::string> TargetEndpoint::keep(std::string_view name, const SecretText& content) const {
  HOOP_CHECK(folder_->write_secret(name, content));
  return folder_->path_of(name);
}

// ---- Connections ----

asio::awaitable<void> TargetEndpoint::accept_all() {
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

Task<session::Opening> TargetEndpoint::open_door(net::StreamPtr& stream) {
  const Deadline deadline = Deadline::after(environment_.clock, kDoorTime);
  HOOP_CO_TRY(stream, co_await entry_->secure(std::move(stream), deadline));
  co_return co_await entry_->door().open(*stream, deadline);
}

asio::awaitable<void> TargetEndpoint::serve(net::StreamPtr stream) {
  auto opening = co_await open_door(stream);
  if (!opening) {
    environment_.console.detail("connection_failed",
                                "a connection was not opened: " + opening.error().message);
    co_return;
  }
  const auto served =
      co_await plan_.path->serve(std::move(stream), std::move(*opening), entry_->door());
  if (!served) {
    // What the program has seen in its own protocol; the target's own words are not repeated.
    const Error& error = served.error();
    // Nothing of ours could speak to the program: it has been told nothing.
    if (error.code == ErrorCode::config)
      environment_.console.warn("connection_failed", error.message, error.hint,
                                {{"session", plan_.session}});
    environment_.console.detail("connection_ended", error.message,
                                {{"code", std::string(to_string(error.code))}});
  }
}

// ---- The end of access ----

void TargetEndpoint::tell_end() {
  if (const auto ended = std::exchange(ended_, nullptr)) ended();
}

void TargetEndpoint::watch_expiry() {
  const auto left = plan_.expires_at - environment_.clock.system_now();
  expiry_.emplace(context_.get_executor(), std::max(left, std::chrono::milliseconds(0)));
  expiry_->async_wait([this](const std::error_code& failure) {
    // It may have been renewed when this was on its way already; the date may have been put back,
    // which makes no access longer.
    if (failure || expiry_->expiry() > asio::steady_timer::clock_type::now()) return;
    if (plan_.renewal) plan_.renewal->give_up();
    expired_ = true;
    if (endpoint_) endpoint_->close();
    plan_.path->end_all("access expired");
    environment_.console.insist(
        "access_expired",
        fmt::format("access to '{}' has expired: the connections are closed", plan_.target.name),
        {{"session", plan_.session}});
    tell_end();
  });
}

void TargetEndpoint::access_ended(const session::ControlEnd& end) {
  if (expired_) return;
  access_ended_ = true;
  if (plan_.renewal) plan_.renewal->give_up();
  if (endpoint_) endpoint_->close();
  notices_.stop();
  expiry_->cancel();
  plan_.path->access_ended(end);
  environment_.console.insist(
      "access_ended", "access has ended: " + remote_text(end.reason),
      {{"session", plan_.session}, {"cause", end.cause}, {"reason", remote_text(end.reason)}});
  tell_end();
}

/// What the gateway says about the session while its program runs.
void TargetEndpoint::follow_gateway() {
  denials_.emplace(environment_.console, plan_.session, plan_.target.name);
  plan_.path->hold_by(*plan_.control);
  SessionControl::Listener listener;
  listener.ended = [this](const session::ControlEnd& end) { access_ended(end); };
  listener.denied = [this](const session::ControlDenied& denied) { denials_->say(denied); };
  listener.approval = [this](const session::ControlApproval& news) { denials_->say(news); };
  listener.policy = [this](access::PolicyDocument part) {
    if (!plan_.path->take_policy(std::move(part)))
      plan_.control->end({"policy_changed", "policy has changed: connect again", {}, {}});
  };
  plan_.control->start(std::move(listener));
  watch_for_warnings();
}

void TargetEndpoint::watch_for_warnings() {
  notices_.start(plan_.expires_at, environment_.clock, [this](const std::string& words) {
    plan_.path->announce("hoopctl: " + words);
    environment_.console.say(
        "access_ending", words,
        {{"session", plan_.session}, {"expires_at", to_rfc3339(plan_.expires_at)}});
  });
}

void TargetEndpoint::watch_renewal() {
  if (!plan_.renewal) return;
  plan_.renewal->start(plan_.expires_at, [this](SystemTime expires_at) {
    plan_.expires_at = expires_at;
    plan_.path->renewed(expires_at);
    watch_expiry();
    watch_for_warnings();
  });
}

void TargetEndpoint::be_impatient(std::chrono::seconds patience, std::function<void()> then) {
  impatience_.expires_after(patience);
  impatience_.async_wait([this, then = std::move(then)](const std::error_code& failure) {
    if (!failure && tasks_.size() > 0) then();
  });
}

asio::awaitable<void> TargetEndpoint::stop_serving() {
  endpoint_->close();
  // Told to end, a connection does so within the deadlines of what it is waiting for. None is
  // cancelled: the other direction of it would go on without its object.
  be_impatient(kHandlersMayFinish, [this] { plan_.path->end_all("the program has ended"); });
  co_await tasks_.join();
  impatience_.cancel();
}

asio::awaitable<EndpointEnd> TargetEndpoint::stop(std::string cause, int program_status) {
  EndpointEnd out;
  ended_ = nullptr;
  if (expiry_) expiry_->cancel();
  notices_.stop();
  if (plan_.renewal) plan_.renewal->give_up();
  if (endpoint_) co_await stop_serving();
  if (plan_.renewal) co_await plan_.renewal->stop();
  if (denials_) co_await plan_.control->stop();
  out.session = co_await plan_.path->finish(std::move(cause), program_status);
  if (denials_) {
    for (const session::ControlDenied& denied : out.session.denials) denials_->say(denied);
    for (const session::ControlApproval& news : out.session.approvals) denials_->say(news);
  }
  out.expired = expired_ || out.session.expired;
  out.was_told = access_ended_;
  folder_.reset();
  co_return out;
}

}  // namespace hoop::cmd
