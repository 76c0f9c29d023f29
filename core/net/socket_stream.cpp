// SPDX-License-Identifier: Apache-2.0
// TCP and Unix streams: the plain system call first, Asio's reactor only when it would block.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include "core/net/stream.h"
#include "core/net/stream_state.h"

namespace hoop::net {
namespace {

template <class Socket>
struct SocketState final : StreamState {
  SocketState(Socket opened, std::string peer_name)
      : StreamState(opened.get_executor()), socket(std::move(opened)), peer(std::move(peer_name)) {}
  void interrupt() override {
    std::error_code ignored;
    socket.cancel(ignored);
  }
  void release() override {
    std::error_code ignored;
    socket.close(ignored);
  }
  Error failure(std::string_view what, const std::error_code& error) const {
    if (auto end = ended()) return std::move(*end).within(fmt::format("{} {}", what, peer));
    if (error == asio::error::operation_aborted)
      return {ErrorCode::cancelled, fmt::format("{} {}: cancelled", what, peer), {}, {}};
    return io_error(what, peer, error);
  }

  Socket socket;
  std::string peer;
  // The last read got less than it had room for: Asio's own attempt is enough.
  bool drained = false;
};

std::error_code last_error() { return {errno, std::system_category()}; }
bool would_block(const std::error_code& error) {
  return error.value() == EAGAIN || error.value() == EWOULDBLOCK;
}

// Both are free coroutines that own the state: the stream may be destroyed while one is pending.
template <class Socket>
Task<std::size_t> read(std::shared_ptr<SocketState<Socket>> state, MutableByteSpan out) {
  HOOP_ASSERT(!out.empty());
  if (state->wants_turn()) co_await asio::post(state->socket.get_executor(), asio::use_awaitable);
  while (!state->drained) {
    if (state->ended()) co_return std::unexpected(state->failure("read", {}));
    const auto got = ::recv(state->socket.native_handle(), out.data(), out.size(), MSG_DONTWAIT);
    if (got >= 0) {
      state->drained = static_cast<std::size_t>(got) < out.size();
      co_return static_cast<std::size_t>(got);
    }
    const auto error = last_error();
    if (error.value() == EINTR) continue;
    if (!would_block(error)) co_return std::unexpected(state->failure("read", error));
    break;
  }
  if (state->ended()) co_return std::unexpected(state->failure("read", {}));
  const auto [error, count] =
      co_await state->socket.async_read_some(asio::buffer(out.data(), out.size()), as_result);
  if (!error) {
    state->drained = count < out.size();
    co_return count;
  }
  if (error == asio::error::eof && !state->ended()) co_return std::size_t{0};
  co_return std::unexpected(state->failure("read", error));
}

/// As much of in as is taken at once; answers the rest.
template <class Socket>
Result<ByteSpan> send_now(SocketState<Socket>& state, ByteSpan in) {
  for (;;) {
    if (state.ended()) return std::unexpected(state.failure("write", {}));
    if (in.empty()) return in;
    const auto sent =
        ::send(state.socket.native_handle(), in.data(), in.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      in = in.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    const auto refused = last_error();
    if (refused.value() == EINTR) continue;
    if (would_block(refused)) return in;
    return std::unexpected(state.failure("write", refused));
  }
}

/// Of what send_now() has left.
template <class Socket>
Task<void> write_rest(std::shared_ptr<SocketState<Socket>> state, ByteSpan in) {
  while (!in.empty()) {
    const auto [error, count] =
        co_await state->socket.async_write_some(asio::buffer(in.data(), in.size()), as_result);
    if (error) co_return std::unexpected(state->failure("write", error));
    HOOP_CO_TRY(in, send_now(*state, in.subspan(count)));
  }
  co_return Result<void>{};
}

template <class Socket>
Task<void> write_in_turn(std::shared_ptr<SocketState<Socket>> state, ByteSpan in) {
  co_await asio::post(state->socket.get_executor(), asio::use_awaitable);
  HOOP_CO_TRY(in, send_now(*state, in));
  co_return co_await write_rest(std::move(state), in);
}

template <class Socket>
Eventually<Result<void>> start_write(const std::shared_ptr<SocketState<Socket>>& state,
                                     ByteSpan in) {
  using Written = Eventually<Result<void>>;
  if (state->wants_turn()) return Written(write_in_turn(state, in));
  const auto rest = send_now(*state, in);
  if (!rest) return Written(Result<void>(std::unexpected(rest.error())));
  return rest->empty() ? Written(Result<void>{}) : Written(write_rest(state, *rest));
}

template <class Socket>
Task<void> write(std::shared_ptr<SocketState<Socket>> state, ByteSpan in) {
  auto started = start_write(state, in);
  if (started.ready()) co_return started.take();
  co_return co_await started.wait();
}

template <class Socket>
Task<void> shut_down(std::shared_ptr<SocketState<Socket>> state) {
  if (state->ended()) co_return std::unexpected(state->failure("shut down", {}));
  std::error_code error;
  state->socket.shutdown(asio::socket_base::shutdown_send, error);
  // The peer may have gone already: what it would have been told, it no longer asks.
  if (error && error != asio::error::not_connected)
    co_return std::unexpected(state->failure("shut down", error));
  co_return Result<void>{};
}

/// The descriptor on another reactor. The old state stays behind, closed, for a timer of it that
/// has already fired.
template <class Socket>
Result<std::shared_ptr<SocketState<Socket>>> move_socket(SocketState<Socket>& state,
                                                         const asio::any_io_executor& executor) {
  if (state.ended()) return std::unexpected(state.failure("move", {}));
  std::error_code error;
  const auto protocol = state.socket.local_endpoint(error).protocol();
  if (error) return std::unexpected(state.failure("move", error));
  const auto descriptor = state.socket.release(error);
  if (error) return std::unexpected(state.failure("move", error));
  state.close();
  Socket moved(executor);
  moved.assign(protocol, descriptor, error);
  if (error) {
    ::close(descriptor);
    return std::unexpected(io_error("move", state.peer, error));
  }
  return std::make_shared<SocketState<Socket>>(std::move(moved), state.peer);
}

template <class Socket>
Result<Descriptor> take_descriptor(SocketState<Socket>& state) {
  if (state.ended()) return std::unexpected(state.failure("hand over", {}));
  std::error_code error;
  Descriptor out(state.socket.release(error));
  if (error) return std::unexpected(state.failure("hand over", error));
  state.close();
  if (const int flags = ::fcntl(out.get(), F_GETFL); flags >= 0)
    ::fcntl(out.get(), F_SETFL, flags & ~O_NONBLOCK);
  return out;
}

template <class Socket>
class SocketStream final : public Stream {
 public:
  SocketStream(Socket socket, std::string peer)
      : state_(std::make_shared<SocketState<Socket>>(std::move(socket), std::move(peer))) {}
  explicit SocketStream(std::shared_ptr<SocketState<Socket>> state) : state_(std::move(state)) {}
  ~SocketStream() override { state_->close(); }
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  Task<std::size_t> read_some(MutableByteSpan out) override { return read(state_, out); }
  Task<void> write_all(ByteSpan in) override { return write(state_, in); }
  Eventually<Result<void>> start_write(ByteSpan in) override {
    return net::start_write(state_, in);
  }
  Task<void> shutdown_write() override { return shut_down(state_); }
  void close() override { state_->close(); }
  void set_deadline(Deadline deadline) override { state_->set_deadline(deadline); }
  asio::any_io_executor executor() override { return state_->socket.get_executor(); }
  Result<StreamPtr> move_to(const asio::any_io_executor& executor) override {
    HOOP_TRY(auto moved, move_socket(*state_, executor));
    return std::make_unique<SocketStream>(std::move(moved));
  }
  bool has_input() const override {
    std::uint8_t byte = 0;
    const auto got = ::recv(state_->socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || !would_block(last_error());
  }
  Result<Descriptor> take_socket() override { return take_descriptor(*state_); }
  std::string peer_name() const override { return state_->peer; }

 private:
  std::shared_ptr<SocketState<Socket>> state_;
};

std::string name_of(const asio::ip::tcp::socket& socket) {
  std::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return "tcp";
  const auto address = endpoint.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.port())
                         : fmt::format("{}:{}", address.to_string(), endpoint.port());
}

}  // namespace

StreamPtr make_tcp_stream(asio::ip::tcp::socket socket) {
  std::error_code ignored;
  // Small messages answer each other on every protocol that we speak.
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  auto peer = name_of(socket);
  return std::make_unique<SocketStream<asio::ip::tcp::socket>>(std::move(socket), std::move(peer));
}

StreamPtr make_unix_stream(asio::local::stream_protocol::socket socket) {
  return std::make_unique<SocketStream<asio::local::stream_protocol::socket>>(std::move(socket),
                                                                              "unix");
}

}  // namespace hoop::net
