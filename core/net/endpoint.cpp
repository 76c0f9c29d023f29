// SPDX-License-Identifier: Apache-2.0
#include "core/net/endpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include <fmt/format.h>

#include "core/net/peer.h"
#include "core/net/process_tree.h"

namespace hoop::net {
namespace {

constexpr auto kPause =
    std::chrono::milliseconds(50);  // after EMFILE and its kin: a descriptor may come free

/// What both kinds share: accept until a peer passes. Check is called with the socket and answers
/// why not, or an empty text.
template <class Acceptor>
class CheckedEndpoint : public Endpoint {
 public:
  using Socket = typename Acceptor::protocol_type::socket;

  CheckedEndpoint(asio::any_io_executor executor, RefusalListener on_refusal)
      : acceptor_(std::move(executor)), on_refusal_(std::move(on_refusal)) {}

  Task<StreamPtr> accept() override {
    while (!closed_) {
      auto [failure, socket] =
          co_await acceptor_.async_accept(asio::experimental::as_tuple(asio::use_awaitable));
      if (closed_ || failure == asio::error::operation_aborted) break;
      if (failure) {
        asio::steady_timer pause(acceptor_.get_executor(), kPause);
        co_await pause.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
        continue;
      }
      if (const std::string why = refusal(socket); !why.empty()) {
        asio::error_code ignored;
        socket.close(ignored);
        if (on_refusal_) on_refusal_(why);
        continue;
      }
      co_return wrap(std::move(socket));
    }
    co_return fail(ErrorCode::cancelled, "the endpoint is closed");
  }

  void close() override {
    if (std::exchange(closed_, true)) return;
    asio::error_code ignored;
    acceptor_.close(ignored);
  }

 protected:
  virtual std::string refusal(Socket& socket) = 0;
  virtual StreamPtr wrap(Socket socket) = 0;
  Acceptor acceptor_;

 private:
  RefusalListener on_refusal_;
  bool closed_ = false;
};

class UnixEndpoint final : public CheckedEndpoint<asio::local::stream_protocol::acceptor> {
 public:
  UnixEndpoint(asio::any_io_executor executor, std::string path, ProgramLookup lookup,
               RefusalListener on_refusal)
      : CheckedEndpoint(std::move(executor), std::move(on_refusal)),
        path_(std::move(path)),
        lookup_(std::move(lookup)) {}
  ~UnixEndpoint() override { UnixEndpoint::close(); }

  Result<void> listen() {
    if (path_.size() > kMaxSocketPath) {
      return fail(ErrorCode::io, fmt::format("the socket path '{}' is longer than {} bytes", path_,
                                             kMaxSocketPath));
    }
    asio::error_code failure;
    const asio::local::stream_protocol::endpoint address(path_);
    acceptor_.open(address.protocol(), failure);
    if (!failure) acceptor_.bind(address, failure);
    if (failure) return fail(ErrorCode::io, fmt::format("bind '{}': {}", path_, failure.message()));
    bound_ = true;
    if (::chmod(path_.c_str(), 0600) != 0)
      return fail(ErrorCode::io, fmt::format("chmod '{}': {}", path_, std::strerror(errno)));
    acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (failure)
      return fail(ErrorCode::io, fmt::format("listen on '{}': {}", path_, failure.message()));
    return {};
  }

  void close() override {
    CheckedEndpoint::close();
    if (std::exchange(bound_, false)) ::unlink(path_.c_str());
  }
  std::uint16_t port() const override { return 0; }

 protected:
  std::string refusal(Socket& socket) override {
    const auto peer = unix_peer(socket.native_handle());
    if (!peer) return peer.error().message;
    if (peer->uid != ::geteuid())
      return fmt::format("process {} belongs to uid {}", peer->pid, peer->uid);
    if (!lookup_) return {};
    const auto tree = lookup_();
    if (!tree) return fmt::format("process {} came when no program was running", peer->pid);
    if (!descends_from(peer->pid, tree->program, tree->reaper)) {
      return fmt::format("process {} is not the program {} or one of its children", peer->pid,
                         tree->program);
    }
    return {};
  }
  StreamPtr wrap(Socket socket) override { return make_unix_stream(std::move(socket)); }

 private:
  std::string path_;
  ProgramLookup lookup_;
  bool bound_ = false;
};

class TcpEndpoint final : public CheckedEndpoint<asio::ip::tcp::acceptor> {
 public:
  TcpEndpoint(asio::any_io_executor executor, ProgramLookup lookup, RefusalListener on_refusal)
      : CheckedEndpoint(std::move(executor), std::move(on_refusal)), lookup_(std::move(lookup)) {}

