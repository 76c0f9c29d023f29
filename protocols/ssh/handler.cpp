// SPDX-License-Identifier: Apache-2.0
#include "protocols/ssh/handler.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <map>

#include "core/net/relay.h"
#include "core/net/task_group.h"
#include "protocols/ssh/relay_monitor.h"

namespace hoop::ssh {
namespace {

constexpr std::chrono::seconds kDialTime{15};
constexpr std::chrono::seconds kLastWords{2};

/// The process of a relay: ended, and waited for, when it goes.
class RelayProcess {
 public:
  explicit RelayProcess(pid_t id) : id_(id) {}
  ~RelayProcess() {
    ::kill(id_, SIGKILL);
    while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

 private:
  pid_t id_;
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

class SshHandler final : public session::ProtocolHandler {
 public:
  SshHandler(session::SessionContext context, StartRelay start, SetUpRelay set_up)
      : context_(context), start_(std::move(start)), set_up_(std::move(set_up)) {}

  Task<void> serve(std::uint64_t connection, net::StreamPtr downstream, session::Opening) override {
    HOOP_CO_TRY(RelaySetup setup, set_up_(context_.grant));
    const access::Target& target = context_.grant.target;
    HOOP_CO_TRY(net::StreamPtr upstream,
                co_await context_.dialer.dial(target.host, target.port,
                                              Deadline::after(context_.clock, kDialTime)));
    HOOP_CO_TRY(Pair control, make_pair());
    HOOP_CO_TRY(Pair client, make_pair());
    HOOP_CO_TRY(Pair server, make_pair());
    RelaySockets sockets{std::move(control.theirs), std::move(client.theirs),
                         std::move(server.theirs)};
    HOOP_CO_TRY(const pid_t id, start_(std::move(sockets)));
    const RelayProcess process(id);
    const auto executor = downstream->executor();
    const std::shared_ptr<net::Stream> relay = stream_of(std::move(control.ours), executor);
    net::TaskGroup carriers(executor);
    carriers.spawn(carry(std::move(downstream), stream_of(std::move(client.ours), executor)));
    carriers.spawn(carry(std::move(upstream), stream_of(std::move(server.ours), executor)));
    RelayMonitor monitor(context_, connection, *relay);
    live_[connection] = &monitor;
    const Result<void> outcome = co_await monitor.run(std::move(setup));
    live_.erase(connection);
    relay->close();
    // What the relay has said last still goes out; but neither it nor the target is waited for
    // long.
    asio::steady_timer patience(executor, kLastWords);
    patience.async_wait([&](std::error_code stopped) {
      if (!stopped) carriers.cancel();
    });
    co_await carriers.join();
    patience.cancel();
    co_return outcome;
  }

  void end_all(std::string reason) override {
    for (const auto& [connection, monitor] : live_) monitor->end(reason);
  }
  void announce(std::string) override {}
  bool can_judge_by(const access::PolicyDocument&) const override { return true; }

 private:
  session::SessionContext context_;
  StartRelay start_;
  SetUpRelay set_up_;
  std::map<std::uint64_t, RelayMonitor*> live_;
};

}  // namespace

Result<std::unique_ptr<session::ProtocolHandler>> make_handler(session::SessionContext context,
                                                               StartRelay start,
                                                               SetUpRelay set_up) {
  if (context.grant.target.protocol != "ssh")
    return fail(ErrorCode::config, "the grant is not for an SSH target");
  return std::make_unique<SshHandler>(context, std::move(start), std::move(set_up));
}

}  // namespace hoop::ssh
