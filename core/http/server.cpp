// SPDX-License-Identifier: Apache-2.0
#include "core/http/server.h"

#include <asio/system_error.hpp>

#include <map>
#include <set>

#include <fmt/format.h>

#include "core/http/server_connection.h"
#include "core/net/stream_state.h"
#include "core/net/task_group.h"

namespace hoop::http {
namespace {

using asio::ip::tcp;

// After accept fails for want of descriptors: time for some to be given back.
constexpr std::chrono::milliseconds kAcceptPause{100};

// Who counts as one address: of IPv6 the network that a single customer is given.
std::string counted_as(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.begin() + 8};
}

asio::ip::address plain(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address;
}

}  // namespace

struct Server::State : std::enable_shared_from_this<State> {
  State(asio::any_io_executor used, tcp::acceptor listening, std::shared_ptr<ServerShared> with)
      : executor(used),
        acceptor(std::move(listening)),
        shared(std::move(with)),
        tasks(used),
        upgraded(used) {}

  asio::awaitable<void> accept_loop();
  void admit(tcp::socket socket);
  static asio::awaitable<void> serve(std::shared_ptr<State> state, net::StreamPtr stream,
                                     ConnectionInfo info);
  static asio::awaitable<void> hand_over(std::shared_ptr<ServerShared> shared,
                                         ServerConnection::Upgraded connection);
  void end(bool at_once);
  void cut_off();

  asio::any_io_executor executor;
  tcp::acceptor acceptor;
  std::shared_ptr<ServerShared> shared;
  net::TaskGroup tasks;
  // Apart, so that stop() does not wait for them.
  net::TaskGroup upgraded;
  std::set<ServerConnection*> connections;
  std::map<std::string, std::size_t> by_address;
  std::size_t admitted = 0;
  bool is_cut_off = false;
  std::uint64_t last_number = 0;
};

namespace {

/// Keeps the server's books while a connection lives, also when its coroutine is cancelled.
template <class State>
class Place {
 public:
  Place(State& state, ServerConnection& connection) : state_(state), connection_(connection) {
    state_.connections.insert(&connection_);
  }
  ~Place() {
    state_.connections.erase(&connection_);
    --state_.admitted;
    const auto entry = state_.by_address.find(counted_as(connection_.info().peer));
    if (--entry->second == 0) state_.by_address.erase(entry);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  State& state_;
  ServerConnection& connection_;
};

}  // namespace

asio::awaitable<void> Server::State::accept_loop() {
  const auto self = shared_from_this();
  while (!shared->stopping) {
    auto [error, socket] = co_await acceptor.async_accept(as_result);
    if (shared->stopping || error == asio::error::operation_aborted) co_return;
    if (!error) {
      admit(std::move(socket));
      continue;
    }
    shared->log->warning("http_accept_failed", {{"reason", net::error_text(error)}});
    asio::steady_timer pause(executor, kAcceptPause);
    co_await pause.async_wait(as_result);
  }
}

void Server::State::admit(tcp::socket socket) {
  std::error_code gone;
  const auto remote = socket.remote_endpoint(gone);
  if (gone) return;
  const auto peer = plain(remote.address());
  auto& count = by_address[counted_as(peer)];
  if (admitted >= shared->options.max_connections ||
      count >= shared->options.max_connections_per_address) {
    shared->log->debug("http_connection_refused",
                       {{"peer", peer.to_string()}, {"reason", "too many connections"}});
    if (count == 0) by_address.erase(counted_as(peer));
    return;
  }
  ++count;
  ++admitted;
  tasks.spawn(serve(shared_from_this(), net::make_tcp_stream(std::move(socket)),
                    {++last_number, peer, remote.port()}));
}

asio::awaitable<void> Server::State::serve(std::shared_ptr<State> state, net::StreamPtr stream,
                                           ConnectionInfo info) {
  std::optional<ServerConnection::Upgraded> upgraded;
  {
    ServerConnection connection(state->shared, std::move(info));
    const Place place(*state, connection);
    if (!state->shared->stopping) upgraded = co_await connection.serve(std::move(stream));
  }
  if (upgraded && !state->is_cut_off)
    state->upgraded.spawn(hand_over(state->shared, std::move(*upgraded)));
}

asio::awaitable<void> Server::State::hand_over(std::shared_ptr<ServerShared> shared,
                                               ServerConnection::Upgraded connection) {
  std::string reason;
  try {
    co_return co_await connection.response.upgrade(std::move(connection.stream),
                                                   std::move(connection.early));
  } catch (const asio::system_error& error) {
    // The server has gone and has cancelled this coroutine.
    if (error.code() == asio::error::operation_aborted) throw;
    reason = error.what();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  shared->log->error("http_handler_failed", {{"reason", reason}});
}

void Server::State::end(bool at_once) {
  shared->stopping = true;
  std::error_code ignored;
  acceptor.close(ignored);
  for (auto* connection : connections) connection->end_if_idle();
  if (at_once) tasks.cancel();
}

void Server::State::cut_off() {
  is_cut_off = true;
  end(true);
  upgraded.cancel();
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() {
  if (state_) state_->cut_off();
}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&& other) noexcept {
  if (state_ && state_ != other.state_) state_->cut_off();
  state_ = std::move(other.state_);
  return *this;
}

Result<Server> Server::listen(asio::any_io_executor executor, const std::string& address,
                              std::uint16_t port, std::optional<net::TlsServer> tls,
                              Handler handler, std::shared_ptr<Log> log, ServerOptions options) {
  std::error_code error;
  const auto parsed = asio::ip::make_address(address == "localhost" ? "127.0.0.1" : address, error);
  if (error)
    return fail(ErrorCode::config,
                fmt::format("listen on '{}': this is not an IP address", address));
  const tcp::endpoint endpoint(parsed, port);
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::io,
                fmt::format("listen on {}:{}: {}", address, port, net::error_text(error)),
                error == asio::error::address_in_use
                    ? "another program listens there: stop it, or choose another port"
                    : "");
  }
  auto shared = std::make_shared<ServerShared>(
      ServerShared{std::move(tls), std::move(handler), std::move(log), options});
  return Server(std::make_shared<State>(executor, std::move(acceptor), std::move(shared)));
}

std::uint16_t Server::port() const {
  std::error_code ignored;
  return state_->acceptor.local_endpoint(ignored).port();
}

void Server::start() { state_->tasks.spawn(state_->accept_loop()); }

asio::awaitable<void> Server::stop() {
  const auto state = state_;
  state->end(false);
  asio::steady_timer grace(state->executor, state->shared->options.stop_grace);
  grace.async_wait([weak = std::weak_ptr(state)](const std::error_code& error) {
    const auto late = weak.lock();
    if (!error && late) late->end(true);
  });
  co_await state->tasks.join();
}

std::size_t Server::connections() const { return state_->admitted; }

}  // namespace hoop::http
