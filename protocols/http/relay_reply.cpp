// SPDX-License-Identifier: Apache-2.0
// A request that may pass: to the target, and its reply back.
#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/http/message_writer.h"
#include "protocols/http/exchange.h"
#include "protocols/http/request_action.h"

namespace hoop::http_target {
/// For the program: on the gateway path the target's address is none of its business.
Problem Connection::problem_of_upstream(const Error& error) const {
  const bool is_local = shared_.context.grant.path == access::DataPath::local;
  std::string detail = fmt::format("target '{}' cannot be reached", shared_.target().name);
  if (is_local) detail += ": " + error.message;
  switch (error.code) {
    case ErrorCode::timeout: return {504, "target_timeout", std::move(detail)};
    case ErrorCode::integrity:
      return {502, "target_not_trusted", std::move(detail),
              "the target's certificate is not one that its configuration trusts"};
    case ErrorCode::malformed:
    case ErrorCode::unsupported:
    case ErrorCode::too_large:
      return {502, "malformed_reply",
              fmt::format("target '{}' has answered what could be read in two ways: {}",
                          shared_.target().name, error.message)};
    case ErrorCode::io:
      return {502, "target_lost",
              fmt::format("target '{}' has ended the connection before it answered",
                          shared_.target().name)};
    default: break;
  }
  return {502, "target_unreachable", std::move(detail), "is it running, and is its address right?"};
}

Problem Connection::access_ended() const {
  return {403, "access_ended", ended_.value_or(""), "connect again"};
}

/// Answers whether the connection goes on.
asio::awaitable<bool> Connection::pass_on(Exchange& exchange) {
  const auto opened = co_await upstream_.open();
  if (!opened) {
    static_cast<void>(shared_.context.gate.reply_end(
        *exchange.admitted, {exchange.admitted->id(), {}, 0, 0, 0, {}, "not sent"}));
    Problem problem = problem_of_upstream(opened.error());
    if (ended_) problem = access_ended();
    co_return co_await answer(std::move(problem));
  }
  upstream_.note_busy();
  if (ended_) upstream_.close();
  since_ = shared_.context.clock.steady_now();
  co_return co_await relay(exchange);
}

/// The head, and the body as far as it is here; what is not comes beside the reply.
Task<void> Connection::send_request(Exchange& exchange) {
  HOOP_CO_TRY(const std::string head, forwarded_head(exchange));
  session::UpstreamBatch batch;
  batch.add(*exchange.admitted, as_bytes(head));
  batch.add(*exchange.admitted, exchange.body);
  exchange.is_sent = exchange.is_body_whole;
  co_return co_await finished(shared_.context.gate.forward(batch, upstream_.stream()));
}

/// What the program still sends of the body. Whatever ends it ends what is under way upstream, too:
/// the target must not take half of a body for all of it.
asio::awaitable<void> Connection::send_body(Exchange& exchange) {
  const bool is_chunked = exchange.declared.kind == http::Framing::Kind::chunked;
  Result<void> outcome = co_await continue_body();
  session::UpstreamBatch batch;
  while (outcome && !exchange.is_sent) {
    ByteSpan unread = in_.unread();
    const std::size_t before = unread.size();
    const auto event = reader_.next(unread);
    in_.consume(before - unread.size());  // its bytes stay where they are until more()
    if (!event) instead_ = malformed(event.error().message);
    if (!event) break;
    if (*event == http::Event::body) {
      const ByteSpan piece = reader_.chunk();
      exchange.carried_mask = exchange.reading->carries_mask(piece);
      if (exchange.carried_mask) break;
      exchange.streamed += piece.size();
      exchange.digest.update(piece);
      if (is_chunked) batch.add(*exchange.admitted, as_bytes(http::chunk_head(piece.size())));
      batch.add(*exchange.admitted, piece);
      if (is_chunked) batch.add(*exchange.admitted, as_bytes("\r\n"));
    }
    if (*event == http::Event::done) {
      exchange.is_sent = true;
      if (is_chunked) batch.add(*exchange.admitted, as_bytes(http::kLastChunk));
    }
    if (*event == http::Event::body) continue;
    may_watch_ = true;  // a target may not read on, and nothing is awaited of the program meanwhile
    if (!exchange.is_discarded)
      outcome = co_await finished(shared_.context.gate.forward(batch, upstream_.stream()));
    may_watch_ = false;
    if (!outcome || exchange.is_sent) continue;
    const auto more = co_await in_.more();
    if (!more || !*more) break;
  }
  if (!exchange.is_sent && !exchange.is_discarded && outcome) upstream_.close();
  may_watch_ = exchange.is_sent;
}

/// To its end, or to what the program gets in its place.
Task<void> Connection::read_reply(Exchange& exchange, Reply& reply) {
  http::ResponseReader reader(exchange.head.method, ~std::uint64_t{0});
  session::DownstreamBatch batch;
  for (bool is_over = false; !is_over;) {
    ByteSpan unread = upstream_.in().unread();
    const std::size_t before = unread.size();
    HOOP_CO_TRY(const http::Event event, reader.next(unread));
    if (event == http::Event::head) {
      if (reader.head().status == 101)
        co_return fail(ErrorCode::malformed, "it changes the protocol though nobody has asked");
      if (auto problem = reply.begin(reader.head())) {
        instead_ = std::move(problem);
        co_return fail(ErrorCode::denied, "the reply is not for the program");
      }
    }
    if (event == http::Event::body) HOOP_CO_CHECK(reply.take(reader.chunk()));
    upstream_.in().consume(before - unread.size());
    is_over = event == http::Event::done;
    if (is_over) HOOP_CO_CHECK(reply.end(reader.trailers()));
    if (event != http::Event::need_more && !is_over) continue;
    if (reply.has_head()) {
      if (!exchange.is_sent) reply.end_connection();
      HOOP_CO_CHECK(reply.collect(batch));
    }
    is_replying_ = reply.has_begun();
    HOOP_CO_CHECK(co_await finished(shared_.context.gate.deliver(batch, in_.stream())));
    if (is_over) break;
    HOOP_CO_TRY(const bool more, co_await upstream_.in().more());
    // What is cut off is not ambiguous: its end is missing.
    if (!more && !reader.end_of_input())
      co_return fail(ErrorCode::io, "the target has closed the connection before its reply's end");
  }
  if (!reader.keeps_alive() || !exchange.is_sent) {
    is_spent_ = true;
  }
  co_return Result<void>{};
}

asio::awaitable<bool> Connection::relay(Exchange& exchange) {
  ReplyTerms terms{exchange.head.method, shared_.dialect->endpoint_origin(exchange.head),
                   reader_.is_http_1_0(), reader_.keeps_alive()};
  Reply reply(shared_, *exchange.reading, *exchange.admitted, std::move(terms));
  is_spent_ = false;
  instead_.reset();
  Result<void> outcome = co_await send_request(exchange);
  may_watch_ = outcome && exchange.is_sent;
  net::TaskGroup beside(in_.stream().executor());
  if (outcome && !exchange.is_sent) beside.spawn(send_body(exchange));
  // A target may have answered before it broke the connection off; but not what it has not got.
  if (!outcome && outcome.error().code != ErrorCode::io) upstream_.close();
  Result<void> replied = co_await read_reply(exchange, reply);
  may_watch_ = false;
  const bool again = !replied && upstream_.was_used() && !exchange.was_retried && !ended_ &&
                     !is_late_ && exchange.is_body_whole && is_idempotent(exchange.head.method) &&
                     !reply.has_head() && !instead_ && upstream_.in().unread().empty();
  if (!exchange.is_sent) {
    // Nobody wants the rest of the body; but a program that is still sending must not lose the
    // answer.
    exchange.is_discarded = true;
    upstream_.close();
    in_.stream().set_deadline(Deadline::after(shared_.context.clock, kUnwantedBody));
  }
  co_await beside.join();
  if (exchange.streamed != 0)
    static_cast<void>(
        shared_.context.gate.note({"request_body",
                                   {{"action", std::to_string(exchange.admitted->id())},
                                    {"bytes", std::to_string(exchange.streamed)},
                                    {"sha256", to_hex(exchange.digest.finish())}}}));
  if (again) {
    upstream_.drop();
    exchange.was_retried = true;
    static_cast<void>(shared_.context.gate.note(
        {"sent_again", {{"action", std::to_string(exchange.admitted->id())}}}));
    co_return co_await pass_on(exchange);
  }
  if (!replied) co_return co_await give_up(exchange, reply, replied.error());
  if (is_spent_) {
    upstream_.drop();
  } else {
    upstream_.note_used(shared_.context.clock.steady_now());
  }
  if (!reply.keeps_alive() || !exchange.is_sent || ended_) {
    co_await linger();
    co_return false;
  }
  reader_.restart();
  co_return true;
}

Problem Connection::problem_of_failure(const Exchange& exchange, const Reply& reply,
                                       const Error& error) {
  if (exchange.carried_mask)
    return problem_of(
        shared_.context.gate.refuse(number_, exchange.action, mask_comes_back()).decision);
  if (ended_) return access_ended();
  if (is_late_)
    return {504, "limit_reached", "the time limit of a request is reached",
            "ask for less: a page, or a filter"};
  if (error.code == ErrorCode::storage)
    return {503, "record_failed", "the session log could not take the record"};
  Problem out = instead_ ? std::move(*instead_) : problem_of_upstream(error);
  if (error.code == ErrorCode::too_large && !error.hint.empty())
    out = {403, "limit_reached", error.message, error.hint};
  if (error.code == ErrorCode::unsupported && reply.has_head())
    out = {502, "unmaskable_reply", error.message};
  // Whoever is told that a write has failed would do it again.
  if (reply.has_head() && reply.status() < 400 && !is_safe(exchange.head.method)) {
    out.status = reply.status() == 204 || reply.status() < 200 ? 200 : reply.status();
    out.detail = "the target has carried the request out, but its reply is withheld: " + out.detail;
  }
  return out;
}

/// What has been said to the program decides what can still be said.
asio::awaitable<bool> Connection::give_up(Exchange& exchange, Reply& reply, Error error) {
  upstream_.drop();
  Problem problem = problem_of_failure(exchange, reply, error);
  static_cast<void>(reply.record_end("error " + problem.code));
  if (reply.has_begun()) {
    // Broken off: no end of the body may look like one.
    shared_.context.log.info("http.broken_off", {{"code", problem.code}});
    in_.stream().close();
    co_return false;
  }
  co_return co_await answer(std::move(problem));
}

}  // namespace hoop::http_target
