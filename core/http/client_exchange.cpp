// SPDX-License-Identifier: Apache-2.0
#include "core/http/client_exchange.h"

#include "core/http/message_reader.h"

namespace hoop::http {
namespace {

constexpr std::size_t kBufferBytes = 32 * 1024;
constexpr std::size_t kJoinedBodyBytes = 64 * 1024;

Task<void> send(net::Stream& stream, std::string_view head, std::string_view body) {
  if (body.size() <= kJoinedBodyBytes) {
    const auto joined = std::string(head).append(body);
    co_return co_await stream.write_all(as_bytes(joined));
  }
  HOOP_CO_CHECK(co_await stream.write_all(as_bytes(head)));
  co_return co_await stream.write_all(as_bytes(body));
}

/// Reads more, or notes the end. False: the peer has shut its side down.
Task<bool> receive(net::Stream& stream, Bytes& buffer, ByteSpan& in) {
  HOOP_CO_TRY(const auto count, co_await stream.read_some(buffer));
  in = ByteSpan(buffer).first(count);
  co_return count != 0;
}

Task<Exchange> read_response(net::Stream& stream, ResponseReader& reader, std::string& body) {
  Bytes buffer(kBufferBytes);
  ByteSpan in;
  for (;;) {
    HOOP_CO_TRY(const auto event, reader.next(in));
    switch (event) {
      case Event::head: break;
      case Event::body: body += as_text(reader.chunk()); break;
      case Event::done: {
        // Bytes that nobody asked for would be taken for the next response.
        Exchange done{reader.take_head(), reader.keeps_alive() && in.empty(), {}};
        if (done.response.status == 101) done.early.assign(in.begin(), in.end());
        done.response.body = std::move(body);
        co_return std::move(done);
      }
      case Event::need_more:
        HOOP_CO_TRY(const bool more, co_await receive(stream, buffer, in));
        if (!more) HOOP_CO_CHECK(reader.end_of_input());
        break;
    }
  }
}

}  // namespace

asio::awaitable<std::expected<Exchange, ExchangeFailure>> exchange(net::Stream& stream,
                                                                   std::string method,
                                                                   std::string_view head,
                                                                   std::string_view body,
                                                                   std::uint64_t max_body) {
  const auto sent = co_await send(stream, head, body);
  const bool broken = !sent && sent.error().code == ErrorCode::io;
  if (!sent && !broken) co_return std::unexpected(ExchangeFailure{sent.error(), false});
  ResponseReader reader(std::move(method), max_body);
  std::string received;
  // A server that refuses a large body may answer and close before it has read all: its answer says
  // more than the broken pipe.
  auto answered = co_await read_response(stream, reader, received);
  if (answered && sent) co_return std::move(*answered);
  if (answered) {
    answered->reusable = false;
    co_return std::move(*answered);
  }
  const auto code = answered.error().code;
  const bool nothing_came =
      !reader.started() && (code == ErrorCode::io || code == ErrorCode::malformed);
  co_return std::unexpected(
      ExchangeFailure{broken ? sent.error() : std::move(answered).error(), nothing_came});
}

}  // namespace hoop::http
