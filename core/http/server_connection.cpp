// SPDX-License-Identifier: Apache-2.0
#include "core/http/server_connection.h"

#include <asio/system_error.hpp>

#include <fmt/format.h>

#include "core/http/file_body.h"
#include "core/http/http_date.h"
#include "core/http/message_writer.h"

namespace hoop::http {
namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;
// A small body goes out with its head in one write.
constexpr std::size_t kJoinedBodyBytes = 64 * 1024;
// A client that is still sending when it is refused would get a reset, and lose our answer: its
// bytes are taken for a moment.
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr std::size_t kLingerBytes = 1024 * 1024;

bool has_no_body(int status) { return status < 200 || status == 204 || status == 304; }

}  // namespace

Deadline ServerConnection::within(std::chrono::milliseconds span) const {
  return Deadline::at(std::chrono::steady_clock::now() + span);
}

void ServerConnection::end_if_idle() {
  if (!busy_ && current_ != nullptr) current_->close();
}

Task<void> ServerConnection::shake_hands(net::StreamPtr stream, Deadline deadline) {
  current_ = stream.get();
  if (!shared_->tls) {
    stream_ = std::move(stream);
  } else {
    auto shaken = co_await shared_->tls->handshake(std::move(stream), deadline);
    current_ = shaken ? shaken->get() : nullptr;
    if (!shaken) co_return std::unexpected(std::move(shaken).error());
    stream_ = std::move(*shaken);
  }
  stream_->set_deadline(deadline);
  co_return Result<void>{};
}

asio::awaitable<std::optional<ServerConnection::Upgraded>> ServerConnection::serve(
    net::StreamPtr stream) {
  const auto shaken =
      co_await shake_hands(std::move(stream), within(shared_->options.handshake_and_head));
  if (!shaken) {
    shared_->log->debug("http_handshake_failed",
                        {{"peer", info_.peer.to_string()}, {"reason", shaken.error().message}});
    co_return std::nullopt;
  }
  buffer_.resize(kBufferBytes);
  for (bool keep = true; keep;) {
    auto request = co_await next_request();
    if (!request) break;
    const bool head_only = request->method == "HEAD";
    auto response = co_await handle(std::move(*request));
    keep = reader_.keeps_alive() && !shared_->stopping && !response.upgrade;
    const auto sent = co_await send(response, head_only, keep);
    if (!sent) break;
    if (response.upgrade) {
      current_ = nullptr;
      stream_->set_deadline(Deadline::never());
      Upgraded upgraded{std::move(response), std::move(stream_), to_text(unread())};
      co_return std::move(upgraded);
    }
    if (!keep) co_await linger();
    busy_ = false;
    ++served_;
    reader_.restart();
    if (keep) stream_->set_deadline(within(shared_->options.idle));
  }
  current_ = nullptr;
  stream_->close();
  co_return std::nullopt;
}

Task<bool> ServerConnection::fill() {
  const bool started = reader_.started();
  HOOP_CO_TRY(const auto count, co_await stream_->read_some(buffer_));
  unread_from_ = 0;
  unread_to_ = count;
  // The wait for a further request is idleness; from its first byte on the head is due. The first
  // head's time began at accept.
  if (!started && count != 0 && served_ != 0)
    stream_->set_deadline(within(shared_->options.handshake_and_head));
  co_return count != 0;
}

asio::awaitable<std::optional<Request>> ServerConnection::next_request() {
  std::string body;
  for (;;) {
    auto in = unread();
    const auto event = reader_.next(in);
    unread_from_ = unread_to_ - in.size();
    busy_ = reader_.started();
    if (!event) co_return co_await refuse(reader_.refusal_status(), event.error().message);
    if (*event == Event::done) {
      auto request = reader_.take_head();
      request.body = std::move(body);
      co_return std::move(request);
    }
    if (*event == Event::body) body += as_text(reader_.chunk());
    if (*event == Event::head) {
      stream_->set_deadline(within(shared_->options.body));
      if (!reader_.expects_continue()) continue;
      const auto sent = co_await stream_->write_all(as_bytes(kContinue));
      if (!sent) co_return std::nullopt;
    }
    if (*event != Event::need_more) continue;
    const auto more = co_await fill();
    if (more && *more) continue;
    const bool late = !more && more.error().code == ErrorCode::timeout && reader_.started();
    if (late) co_return co_await refuse(408, "the request did not come in time");
    co_return std::nullopt;
  }
}

