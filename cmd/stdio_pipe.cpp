// SPDX-License-Identifier: Apache-2.0
#include "cmd/stdio_pipe.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/write.hpp>

namespace hoop::cmd {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr std::chrono::seconds kDrains{2};

using Socket = asio::local::stream_protocol::socket;

}  // namespace

struct StdioPipe::State {
  explicit State(asio::io_context& context)
      : in(context), out(context), ours(context), said(context, SteadyTime::max()) {}
  asio::posix::stream_descriptor in, out;
  Socket ours;
  asio::steady_timer said;  // never expires; cancelled when all has been said
  bool has_said = false;

  void close() {
    std::error_code ignored;
    in.close(ignored);
    ours.close(ignored);
  }
};

namespace {

/// Until from has ended or to takes no more.
template <class From, class To>
asio::awaitable<void> carry_from(From& from, To& to) {
  std::vector<std::uint8_t> piece(kPiece);
  for (;;) {
    const auto [error, count] = co_await from.async_read_some(asio::buffer(piece), as_result);
    if (error || count == 0) co_return;
    const auto [refused, written] =
        co_await asio::async_write(to, asio::buffer(piece.data(), count), as_result);
    static_cast<void>(written);
    if (refused) co_return;
  }
}

}  // namespace

StdioPipe::StdioPipe(asio::io_context& context) : state_(std::make_shared<State>(context)) {}
StdioPipe::~StdioPipe() { state_->close(); }
void StdioPipe::close() { state_->close(); }

Result<net::StreamPtr> StdioPipe::open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return fail(ErrorCode::io, "no more descriptors");
  const asio::any_io_executor executor = state_->ours.get_executor();
  state_->ours.assign(asio::local::stream_protocol(), ends[0]);
  Socket theirs(executor);
  theirs.assign(asio::local::stream_protocol(), ends[1]);
  std::error_code refused;
  state_->in.assign(::dup(STDIN_FILENO), refused);
  if (!refused) state_->out.assign(::dup(STDOUT_FILENO), refused);
  if (refused)
    return fail(ErrorCode::io, "standard input and output are no pipes",
                "ssh starts this as its ProxyCommand: hoopctl ssh-config");
  asio::co_spawn(
      executor,
      [](std::shared_ptr<State> state) -> asio::awaitable<void> {
        co_await carry_from(state->in, state->ours);
        std::error_code ignored;
        state->ours.shutdown(asio::socket_base::shutdown_send, ignored);
      }(state_),
      [](const std::exception_ptr&) {});
  asio::co_spawn(
      executor,
      [](std::shared_ptr<State> state) -> asio::awaitable<void> {
        co_await carry_from(state->ours, state->out);
        state->has_said = true;
        state->said.cancel();
      }(state_),
      [](const std::exception_ptr&) {});
  return net::make_unix_stream(std::move(theirs));
}

asio::awaitable<void> StdioPipe::drain() {
  const std::shared_ptr<State> state = state_;
  if (state->has_said) co_return;
  state->said.expires_after(kDrains);
  co_await state->said.async_wait(as_result);
}

}  // namespace hoop::cmd
