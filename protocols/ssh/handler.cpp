// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/handler.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "core/net/relay.h"
#include "core/net/task_group.h"
#include "protocols/ssh/door.h"
#include "protocols/ssh/relay_monitor.h"
#include "protocols/ssh/relay_process.h"

namespace hoop::ssh {
namespace {

constexpr std::chrono::seconds kDialTime{15};
constexpr std::chrono::seconds kLastWords{2};

/// The process of a relay: ended, and waited for, when it goes. Held by a descriptor: whoever else
/// waits for children of ours may have taken its end, and its number may be another's by then.
class RelayProcess {
 public:
  /// Right after it was started: nothing has waited for it yet.
  explicit RelayProcess(pid_t id)
      : id_(id), handle_(static_cast<int>(::syscall(SYS_pidfd_open, id, 0))) {}
  ~RelayProcess() {
    if (!handle_.is_open()) {
      // No more descriptors: it goes by itself once its sockets are closed; this makes sure.
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
      return;
    }
    ::syscall(SYS_pidfd_send_signal, handle_.get(), SIGKILL, nullptr, 0);
    siginfo_t ignored{};
    while (::waitid(P_PIDFD, static_cast<id_t>(handle_.get()), &ignored, WEXITED) < 0 &&
           errno == EINTR) {
    }
  }
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

 private:
  pid_t id_;
  Descriptor handle_;
};

struct Pair {
  Descriptor ours, theirs;
};
Result<Pair> make_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(ErrorCode::io, "no more descriptors for an SSH relay");
  return Pair{Descriptor(ends[0]), Descriptor(ends[1])};
}

std::shared_ptr<net::Stream> stream_of(Descriptor ours, const asio::any_io_executor& executor) {
  asio::local::stream_protocol::socket socket(executor);
  socket.assign(asio::local::stream_protocol(), ours.release());
  return net::make_unix_stream(std::move(socket));
}

/// Bytes both ways; that one side broke is the other's end, too.
asio::awaitable<void> carry(std::shared_ptr<net::Stream> one, std::shared_ptr<net::Stream> other) {
  static_cast<void>(co_await net::relay(std::move(one), std::move(other)));
}

/// How the session logs in at its target, and how its clients log in to it.
Result<RelaySetup> setup_of(const access::Grant& grant, const session::Opening& opening) {
  HOOP_TRY(DoorKeys keys, keys_of(opening));
  const auto* credential = grant.credential_as<access::SshCredential>();
  HOOP_ASSERT(credential != nullptr);
  RelaySetup out;
  out.users = grant.logins;
  out.host_keys = grant.target.host_keys;
  out.certificate = credential->certificate;
  out.key = credential->key.clone();
  out.static_key = credential->static_key.clone();
  out.host_key = std::move(keys.host_key);
  out.client_key = std::move(keys.client_key);
  return out;
}

/// For the client: on the gateway path the target's address is none of its business.
std::string obstacle_of(const Error& error, const access::Grant& grant) {
  const std::string words = fmt::format("target '{}' cannot be reached", grant.target.name);
  return grant.path == access::DataPath::local ? words + ": " + error.message : words;
}

/// A socket for the relay that leads to stream: its own, where that is all that it is.
Result<Descriptor> hand_over(net::StreamPtr stream, net::TaskGroup& carriers) {
  auto own = stream->take_socket();
  if (own || own.error().code != ErrorCode::unsupported) return own;
  HOOP_TRY(Pair pair, make_pair());
  auto ours = stream_of(std::move(pair.ours), stream->executor());
  carriers.spawn(carry(std::move(stream), std::move(ours)));
  return std::move(pair.theirs);
}

class SshHandler final : public session::ProtocolHandler {
 public:
  SshHandler(session::SessionContext context, StartRelay start)
      : context_(context), budget_(context.gate), start_(std::move(start)) {}

  Task<void> serve(std::uint64_t connection, net::StreamPtr downstream,
                   session::Opening opening) override {
    HOOP_CO_TRY(RelaySetup setup, setup_of(context_.grant, opening));
    const access::Target& target = context_.grant.target;
    auto upstream = co_await context_.dialer.dial(target.host, target.port,
                                                  Deadline::after(context_.clock, kDialTime));
    // Only an SSH server can tell its client why: the relay is one, with or without a target.
    if (!upstream) setup.obstacle = obstacle_of(upstream.error(), context_.grant);
    HOOP_CO_TRY(Pair control, make_pair());
    const auto executor = downstream->executor();
    const auto carriers = std::make_shared<net::TaskGroup>(executor);
    RelaySockets sockets;
    sockets.control = std::move(control.theirs);
    HOOP_CO_TRY(sockets.client, hand_over(std::move(downstream), *carriers));
    if (upstream) {
      HOOP_CO_TRY(sockets.target, hand_over(std::move(*upstream), *carriers));
    } else {
      HOOP_CO_TRY(Pair nothing, make_pair());
      sockets.target = std::move(nothing.theirs);
    }
    HOOP_CO_TRY(const pid_t id, start_(std::move(sockets)));
    const RelayProcess process(id);
    const std::shared_ptr<net::Stream> relay = stream_of(std::move(control.ours), executor);
    RelayMonitor monitor(context_, connection, budget_, *relay);
    live_[connection] = &monitor;
    // While the target was dialled, nobody could be told.
    if (ended_) monitor.end(*ended_);
    const Result<void> outcome = co_await monitor.run(std::move(setup));
    live_.erase(connection);
    relay->close();
    // What the relay has said last still goes out; but neither it nor the target is waited for
    // long.
    asio::steady_timer patience(executor, kLastWords);
    patience.async_wait([carriers](std::error_code stopped) {
      if (!stopped) carriers->cancel();
    });
    co_await carriers->join();
    patience.cancel();
    if (!upstream) co_return std::unexpected(std::move(upstream).error());
    co_return outcome;
  }

  void end_all(std::string reason) override {
    if (!ended_) ended_ = reason;
    for (const auto& [connection, monitor] : live_) monitor->end(reason);
  }
  void announce(std::string) override {}
  bool can_judge_by(const access::PolicyDocument&) const override { return true; }

 private:
  session::SessionContext context_;
  ByteBudget budget_;
  StartRelay start_;
  std::map<std::uint64_t, RelayMonitor*> live_;
  std::optional<std::string> ended_;  // why access has; nothing is served any more
};

}  // namespace

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               StartRelay start) {
  if (context.grant.target.protocol != "ssh")
    return fail(ErrorCode::config, "the grant is not for an SSH target");
  if (context.grant.credential_as<access::SshCredential>() == nullptr)
    return fail(ErrorCode::config, "the grant holds no credential");
  return std::make_unique<SshHandler>(context, std::move(start));
}

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context) {
  return make_handler(context, &start_relay_process);
}

}  // namespace hoop::ssh
