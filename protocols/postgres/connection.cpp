// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/connection.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocols/postgres/explanation.h"
#include "protocols/postgres/refusals.h"

namespace hoop::postgres {
namespace {

// Dial, TLS and authentication of a target that answers at all take well under a second.
constexpr std::chrono::seconds kLoginTime{15};
// A program that does not read its last message in this time is not waited for.
constexpr std::chrono::seconds kGoodbyeTime{2};
// What a program may still send after it broke the protocol, before the connection is closed.
constexpr std::size_t kIgnoredBytes = 64U << 10;
constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::seconds kOutlastTime{5};

}  // namespace

PostgresConnection::PostgresConnection(SessionShared& shared, std::uint64_t number,
                                       net::StreamPtr downstream, session::Opening opening)
    : shared_(shared),
      conversation_(shared, number, downstream->executor()),
      downstream_(std::move(downstream)),
      opening_(std::move(opening)),
      backend_(conversation_),
      watch_(downstream_->executor()),
      idle_(downstream_->executor()) {}

Task<void> PostgresConnection::serve() {
  const Result<void> outcome = co_await converse();
  const bool left_behind = !conversation_.expected.empty();
  // A log that takes no more has said so where it mattered: nothing was released after it.
  static_cast<void>(backend_.abandon());
  session::DownstreamBatch nothing;
  auto committing = shared_.context.gate.deliver(nothing, *downstream_);
  static_cast<void>(co_await finished(std::move(committing)));
  if (!outcome) co_await say_goodbye(outcome.error());
  if (upstream_) upstream_->close();
  downstream_->close();
  shared_.cancel_keys.revoke(our_key_);
  // A role of the session's own is ended at the target together with what it runs.
  const auto* credential = shared_.context.grant.credential_as<access::PostgresCredential>();
  if (left_behind && credential != nullptr && credential->shared) {
    const auto stopped = co_await stop_statement();
    static_cast<void>(stopped);
  }
  co_return outcome;
}

Task<void> PostgresConnection::converse() {
  HOOP_CO_TRY(Upstream upstream, co_await log_in());
  upstream_ = std::move(upstream.stream);
  from_target_ = std::move(upstream.reader);
  target_key_ = std::move(upstream.cancel_key);
  if (cause_) co_return *cause_;  // ended during the login
  HOOP_CO_CHECK(shared_.context.gate.note({"connection_opened",
                                           {{"connection", std::to_string(conversation_.number)},
                                            {"database", conversation_.database}}}));
  frontend_ = std::make_unique<FrontendFlow>(conversation_, *upstream_);
  conversation_.begins_to_wait = [this] { watch_while_waiting(); };
  conversation_.tell = [this](const std::string& words) { announce("hoopctl: " + words); };
  our_key_ = shared_.cancel_keys.issue(target_key_, shared_.context.random);

  backend_running_ = true;
  asio::co_spawn(downstream_->executor(), backend_loop(),
                 [this](const std::exception_ptr& thrown, const Result<void>& outcome) {
                   backend_running_ = false;
                   ended(thrown ? fail(ErrorCode::internal, "the reply loop failed") : outcome);
                 });
  Result<void> outcome = co_await frontend_->open_catalog();
  conversation_.first_names_version = conversation_.reader.version();
  if (outcome)
    outcome = co_await greet(std::move(upstream.parameters), our_key_, std::move(upstream.notices));
  if (outcome) {
    watch_idle();
    outcome = co_await frontend_loop();
  }
  ended(std::move(outcome));
  co_await join_backend();
  co_return *cause_;
}

Task<Upstream> PostgresConnection::log_in() {
  const access::Grant& grant = shared_.context.grant;
  const auto* credential = grant.credential_as<access::PostgresCredential>();
  if (credential == nullptr) co_return fail(ErrorCode::internal, "the grant holds no credential");
  HOOP_CO_TRY(std::string wanted, database());
  conversation_.database = wanted;
  const Deadline deadline = Deadline::after(shared_.context.clock, kLoginTime);
  HOOP_CO_TRY(net::StreamPtr stream,
              co_await shared_.context.dialer.dial(grant.target.host, grant.target.port, deadline));
  LoginParameters login_parameters{grant.target,
                                   credential->username,
                                   credential->password.clone(),
                                   std::move(wanted),
                                   opening_.parameters,
                                   deadline,
                                   &shared_.context.random,
                                   shared_.cache};
  if (credential->shared) login_parameters.enter_role = grant.database_role;
  co_return co_await login(std::move(stream), std::move(login_parameters));
}

Result<std::string> PostgresConnection::database() const {
  const std::vector<std::string>& offered = shared_.context.grant.target.databases;
  std::string wanted;
  for (const auto& [name, value] : opening_.parameters) {
    if (name == "database") wanted = value;
  }
  if (wanted.empty() && !offered.empty()) return offered.front();
  if (std::find(offered.begin(), offered.end(), wanted) != offered.end()) return wanted;
  // The one answer for unknown and forbidden: the server's own for unknown.
  return fail(ErrorCode::not_found, fmt::format("database \"{}\" does not exist", wanted),
              offered.empty()
                  ? std::string()
                  : fmt::format("this target offers \"{}\"", fmt::join(offered, "\", \"")));
}

Task<void> PostgresConnection::greet(ParameterPairs parameters, Bytes cancel_key, Bytes notices) {
  session::DownstreamBatch greeting;
  for (const auto& [name, value] : parameters) {
    append_parameter_status(greeting.bytes(), name, value);
  }
  append_backend_key_data(greeting.bytes(), ByteReader(cancel_key).u32().value_or(0),
                          ByteSpan(cancel_key).subspan(4));
  greeting.bytes().insert(greeting.bytes().end(), notices.begin(), notices.end());
  append_ready_for_query(greeting.bytes(), conversation_.status);
  auto greets = shared_.context.gate.deliver(greeting, *downstream_);
  HOOP_CO_CHECK(co_await finished(std::move(greets)));
  greeted_ = true;
  co_return Result<void>{};
}

// ---- Program to target ----

Task<void> PostgresConnection::frontend_loop() {
  Task<void> reads = asks_for_explanations(opening_) ? explain_reads() : frontend_reads();
  const Result<void> outcome = co_await std::move(reads);
  // What came from the program is its own end: it has nobody to be told.
  if (!outcome && outcome.error().code == ErrorCode::io) co_return Result<void>{};
  co_return outcome;
}

Task<void> PostgresConnection::frontend_reads() {
  for (;;) {
    std::size_t count = 0;
    if (reading_ahead_ || !ahead_.empty() || program_ended_) {
      HOOP_CO_TRY(count, co_await read_after_wait());
    } else {
      HOOP_CO_TRY(count, co_await downstream_->read_some(from_program_.prepare()));
    }
    if (count == 0) co_return Result<void>{};
    if (conversation_.terminated) continue;  // only the end of the stream is waited for
    note_activity();
    from_program_.commit(count);
    for (;;) {
      if (large_from_program_ != 0) {
        const ByteSpan piece = from_program_.take_piece(large_from_program_);
        if (piece.empty()) break;
        large_from_program_ -= piece.size();
        frontend_->take_piece(piece);
        continue;
      }
      const auto next = from_program_.next(Direction::from_frontend);
      if (!next) {
        const auto large = from_program_.large();
        const auto taken = large ? frontend_->take_large(*large) : std::unexpected(next.error());
        if (taken) {
          large_from_program_ = large->size;
          continue;
        }
        still_sending_ = true;
        co_return taken;
      }
      const std::optional<Frame>& frame = *next;
      if (!frame || conversation_.terminated) break;
      HOOP_CO_TRY(const bool taken, frontend_->take(*frame));
      if (!taken) HOOP_CO_CHECK(co_await frontend_->take_waiting(*frame));
    }
    auto forwarding = frontend_->start_forward();
    Result<void> sent;
    if (forwarding.ready()) {
      sent = forwarding.take();
    } else {
      sent = co_await forwarding.wait();
    }
    if (!sent) {
      // The target hung up; its last words, if any, are with the backend's loop, which knows better
      // why.
      if (sent.error().code != ErrorCode::io) co_return sent;
      co_return fail(ErrorCode::upstream_unreachable, "the target closed the connection");
    }
    watch_time();
    watch_idle();
    if (conversation_.terminated && conversation_.expected.empty()) co_return Result<void>{};
  }
}

// ---- Target to program ----

Task<void> PostgresConnection::backend_loop() {
  const Result<void> outcome = co_await backend_reads();
  // Errors say their last words through the goodbye; what was already masked and recorded goes out
  // before.
  if (!outcome && !torn_ && outcome.error().code == ErrorCode::upstream_unreachable) {
    const auto last = co_await deliver();
    if (!last) torn_ = true;
  }
  co_return outcome;
}

Task<void> PostgresConnection::backend_reads() {
  bool more = from_target_.buffered() != 0;  // what came together with the login's last message
  for (;;) {
    if (!more) {
      auto count = co_await upstream_->read_some(from_target_.prepare());
      const bool hung_up = count ? *count == 0 : count.error().code == ErrorCode::io;
      if (hung_up && (conversation_.terminated || backend_.passed_fatal()))
        co_return Result<void>{};
      if (hung_up)
        co_return fail(ErrorCode::upstream_unreachable, "the target closed the connection");
      if (!count) co_return std::unexpected(std::move(count.error()));
      from_target_.commit(*count);
    }
    more = false;
    HOOP_CO_CHECK(take_from_target());
    HOOP_CO_CHECK(backend_.finish_read());
    if (backend_.take_cancel_wish()) HOOP_CO_CHECK(co_await stop_statement());
    auto delivering = start_delivery();
    if (delivering.ready()) {
      HOOP_CO_CHECK(delivering.take());
    } else {
      HOOP_CO_CHECK(co_await delivering.wait());
    }
  }
}

/// All that has come of the target's messages.
Result<void> PostgresConnection::take_from_target() {
  for (;;) {
    if (large_from_target_ != 0) {
      const ByteSpan piece = from_target_.take_piece(large_from_target_);
      if (piece.empty()) return {};
      large_from_target_ -= piece.size();
      HOOP_CHECK(backend_.take_piece(piece));
      continue;
    }
    auto next = from_target_.next(Direction::from_backend);
    if (next && *next) {
      HOOP_CHECK(backend_.take(**next));
      continue;
    }
    if (next) return {};
    const auto large = from_target_.large();
    if (!large) return std::unexpected(std::move(next).error());
    HOOP_CHECK(backend_.take_large(*large));
    large_from_target_ = large->size;
  }
}

Task<void> PostgresConnection::deliver() {
  while (delivering_) co_await conversation_.changed.wait();
  auto delivery = start_delivery();
  co_return co_await finished(std::move(delivery));
}

Eventually<Result<void>> PostgresConnection::start_delivery() {
  using Delivery = Eventually<Result<void>>;
  if (!greeted_) return Delivery(Result<void>{});
  if (delivering_) return Delivery(deliver());
  if (!announced_.empty() && !backend_.inside_message()) {
    Bytes& out = backend_.batch().bytes();
    out.insert(out.end(), announced_.begin(), announced_.end());
    announced_.clear();
  }
  delivering_ = true;
  auto going = shared_.context.gate.deliver(backend_.batch(), *downstream_);
  if (!going.ready()) return Delivery(finish_delivery(going.wait()));
  Result<void> outcome = going.take();
  delivered(outcome);
  return Delivery(std::move(outcome));
}

Task<void> PostgresConnection::finish_delivery(Task<void> going) {
  const Result<void> outcome = co_await std::move(going);
  delivered(outcome);
  co_return outcome;
}

void PostgresConnection::delivered(const Result<void>& outcome) {
  delivering_ = false;
  note_activity();
  if (announcing_) conversation_.changed.notify();
  if (!outcome && outcome.error().code != ErrorCode::storage) torn_ = true;
}

void PostgresConnection::announce(std::string_view words) {
  if (!greeted_ || cause_ || torn_) return;
  append_notice_response(announced_, {Severity::notice, "00000", std::string(words), {}, {}});
  if (announcing_) return;
  announcing_ = true;
  asio::co_spawn(downstream_->executor(), deliver_announced(), [this](const std::exception_ptr&) {
    announcing_ = false;
    conversation_.changed.notify();
  });
}

asio::awaitable<void> PostgresConnection::deliver_announced() {
  // Between two turns of the backend's loop its batch is whole messages, and recorded.
  if (!cause_ && !torn_) static_cast<void>(co_await deliver());
}

// ---- The end ----

void PostgresConnection::ended(Result<void> cause) {
  if (!cause_) cause_ = std::move(cause);
  conversation_.over = true;
  shared_.context.gate.give_up_waiting(conversation_.number);
  conversation_.changed.notify();
  if (upstream_) upstream_->close();
  watch_.cancel();
  idle_.cancel();
  // Both a pending read and a pending write hang on this deadline; only the write deserves time.
  const auto patience =
      delivering_ ? std::chrono::milliseconds(kGoodbyeTime) : std::chrono::milliseconds(0);
  downstream_->set_deadline(Deadline::after(shared_.context.clock, patience));
}

void PostgresConnection::end(std::string reason) {
  if (!cause_) ended(fail(ErrorCode::cancelled, std::move(reason)));
}

asio::awaitable<void> PostgresConnection::join_backend() {
  while (backend_running_ || announcing_ || watching_ || watching_idle_ || reading_ahead_) {
    co_await conversation_.changed.wait();
  }
}

asio::awaitable<void> PostgresConnection::say_goodbye(Error error) {
  if (torn_ || backend_.passed_fatal() || backend_.inside_message()) co_return;
  downstream_->set_deadline(Deadline::after(shared_.context.clock, kGoodbyeTime));
  session::DownstreamBatch last;
  Report report = last_words_ ? *last_words_ : report_of(error);
  // connection_failure: a connection that was there is lost; 08001 is one that could not be made.
  if (greeted_ && error.code == ErrorCode::upstream_unreachable) report.sqlstate = "08006";
  append_error_response(last.bytes(), report);
  // A log that cannot be written releases nothing, and this message releases nothing: it goes past
  // the gate.
  const auto written = co_await downstream_->write_all(last.bytes());
  if (!written) {
    torn_ = true;
  } else if (still_sending_) {
    co_await outlast_program();
  }
}

/// A close now would reset the connection, and with it our last words, which the program reads once
/// it has sent what it is about to send: that is read and thrown away, until it pauses. Not even
/// the end of our own side may come before: libpq takes it for a server that has died.
asio::awaitable<void> PostgresConnection::outlast_program() {
  const Clock& clock = shared_.context.clock;
  const SteadyTime end = clock.steady_now() + kOutlastTime;
  Bytes ignored(kIgnoredBytes);
  while (clock.steady_now() < end) {
    downstream_->set_deadline(Deadline::after(clock, kPause));
    const auto count = co_await downstream_->read_some(ignored);
    if (!count || *count == 0) co_return;
  }
}

}  // namespace hoop::postgres
