// SPDX-License-Identifier: Apache-2.0
// How long statements may run, and connections be idle.
#include <algorithm>

#include <fmt/format.h>

#include "protocols/postgres/connection.h"
#include "protocols/postgres/refusals.h"

namespace hoop::postgres {
namespace {

constexpr std::chrono::seconds kCancelTime{5};
// A statement that goes on for this long after it was cancelled ends with its connection.
constexpr std::chrono::seconds kStopsWithin{10};
constexpr std::chrono::milliseconds kShortestLook{20};
constexpr std::chrono::milliseconds kLongestLook{500};

Report time_report(std::chrono::seconds limit) {
  return {Severity::error, "57014",
          fmt::format("the statement has run for {} s, the limit for one", limit.count()),
          "hoopctl code=limit_reached",
          "narrow it down, or ask whoever runs the gateway for a higher 'statement_time'"};
}

}  // namespace

// ---- How long statements run ----

Task<void> PostgresConnection::stop_statement() {
  ++conversation_.cancelling;
  // A cancel that cannot be sent costs time and not data: the rows are withheld all the same.
  const auto sent =
      co_await send_cancel(shared_.context.dialer, shared_.context.grant.target, target_key_,
                           shared_.cache, Deadline::after(shared_.context.clock, kCancelTime));
  --conversation_.cancelling;
  conversation_.changed.notify();
  if (!sent)
    shared_.context.log.warning("limit_cancel_failed",
                                {{"code", std::string(to_string(sent.error().code))}});
  co_return Result<void>{};
}

// Looks now and then instead of taking the time of every statement: most are over before the first
// look. Ends once the connection is idle.
void PostgresConnection::watch_time() {
  const auto limit = shared_.context.gate.policy().document().limits.statement_time;
  if (watching_ || cause_ || limit.count() == 0 || conversation_.expected.empty()) return;
  watching_ = true;
  asio::co_spawn(downstream_->executor(), watch_time_loop(), [this](const std::exception_ptr&) {
    watching_ = false;
    conversation_.changed.notify();
  });
}

asio::awaitable<void> PostgresConnection::watch_time_loop() {
  const Clock& clock = shared_.context.clock;
  std::uint64_t turn = conversation_.turns;
  SteadyTime since = clock.steady_now();
  bool was_idle = false, cancelled = false;
  for (;;) {
    const std::chrono::milliseconds limit =
        shared_.context.gate.policy().document().limits.statement_time;
    watch_.expires_after(std::clamp(limit / 16, kShortestLook, kLongestLook));
    co_await watch_.async_wait(as_result);
    const bool idle = conversation_.expected.empty();
    if (cause_ || limit.count() == 0 || (idle && was_idle)) co_return;
    const SteadyTime now = clock.steady_now();
    const bool moved = turn != conversation_.turns || was_idle;
    was_idle = idle;
    turn = conversation_.turns;
    if (idle || moved || conversation_.expected.front().audience == ReplyFor::catalog) {
      since = now;
      cancelled = false;
    } else if (!cancelled && now - since >= limit) {
      cancelled = true;
      const auto whole = std::chrono::duration_cast<std::chrono::seconds>(limit);
      conversation_.time_up = time_report(whole);
      static_cast<void>(co_await stop_statement());
    } else if (cancelled && now - since >= limit + kStopsWithin) {
      end("a statement went on after its time was up");
    }
  }
}

// ---- How long a connection may be idle ----

/// While it is served, and only where there is a limit when it is opened or has become active.
void PostgresConnection::watch_idle() {
  const access::Limits& limits = shared_.context.gate.policy().document().limits;
  if (watching_idle_ || cause_) return;
  if (limits.idle_time.count() == 0 && limits.idle_in_transaction_time.count() == 0) return;
  watching_idle_ = true;
  active_at_ = shared_.context.clock.steady_now();
  asio::co_spawn(downstream_->executor(), watch_idle_loop(), [this](const std::exception_ptr&) {
    watching_idle_ = false;
    conversation_.changed.notify();
  });
}

// Wakes once a limit, whatever the program does in between.
asio::awaitable<void> PostgresConnection::watch_idle_loop() {
  for (;;) {
    const access::Limits& limits = shared_.context.gate.policy().document().limits;
    const bool inside = conversation_.status != TransactionStatus::idle;
    // A transaction that is open holds locks, whatever its program waits for.
    const bool busy = !conversation_.expected.empty() || delivering_ ||
                      (conversation_.waits_for_approval && !inside);
    const auto span = inside ? limits.idle_in_transaction_time : limits.idle_time;
    const SteadyTime now = shared_.context.clock.steady_now();
    if (!busy && span.count() > 0 && now - active_at_ >= span) {
      std::string limit = inside ? "idle_in_transaction_time" : "idle_time";
      co_await end_idle(std::move(limit), span);
      co_return;
    }
    // It may be inside a transaction by the time that the other limit is over.
    std::chrono::nanoseconds pause = std::chrono::hours(1);
    for (const auto limit : {limits.idle_time, limits.idle_in_transaction_time}) {
      if (limit.count() == 0) continue;
      const auto left = active_at_ + limit - now;
      pause = std::min(pause, !busy && left.count() > 0 ? left : std::chrono::nanoseconds(limit));
    }
    idle_.expires_after(pause);
    co_await idle_.async_wait(as_result);
    if (cause_) co_return;
  }
}

asio::awaitable<void> PostgresConnection::end_idle(std::string limit, std::chrono::seconds span) {
  session::Gate& gate = shared_.context.gate;
  record::Note note{"limit_reached",
                    {{"connection", std::to_string(conversation_.number)},
                     {"limit", limit},
                     {"seconds", std::to_string(span.count())}}};
  // A log that cannot take the note does not keep the connection.
  static_cast<void>(gate.note(note));
  session::DownstreamBatch nothing;
  auto committing = gate.deliver(nothing, *downstream_);
  static_cast<void>(co_await finished(std::move(committing)));
  const bool inside = limit == "idle_in_transaction_time";
  // PostgreSQL's own: idle_in_transaction_session_timeout, idle_session_timeout.
  last_words_ = Report{Severity::fatal, inside ? "25P03" : "57P05",
                       fmt::format("the connection has been idle {}for {} s, the limit",
                                   inside ? "in a transaction " : "", span.count()),
                       "hoopctl code=limit_reached",
                       inside ? "end transactions before you wait" : "connect again"};
  ended(fail(ErrorCode::timeout, "the connection was idle for too long"));
}

}  // namespace hoop::postgres
