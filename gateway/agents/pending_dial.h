// SPDX-License-Identifier: Apache-2.0
// A dial that an agent was asked for, until it has dialed back.
#pragma once

#include "gateway/agents/agents.h"

namespace hoop::gateway {

struct Agents::Pending {
  Pending(const LiveAgent& by, const asio::any_io_executor& executor)
      : agent(by.name), control(by.control), line(by.line), key(by.key), done(executor) {}

  static session::DialNumber number_from(Random& random) {
    session::DialNumber out{};
    random.fill(out);
    return out;
  }
  Error why_no_stream(bool stopping) const;

  std::string agent;
  std::shared_ptr<session::AgentControl> control;  // that the dial went by
  std::shared_ptr<const AgentLine> line;           // of it
  crypto::Ed25519PublicKey key;                    // of that control stream
  asio::steady_timer done;                         // cancelled when there is an answer
  net::StreamPtr stream;
  std::optional<session::DialRefusal> refusal;
};

/// A dial's place in the book, also given back when the coroutine that waits is destroyed.
class PendingPlace {
 public:
  using Book = std::map<session::DialNumber, std::shared_ptr<Agents::Pending>>;
  PendingPlace(Book& book, const session::DialNumber& number,
               std::shared_ptr<Agents::Pending> pending)
      : book_(book), number_(number) {
    book_.emplace(number_, std::move(pending));
  }
  ~PendingPlace() { book_.erase(number_); }
  PendingPlace(const PendingPlace&) = delete;
  PendingPlace& operator=(const PendingPlace&) = delete;

 private:
  Book& book_;
  session::DialNumber number_;
};

}  // namespace hoop::gateway
