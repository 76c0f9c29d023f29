// SPDX-License-Identifier: Apache-2.0
// The clients of running sessions: who is still there, and what they must be told at once. On the
// local path this is how the gateway reaches a session at all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/http/message.h"
#include "core/net/task_group.h"
#include "core/session/control.h"
#include "gateway/grants.h"

namespace hoop::gateway {

/// "/v1/sessions/{session}/control" speaks kControlProtocol with it. On one io_context.
class SessionRegistry {
 public:
  struct Parts {
    GrantService& grants;
    const Clock& clock;
    Log& log;
    asio::any_io_executor executor;
    std::chrono::seconds heartbeat;
  };
  /// What it borrows outlives it.
  explicit SessionRegistry(Parts parts);
  ~SessionRegistry();
  SessionRegistry(const SessionRegistry&) = delete;
  SessionRegistry& operator=(const SessionRegistry&) = delete;

  /// Called for a session on the gateway path whose client was not heard for a heartbeat: whoever
  /// runs it ends it. One on the local path is ended here.
  void on_lost(std::function<void(const std::string&)> listener) { on_lost_ = std::move(listener); }
  void start();
  /// Lets every client go; the sessions of the local path go on without us.
  asio::awaitable<void> stop();

  /// A grant that was just made.
  void add(const access::Grant& grant);
  /// A session of the local path that this gateway granted before it was started.
  void add_known(const SessionRecord& record);
  /// It lasts longer than it was granted for.
  void extend(const std::string& session, SystemTime expires_at);
  /// It never began.
  void forget(const std::string& session);
  /// Its client has ended it, and need not be heard any more.
  void client_ended(const std::string& session);

  /// Answers 101 and keeps the connection as the line to the session's client, in the place of an
  /// earlier one; or says why not. policy_version: what the client judges by.
  http::Response attach(const SessionRecord& record, access::Identity identity,
                        std::string policy_version);
  /// Tells the client that access has ended; the first end counts.
  void tell_end(const std::string& session, session::ControlEnd end);
  /// Whether to wait for the client of a session so young that it may not have come yet.
  enum class Absent { is_gone, may_come };
  /// As tell_end(), and gives the client a second to end the session in order.
  asio::awaitable<void> end(std::string session, session::ControlEnd end, Absent absent);
  /// Kept for a client that is not there yet.
  void tell_news(const std::string& session, session::FromGateway news);
  /// What no client has been told.
  std::vector<session::FromGateway> untold_news(const std::string& session) const;
  /// Sessions of the local path get the policy of new grants, or end where it forbids them.
  void apply_policy();
  /// How many clients are there.
  std::size_t attached() const;

 private:
  struct Entry;
  using EntryPtr = std::shared_ptr<Entry>;
  EntryPtr find(const std::string& session) const;
  asio::awaitable<void> serve(EntryPtr entry, net::StreamPtr stream, std::string early);
  asio::awaitable<void> watch();
  asio::awaitable<void> end_and_revoke(std::string session, session::ControlEnd end);
  void end_soon(const Entry& entry, session::ControlEnd why);
  void judge(Entry& entry);
  void look_for_lost();

  Parts parts_;
  std::function<void(const std::string&)> on_lost_;
  std::map<std::string, EntryPtr> entries_;
  asio::steady_timer wake_;
  net::TaskGroup tasks_;
  bool stopping_ = false;
};

}  // namespace hoop::gateway
