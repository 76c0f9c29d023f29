// SPDX-License-Identifier: Apache-2.0
// The sessions on the gateway path that this process runs, by id.
#pragma once

#include <map>

#include "core/record/records.h"
#include "gateway/approvals/session_approvals.h"
#include "gateway/live_session.h"

namespace hoop::gateway {

/// Makes the dialer of a target, by name, for a session on a loop.
using DialerFactory =
    std::function<std::unique_ptr<net::Dialer>(const std::string&, const asio::any_io_executor&)>;

/// A grant of the gateway path that was just made, and what its session is told of the client.
struct NewSession {
  IssuedGrant issued;
  crypto::Ed25519PublicKey client_key{};
  record::RecordedProgram program = {};
  std::string reason;
  std::chrono::seconds approval_wait{0};  // how long its actions wait for an approver
};

/// On the gateway's first loop; the sessions' engines run on loops of their own.
class LiveSessions {
 public:
  /// What it borrows outlives it, the pool's work included.
  struct Parts {
    std::string base_url;
    record::Spool& spool;
    session::HandlerFactory make_handler;
    DialerFactory make_dialer;
    EventLoops& loops;
    LiveSession::Services services;
    Random& random;
    std::shared_ptr<const mask::SecretDatabase> secrets;  // one for all; null: one each
    /// Whom actions ask that a rule wants an approval for; null: nobody.
    ApprovalDesk* approvals = nullptr;
  };
  explicit LiveSessions(Parts parts)
      : parts_(std::move(parts)), openings_(std::make_shared<Openings>(parts_.services.executor)) {}

  /// Starts the session and answers its client's grant. Fails with cancelled (the gateway is
  /// stopping), storage (its log cannot be kept), config; the credential is then revoked.
  Task<access::Grant> open(NewSession made);
  /// Uses the stream's number up if it answers a place.
  std::expected<LiveSession::PlacePtr, StreamRefusal> admit(const StreamProof& proof);
  /// Ends a session and waits for it; nullopt if it is not known here. The first ending counts.
  asio::awaitable<std::optional<SessionResult>> end(std::string session, SessionEnding ending);
  /// Ends a session if it is known here, and does not wait.
  void begin_end(const std::string& session, SessionEnding ending);
  /// One that was renewed.
  void extend(const std::string& session, SystemTime expires_at);
  /// Judges all of them by the policy of new grants.
  void apply_policy();
  /// Opens nothing new; gives running streams a moment, ends them, and returns when every log is
  /// sealed and every credential revoked, as far as that was possible.
  asio::awaitable<void> stop();

 private:
  /// How many sessions are being opened. Shared with the coroutines that open them.
  struct Openings {
    explicit Openings(const asio::any_io_executor& executor)
        : changed(executor, asio::steady_timer::time_point::max()) {}
    std::size_t count = 0;
    asio::steady_timer changed;  // never expires; cancelled when an opening has ended
  };
  class Opening;
  std::shared_ptr<LiveSession> find(const std::string& session) const;
  Task<std::unique_ptr<session::SessionEngine>> start_engine(NewSession made,
                                                             const asio::any_io_executor& executor);
  std::unique_ptr<session::Approvals> approvals_for(const NewSession& made) const;
  void forget_old();
  Parts parts_;
  std::map<std::string, std::shared_ptr<LiveSession>> sessions_;
  std::shared_ptr<Openings> openings_;
  // What sessions of one role at one target judge by, once.
  std::shared_ptr<access::PolicyPool> policies_ = std::make_shared<access::PolicyPool>();
  bool stopping_ = false;
};

}  // namespace hoop::gateway
