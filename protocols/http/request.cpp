// SPDX-License-Identifier: Apache-2.0
// A request before it is passed on: what it asks for, and whether it may.
#include <algorithm>

#include <fmt/format.h>

#include "core/http/form.h"
#include "core/http/message_writer.h"
#include "protocols/http/exchange.h"
#include "protocols/http/media_type.h"
#include "protocols/http/request_fields.h"

namespace hoop::http_target {
namespace {

// What rules and approvers look at is held whole.
constexpr std::size_t kMostJudged = std::size_t{1} << 20;

/// What cannot be read cannot be judged, nor be looked through for masks that come back.
std::optional<Problem> check_coding(const http::Headers& headers, bool must_read) {
  if (!must_read || !is_encoded(headers)) return std::nullopt;
  return Problem{415, "encoded_body", "policy has to read this body, and it is compressed",
                 "send it as it is"};
}

http::Framing framing_of(const http::Headers& headers) {
  const auto declared = http::declared_framing(headers, http::Coding::exact);
  return declared && *declared ? **declared : http::Framing{};
}

}  // namespace

asio::awaitable<std::optional<Problem>> Connection::prepare(Exchange& exchange) {
  const http::Request& head = exchange.head;
  method_ = head.method;
  auto reading = shared_.dialect->read(head, opening_);
  if (!reading) co_return std::move(reading).error();
  exchange.reading = std::move(*reading);
  exchange.declared = framing_of(head.headers);
  const bool needs_body = exchange.reading->needs_body();
  if (auto problem = check_coding(head.headers, exchange.reading->is_guarded() || needs_body))
    co_return problem;
  exchange.is_body_whole = exchange.declared.kind == http::Framing::Kind::none ||
                           exchange.declared == http::Framing{http::Framing::Kind::length, 0};
  if (exchange.is_body_whole) {
    ByteSpan nothing;
    static_cast<void>(reader_.next(nothing));  // done: the next request may follow
  }
  if (needs_body) {
    auto problem = co_await hold_body(exchange);
    if (problem) co_return problem;
  }
  co_return co_await decide(exchange);
}

Task<void> Connection::continue_body() {
  if (!reader_.expects_continue() || was_continued_) co_return Result<void>{};
  was_continued_ = true;
  session::DownstreamBatch batch;
  const auto words = as_bytes(http::kContinue);
  batch.bytes().insert(batch.bytes().end(), words.begin(), words.end());
  co_return co_await finished(shared_.context.gate.deliver(batch, in_.stream()));
}

/// Reads all of the body, and what it says.
asio::awaitable<std::optional<Problem>> Connection::hold_body(Exchange& exchange) {
  const Problem lost{400, "incomplete_request", "the request's body has not come whole"};
  if (ended_) co_return access_ended();
  if (!exchange.is_body_whole) {
    const auto continued = co_await continue_body();
    if (!continued) co_return lost;
  }
  for (bool done = exchange.is_body_whole; !done;) {
    ByteSpan unread = in_.unread();
    const std::size_t before = unread.size();
    const auto event = reader_.next(unread);
    in_.consume(before - unread.size());  // its bytes stay where they are until more()
    if (!event) co_return malformed(event.error().message);
    const ByteSpan piece = *event == http::Event::body ? reader_.chunk() : ByteSpan();
    if (exchange.body.size() + piece.size() > kMostJudged)
      co_return Problem{413, "request_too_large",
                        "policy has to read this body whole, and it is longer than 1 MiB"};
    exchange.body.insert(exchange.body.end(), piece.begin(), piece.end());
    done = *event == http::Event::done;
    if (*event != http::Event::need_more) continue;
    const auto more = co_await in_.more();
    if (ended_) co_return access_ended();
    if (!more || !*more) co_return lost;
  }
  exchange.is_body_whole = true;
  exchange.is_body_read = true;
  co_return exchange.reading->read_body(exchange.body);
}

asio::awaitable<std::optional<Problem>> Connection::decide(Exchange& exchange) {
  const Problem unreadable{500, "internal", "the request could not be looked at"};
  RequestReading& reading = *exchange.reading;
  auto made = reading.action(exchange.body, exchange.is_body_whole);
  if (!made) co_return unreadable;
  session::Gate& gate = shared_.context.gate;
  // Who approves it must see all of it.
  if (gate.policy().may_require_approval() && !exchange.is_body_read &&
      gate.judge(*made).effect == access::Effect::require_approval) {
    if (auto problem = check_coding(exchange.head.headers, true)) co_return problem;
    auto problem = co_await hold_body(exchange);
    if (problem) co_return problem;
    made = reading.action(exchange.body, exchange.is_body_whole);
    if (!made) co_return unreadable;
  }
  exchange.action = std::move(*made);
  if (reading.carries_mask(exchange.body)) {
    exchange.is_recorded = true;
    co_return problem_of(gate.refuse(number_, exchange.action, mask_comes_back()).decision);
  }
  if (ended_) co_return access_ended();
  // What a rule forbids is forbidden first.
  if (auto problem = reading.unavailable();
      problem && gate.judge(exchange.action).effect != access::Effect::deny)
    co_return problem;
  session::Verdict verdict = co_await admitted(exchange.action);
  if (const auto* refusal = std::get_if<session::Refusal>(&verdict)) {
    exchange.is_recorded = true;
    co_return problem_of(refusal->decision);
  }
  if (ended_) co_return access_ended();
  exchange.admitted = std::get<session::Admitted>(std::move(verdict));
  co_return std::nullopt;
}

/// While somebody is waited for, a program that goes is noticed.
asio::awaitable<session::Verdict> Connection::admitted(const access::Action& action) {
  auto asked = shared_.context.gate.admit(number_, action);
  if (asked.ready()) co_return asked.take();
  in_.watch([this] { shared_.context.gate.give_up_waiting(number_); });
  session::Verdict verdict = co_await asked.wait();
  co_return verdict;
}

Result<std::string> Connection::forwarded_head(const Exchange& exchange) const {
  const access::Grant& grant = shared_.context.grant;
  http::Request out;
  out.method = exchange.head.method;
  out.target = exchange.reading->target();
  if (const auto* credential = grant.credential_as<access::HttpCredential>()) {
    char mark = out.target.contains('?') ? '&' : '?';
    for (const auto& field : credential->query) {
      out.target += mark + http::percent_encode(field.name) + "=" +
                    http::percent_encode(field.value.reveal());
      mark = '&';
    }
  }
  out.headers.add("Host", shared_.target_authority);
  for (const http::Header& field : exchange.reading->fields())
    out.headers.add(field.name, field.value);
  add_own_fields(out.headers, grant);
  http::Framing bounds = exchange.declared;
  if (bounds.kind == http::Framing::Kind::chunked && exchange.is_body_whole)
    bounds = {http::Framing::Kind::length, exchange.body.size()};
  return http::write_request_head(out, bounds);
}

}  // namespace hoop::http_target