asio::awaitable<std::optional<Request>> ServerConnection::refuse(int status, std::string detail) {
  shared_->log->debug(
      "http_request_refused",
      {{"peer", info_.peer.to_string()}, {"status", std::to_string(status)}, {"reason", detail}});
  auto response = problem_response(status, "http", detail);
  const auto sent = co_await send(response, false, false);
  if (sent) co_await linger();
  co_return std::nullopt;
}

asio::awaitable<Response> ServerConnection::handle(Request request) {
  // The handler's own waits are bounded by the handler.
  stream_->set_deadline(Deadline::never());
  ConnectionInfo info = info_;
  info.stream = stream_.get();
  info.unread = unread().size();
  std::string reason;
  try {
    co_return co_await shared_->handler(std::move(request), std::move(info));
  } catch (const asio::system_error& error) {
    // The server is being stopped and has cancelled this coroutine.
    if (error.code() == asio::error::operation_aborted) throw;
    reason = error.what();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  shared_->log->error("http_handler_failed", {{"reason", reason}});
  co_return problem_response(500, "internal", "the server failed; its log says why");
}

Task<void> ServerConnection::write(ByteSpan bytes) {
  stream_->set_deadline(within(shared_->options.write));
  co_return co_await stream_->write_all(bytes);
}

Task<void> ServerConnection::send(Response& response, bool head_only, bool keep) {
  if (!response.headers.find("date"))
    response.headers.add("Date", http_date(SystemClock().system_now()));
  if (!keep && !response.upgrade) response.headers.set("Connection", "close");
  if (response.file) co_return co_await send_file(response, head_only);
  const bool bodiless = has_no_body(response.status);
  auto head = write_response_head(
      response, bodiless ? Framing{} : Framing{Framing::Kind::length, response.body.size()});
  if (!head) {
    shared_->log->error("http_response_invalid", {{"reason", head.error().message}});
    response = problem_response(500, "internal", "the server failed; its log says why");
    response.headers.add("Connection", "close");
    head = write_response_head(response, {Framing::Kind::length, response.body.size()});
  }
  if (head_only || bodiless) co_return co_await write(as_bytes(*head));
  if (response.body.size() <= kJoinedBodyBytes) {
    head->append(response.body);
    co_return co_await write(as_bytes(*head));
  }
  HOOP_CO_CHECK(co_await write(as_bytes(*head)));
  co_return co_await write(as_bytes(response.body));
}

Task<void> ServerConnection::send_file(Response& response, bool head_only) {
  auto file = FileBody::open(*response.file);
  if (!file) {
    shared_->log->error("http_file_failed", {{"reason", file.error().message}});
    response = problem_response(500, "internal", "the server failed; its log says why");
    response.headers.add("Connection", "close");
    static_cast<void>(co_await send(response, head_only, false));
    co_return std::unexpected(std::move(file).error());
  }
  HOOP_CO_TRY(const auto head,
              write_response_head(response, {Framing::Kind::length, file->size()}));
  HOOP_CO_CHECK(co_await write(as_bytes(head)));
  Bytes chunk(head_only ? 0 : kJoinedBodyBytes);
  for (std::uint64_t left = head_only ? 0 : file->size(); left != 0;) {
    // A file that shrank cannot keep the length that was promised: the connection ends, and the
    // client sees that.
    HOOP_CO_TRY(const auto count, file->read(chunk, left));
    HOOP_CO_CHECK(co_await write(ByteSpan(chunk).first(count)));
    left -= count;
  }
  co_return Result<void>{};
}

asio::awaitable<void> ServerConnection::linger() {
  stream_->set_deadline(within(kLinger));
  const auto ended = co_await stream_->shutdown_write();
  if (!ended) co_return;
  for (std::size_t taken = 0; taken < kLingerBytes;) {
    const auto count = co_await stream_->read_some(buffer_);
    if (!count || *count == 0) co_return;
    taken += *count;
  }
}

}  // namespace hoop::http
