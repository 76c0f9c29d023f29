// SPDX-License-Identifier: Apache-2.0
// One connection of a program: its requests, one after another, each judged by itself.
#pragma once

#include <optional>
#include <string>

#include "core/http/message_reader.h"
#include "core/net/task_group.h"
#include "protocols/http/inflow.h"
#include "protocols/http/problem.h"
#include "protocols/http/reply.h"
#include "protocols/http/shared.h"
#include "protocols/http/upstream.h"

namespace hoop::http_target {

/// How long a body is read that nobody wants, so that the answer is not lost with it.
inline constexpr std::chrono::seconds kUnwantedBody{2};

/// Resource, owned by the coroutine that serves it.
class Connection {
 public:
  Connection(SessionShared& shared, std::uint64_t number, session::Opening opening,
             net::StreamPtr downstream);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Until either side ends it, or a message cannot be read.
  Task<void> serve();
  /// Access has ended: what has not been answered is refused with the reason, what is being
  /// answered breaks off.
  void end(const std::string& reason);
  /// Once a second: what limits and patience say to what goes on.
  void tick(SteadyTime now);

 private:
  struct Exchange;  // one request and its reply: exchange.h
  friend struct Exchange;

  // connection.cpp
  asio::awaitable<bool> serve_request();
  Task<bool> read_head();
  asio::awaitable<bool> answer(Problem problem);
  asio::awaitable<bool> refuse_malformed(Error error);
  void note_refusal(const Problem& problem);
  asio::awaitable<bool> settle_body();
  asio::awaitable<void> linger();
  Task<void> write(http::Response response, bool keeps);

  // request.cpp
  asio::awaitable<bool> pass_on(Exchange& exchange);
  asio::awaitable<std::optional<Problem>> prepare(Exchange& exchange);
  asio::awaitable<std::optional<Problem>> hold_body(Exchange& exchange);
  asio::awaitable<std::optional<Problem>> decide(Exchange& exchange);
  asio::awaitable<session::Verdict> admitted(const access::Action& action);
  Task<void> continue_body();
  Result<std::string> forwarded_head(const Exchange& exchange) const;

  // relay_reply.cpp
  asio::awaitable<bool> relay(Exchange& exchange);
  Task<void> send_request(Exchange& exchange);
  asio::awaitable<void> send_body(Exchange& exchange);
  Task<void> read_reply(Exchange& exchange, Reply& reply);
  asio::awaitable<bool> give_up(Exchange& exchange, Reply& reply, Error error);
  Problem access_ended() const;
  Problem problem_of_upstream(const Error& error) const;
  Problem problem_of_failure(const Exchange& exchange, const Reply& reply, const Error& error);

  SessionShared& shared_;
  std::uint64_t number_;
  session::Opening opening_;
  Inflow in_;
  Upstream upstream_;
  http::RequestReader reader_;
  std::optional<std::string> ended_;
  bool has_passed_ = false;  // a request of it
  bool is_waiting_ = false;  // for the next request
  SteadyTime since_;         // when it began to; or when the request was passed on
  bool may_watch_ = false;   // nothing of the program is awaited: whether it is gone can be seen
  std::string method_;       // of the request that is served
  std::optional<Problem> instead_;  // of the reply
  bool is_replying_ = false;        // its reply has begun to go out
  bool is_spent_ = false;           // the target's connection carries no other request
  bool is_late_ = false;            // a limit of time has ended the request
  bool was_continued_ = false;      // the program has been told to send its body
};

}  // namespace hoop::http_target
