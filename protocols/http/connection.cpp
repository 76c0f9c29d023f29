// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/connection.h"

#include <fmt/format.h>

#include "core/http/message_writer.h"
#include "protocols/http/exchange.h"

namespace hoop::http_target {
namespace {

// Of a body nobody can be kept from sending: what an engine never holds as a whole. A length that a
// signed number does not hold would be a negative one to some servers, and their body empty.
constexpr std::uint64_t kNoCap = ~std::uint64_t{0} >> 1U;
constexpr std::chrono::seconds kHeadTime{30};  // from its first byte
// Until a request has passed nobody knows who is there: from its accept, or its last try.
constexpr std::chrono::seconds kFirstTime{60};
constexpr std::chrono::seconds kAnswerTime{30};  // for a program to take an answer of ours in
constexpr std::chrono::seconds kTargetIdle{30};  // then it would close the connection by itself
constexpr std::chrono::seconds kWatchAfter{1};   // most requests are answered by then
constexpr std::uint64_t kMostDrained = 256U << 10;

}  // namespace

Connection::Connection(SessionShared& shared, std::uint64_t number, session::Opening opening,
                       net::StreamPtr downstream)
    : shared_(shared),
      number_(number),
      opening_(std::move(opening)),
      in_(std::move(downstream)),
      upstream_(shared),
      reader_(kNoCap),
      since_(shared.context.clock.steady_now()) {}

Connection::~Connection() = default;

Task<void> Connection::serve() {
  for (bool goes_on = true; goes_on;) goes_on = co_await serve_request();
  in_.stream().close();
  upstream_.close();
  co_return Result<void>{};
}

void Connection::end(const std::string& reason) {
  const bool is_first = !ended_;
  if (is_first) ended_ = reason;
  upstream_.close();
  if (is_waiting_ || is_replying_) return in_.stream().close();
  // Nor does a program keep it open that sends its body as slowly as it likes, or reads no answer.
  if (is_first) in_.stream().set_deadline(Deadline::after(shared_.context.clock, kUnwantedBody));
}

void Connection::tick(SteadyTime now) {
  const access::Limits& limits = shared_.policy().limits;
  if (is_waiting_) {
    if (limits.idle_time.count() != 0 && now - since_ > limits.idle_time) in_.stream().close();
    if (upstream_.is_open() && now > upstream_.idle_since() &&
        now - upstream_.idle_since() > kTargetIdle)
      upstream_.drop();
    return;
  }
  // What waits for its body, or for people, has not begun: the connection is there from before.
  const bool is_under_way = upstream_.is_open() && upstream_.idle_since() > now;
  if (limits.statement_time.count() != 0 && is_under_way && now - since_ > limits.statement_time) {
    is_late_ = true;
    upstream_.close();
  }
  if (may_watch_ && now - since_ > kWatchAfter) in_.watch([this] { upstream_.close(); });
}

/// Answers whether there is one.
Task<bool> Connection::read_head() {
  is_waiting_ = true;
  since_ = shared_.context.clock.steady_now();
  bool is_timed = false;
  if (!has_passed_ && !ended_)
    in_.stream().set_deadline(Deadline::after(shared_.context.clock, kFirstTime));
  for (;;) {
    ByteSpan unread = in_.unread();
    const std::size_t before = unread.size();
    const auto event = reader_.next(unread);
    in_.consume(before - unread.size());
    if (!event) co_return std::unexpected(event.error());
    if (*event == http::Event::head) break;
    if (reader_.started() && !is_timed && !ended_) {
      is_waiting_ = false;
      is_timed = true;
      in_.stream().set_deadline(Deadline::after(shared_.context.clock, kHeadTime));
    }
    if (!reader_.started()) in_.release();
    const auto more = co_await in_.more();
    if (!more) co_return std::unexpected(more.error().within("read a request"));
    if (!*more) co_return false;
  }
  is_waiting_ = false;
  if ((is_timed || !has_passed_) && !ended_) in_.stream().set_deadline(Deadline::never());
  co_return true;
}

asio::awaitable<bool> Connection::serve_request() {
  was_continued_ = false;
  is_late_ = false;
  is_replying_ = false;
  method_.clear();
  const auto head = co_await read_head();
  if (!head &&
      (head.error().code == ErrorCode::malformed || head.error().code == ErrorCode::unsupported ||
       head.error().code == ErrorCode::too_large))
    co_return co_await refuse_malformed(head.error());
  if (!head || !*head) co_return false;
  since_ = shared_.context.clock.steady_now();
  Exchange exchange;
  exchange.head = reader_.take_head();
  const auto problem = co_await prepare(exchange);
  if (problem && !exchange.is_recorded) note_refusal(*problem);
  if (problem) co_return co_await answer(*problem);
  has_passed_ = true;
  co_return co_await pass_on(exchange);
}

/// What no rule has refused has no action in the log. A log that cannot take it takes nothing else.
void Connection::note_refusal(const Problem& problem) {
  static_cast<void>(shared_.context.gate.note(
      {"request_refused", {{"connection", std::to_string(number_)}, {"code", problem.code}}}));
}

asio::awaitable<bool> Connection::refuse_malformed(Error error) {
  Problem problem = malformed(std::move(error.message), std::move(error.hint));
  problem.status = reader_.refusal_status();
  if (problem.status == 413 || problem.status == 414 || problem.status == 431)
    problem.code = "request_too_large";
  note_refusal(problem);
  // Where the next request would begin nobody knows.
  static_cast<void>(co_await write(shared_.dialect->answer_of(problem), false));
  co_await linger();
  co_return false;
}

/// In the place of the target. Answers whether the connection goes on.
asio::awaitable<bool> Connection::answer(Problem problem) {
  const bool keeps_alive = reader_.keeps_alive();
  const bool is_settled = co_await settle_body();
  const bool keeps = is_settled && keeps_alive && !ended_;
  const auto written = co_await write(shared_.dialect->answer_of(problem), keeps);
  if (!written) co_return false;
  if (!keeps) {
    co_await linger();
    co_return false;
  }
  reader_.restart();
  co_return true;
}

/// Takes in what is left of a short body, so that the next request can be found behind it. A
/// program that waits to be told to send it may send it or not.
asio::awaitable<bool> Connection::settle_body() {
  if (reader_.expects_continue() && !was_continued_) co_return false;
  std::uint64_t taken = 0;
  in_.stream().set_deadline(Deadline::after(shared_.context.clock, kUnwantedBody));
  for (bool done = false; !done;) {
    ByteSpan unread = in_.unread();
    const std::size_t before = unread.size();
    const auto event = reader_.next(unread);
    in_.consume(before - unread.size());
    taken += before - unread.size();
    if (!event || taken > kMostDrained) co_return false;
    done = *event == http::Event::done;
    if (done || *event != http::Event::need_more) continue;
    const auto more = co_await in_.more();
    if (!more || !*more) co_return false;
  }
  in_.stream().set_deadline(Deadline::never());
  co_return true;
}

/// A close with unread bytes would take the answer away from the program (RFC 9112 §9.6).
asio::awaitable<void> Connection::linger() {
  in_.stream().set_deadline(Deadline::after(shared_.context.clock, kUnwantedBody));
  static_cast<void>(co_await in_.stream().shutdown_write());
  std::uint64_t taken = 0;
  for (bool goes_on = true; goes_on && taken < (kMostDrained << 4U);) {
    taken += in_.unread().size();
    in_.consume(in_.unread().size());
    const auto more = co_await in_.more();
    goes_on = more && *more;
  }
}

Task<void> Connection::write(http::Response response, bool keeps) {
  if (!keeps) response.headers.add("Connection", "close");
  const http::Framing bounds{http::Framing::Kind::length, response.body.size()};
  HOOP_CO_TRY(const std::string head, http::write_response_head(response, bounds));
  session::DownstreamBatch batch;
  batch.bytes().insert(batch.bytes().end(), head.begin(), head.end());
  if (method_ != "HEAD")
    batch.bytes().insert(batch.bytes().end(), response.body.begin(), response.body.end());
  // Instead of one that a body has not kept, which would take the answer away, too.
  const auto patience = ended_ ? kUnwantedBody : kAnswerTime;
  in_.stream().set_deadline(Deadline::after(shared_.context.clock, patience));
  const Result<void> written = co_await finished(shared_.context.gate.deliver(batch, in_.stream()));
  if (written) in_.stream().set_deadline(Deadline::never());
  co_return written;
}

}  // namespace hoop::http_target
