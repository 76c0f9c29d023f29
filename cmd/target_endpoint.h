// SPDX-License-Identifier: Apache-2.0
// One open target as programs reach it: a listener that lets only them in, a door that asks for the
// session's password, and the path behind it, until access ends or nobody wants it any more.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmd/denial_report.h"
#include "cmd/endpoint_entry.h"
#include "cmd/environment.h"
#include "cmd/grant_renewal.h"
#include "cmd/session_control.h"
#include "cmd/session_path.h"
#include "core/access/target.h"
#include "core/net/endpoint.h"
#include "core/net/task_group.h"
#include "core/process/runtime_dir.h"
#include "core/session/expiry_notices.h"

namespace hoop::cmd {

/// What came of a target. Its session has ended.
struct EndpointEnd {
  SessionResult session;
  bool expired = false;
  bool was_told = false;  // the user knows already that the gateway has ended it

  bool was_taken() const { return expired || session.was_taken(); }
};

class TargetEndpoint {
 public:
  struct Plan {
    std::string session;
    access::Target target;
    std::vector<std::string> logins;  // ssh
    SystemTime expires_at{};
    std::unique_ptr<GrantRenewal> renewal;    // none: access is not renewed
    std::unique_ptr<SessionControl> control;  // outlives path
    std::unique_ptr<SessionPath> path;
    /// in_isolation: on port of 127.0.0.1 in the program's own network; take_listener() is called.
    /// nowhere: serve_one() is called.
    enum class Listen { unix_socket, tcp, in_isolation, nowhere } listen = Listen::unix_socket;
    /// Who may come. On TCP it is the user in any case where the door asks for a proof.
    enum class Peers { program, user } peers = Peers::program;
    std::unique_ptr<EndpointEntry> entry;  // none: that of the target's protocol
    std::string socket;                    // of unix_socket; empty: in the private folder
    std::uint16_t port = 0;  // of tcp, where 0 lets the system choose, and in_isolation
  };

  TargetEndpoint(Environment& environment, asio::io_context& context, Plan plan)
      : environment_(environment),
        context_(context),
        plan_(std::move(plan)),
        notices_(context.get_executor()),
        impatience_(context),
        tasks_(context.get_executor()) {}

  /// Listens, and accepts from now on. programs is for Peers::program. ended is called once when
  /// access ends before stop(). stop() is to be called after a failure, too.
  Result<void> open(net::ProgramLookup programs, std::function<void()> ended);
  /// What listens in the program's network, once that is there.
  Result<void> take_listener(Descriptor listener);
  /// A stream whose other end is a program's. Returns when it has been served to its end.
  asio::awaitable<void> serve_one(net::StreamPtr stream) { co_await serve(std::move(stream)); }
  /// Ends what still runs, and the session. Once.
  asio::awaitable<EndpointEnd> stop(std::string cause, int program_status);

  bool expired() const { return expired_; }
  const std::string& session() const { return plan_.session; }
  const access::Target& target() const { return plan_.target; }
  const std::vector<std::string>& logins() const { return plan_.logins; }
  SystemTime expires_at() const { return plan_.expires_at; }
  bool is_isolated() const { return plan_.listen == Plan::Listen::in_isolation; }
  bool is_unix() const { return plan_.listen == Plan::Listen::unix_socket; }
  /// Where a program finds it: the folder of the socket, or 127.0.0.1; after open().
  std::string host() const;
  std::uint16_t port() const;
  /// Where it is a Unix socket.
  std::string socket_path() const;
  /// The entry of the target's protocol.
  template <class Entry>
  const Entry& entry_as() const {
    return dynamic_cast<const Entry&>(*entry_);
  }
  /// The private folder; after open().
  const process::RuntimeDir& folder() const { return *folder_; }
  /// A new file in it, 0600.
  Result<std::string> keep(std::string_view name, const SecretText& content) const;

 private:
  Result<void> listen(net::ProgramLookup programs);
  asio::awaitable<void> accept_all();
  /// stream becomes what is behind the door.
  Task<session::Opening> open_door(net::StreamPtr& stream);
  asio::awaitable<void> serve(net::StreamPtr stream);
  void watch_expiry();
  void watch_for_warnings();
  void watch_renewal();
  void follow_gateway();
  void access_ended(const session::ControlEnd& end);
  void tell_end();
  asio::awaitable<void> stop_serving();
  void be_impatient(std::chrono::seconds patience, std::function<void()> then);

  Environment& environment_;
  asio::io_context& context_;
  Plan plan_;
  std::function<void()> ended_;
  std::unique_ptr<EndpointEntry> entry_;
  std::optional<process::RuntimeDir> folder_;
  net::EndpointPtr endpoint_;
  std::optional<asio::steady_timer> expiry_;
  session::ExpiryNotices notices_;
  asio::steady_timer impatience_;
  bool expired_ = false;
  bool access_ended_ = false;
  std::optional<DenialReport> denials_;
  net::TaskGroup tasks_;
};

}  // namespace hoop::cmd