  Result<void> listen(std::uint16_t port) {
    asio::error_code failure;
    const asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), port);
    acceptor_.open(address.protocol(), failure);
    // The next may ask for this very port while connections of ours are in TIME_WAIT: both must
    // have said so. Linux lets nobody have the port of one who listens.
    if (!failure) acceptor_.set_option(asio::socket_base::reuse_address(true), failure);
    if (!failure) acceptor_.bind(address, failure);
    if (!failure) acceptor_.listen(asio::socket_base::max_listen_connections, failure);
    if (!failure) port_ = acceptor_.local_endpoint(failure).port();
    if (failure)
      return fail(ErrorCode::io,
                  fmt::format("listen on 127.0.0.1:{}: {}", port, failure.message()));
    return {};
  }
  Result<void> take(Descriptor listener) {
    asio::error_code failure;
    acceptor_.assign(asio::ip::tcp::v4(), listener.get(), failure);
    if (failure) return fail(ErrorCode::io, "take a listener: " + failure.message());
    static_cast<void>(listener.release());
    port_ = acceptor_.local_endpoint(failure).port();
    is_alone_ = true;
    return {};
  }
  std::uint16_t port() const override { return port_; }

 protected:
  std::string refusal(Socket& socket) override {
    if (is_alone_) return {};
    asio::error_code failure;
    const auto local = socket.local_endpoint(failure);
    const auto remote = failure ? asio::ip::tcp::endpoint() : socket.remote_endpoint(failure);
    if (failure) return "the peer has gone again";
    const auto peer = tcp_peer(local, remote);
    if (!peer) return peer.error().message;
    if (peer->uid != ::geteuid())
      return fmt::format("the peer at port {} belongs to uid {}", remote.port(), peer->uid);
    return lookup_ ? refusal_by_program(*peer, remote.port()) : std::string();
  }
  StreamPtr wrap(Socket socket) override {
    asio::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    return make_tcp_stream(std::move(socket));
  }

 private:
  std::string refusal_by_program(const TcpPeer& peer, std::uint16_t port) const {
    const auto tree = lookup_();
    if (!tree) return fmt::format("the peer at port {} came when no program was running", port);
    if (peer.inode == 0) return fmt::format("the peer at port {} has gone again", port);
    if (tree_holds_socket(peer.inode, tree->program, tree->reaper)) return {};
    return fmt::format("the peer at port {} is not the program {} or one of its children", port,
                       tree->program);
  }

  ProgramLookup lookup_;  // none: for every process of our uid
  std::uint16_t port_ = 0;
  bool is_alone_ = false;  // in a network where there is nobody but the program
};

}  // namespace

Result<EndpointPtr> listen_unix(asio::any_io_executor executor, std::string path,
                                ProgramLookup lookup, RefusalListener on_refusal) {
  HOOP_ASSERT(lookup != nullptr);  // without one anybody of our uid would get in
  auto out = std::make_unique<UnixEndpoint>(std::move(executor), std::move(path), std::move(lookup),
                                            std::move(on_refusal));
  HOOP_CHECK(out->listen());
  return out;
}

Result<EndpointPtr> listen_unix_for_user(asio::any_io_executor executor, std::string path,
                                         RefusalListener on_refusal) {
  auto out = std::make_unique<UnixEndpoint>(std::move(executor), std::move(path), nullptr,
                                            std::move(on_refusal));
  HOOP_CHECK(out->listen());
  return out;
}

Result<EndpointPtr> listen_by(asio::any_io_executor executor, Descriptor listener) {
  auto out = std::make_unique<TcpEndpoint>(std::move(executor), nullptr, nullptr);
  HOOP_CHECK(out->take(std::move(listener)));
  return out;
}

Result<EndpointPtr> listen_loopback(asio::any_io_executor executor, std::uint16_t port,
                                    RefusalListener on_refusal) {
  auto out = std::make_unique<TcpEndpoint>(std::move(executor), nullptr, std::move(on_refusal));
  HOOP_CHECK(out->listen(port));
  return out;
}

Result<EndpointPtr> listen_loopback_for_program(asio::any_io_executor executor, std::uint16_t port,
                                                ProgramLookup lookup, RefusalListener on_refusal) {
  HOOP_ASSERT(lookup != nullptr);  // without one anybody of our uid would get in
  auto out =
      std::make_unique<TcpEndpoint>(std::move(executor), std::move(lookup), std::move(on_refusal));
  HOOP_CHECK(out->listen(port));
  return out;
}

}  // namespace hoop::net
