// SPDX-License-Identifier: Apache-2.0
// The client of a gateway's API for somebody who is logged in: targets, grants, sessions, log
// upload.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/issuer_client.h"
#include "cmd/session_path.h"
#include "cmd/token_presenter.h"
#include "core/access/approval.h"
#include "core/access/grant.h"
#include "core/crypto/digest.h"
#include "core/identity/json.h"
#include "core/identity/jwk.h"
#include "core/record/records.h"

namespace hoop::cmd {

struct GrantWish {
  std::string target;
  std::string reason;
  crypto::Ed25519PublicKey key{};
  std::string claimed_agent;
  record::RecordedProgram program = {};  // as the log keeps it
  std::string approval = {};             // the request whose approval the session is to use
  /// How long an action waits for an approver; absent: as the gateway has it.
  std::optional<std::chrono::seconds> approval_wait = std::nullopt;
};

enum class RequestDecision { approve, reject };

/// The gateway that this command is about: option or setting, else the one of the last login; an
/// origin, "https://host:port". Fails with usage or unauthenticated.
Result<std::string> chosen_gateway(const Environment& environment);

/// That there is no login to this gateway.
Error not_logged_in(std::string_view url);

/// Errors: unauthenticated (log in), denied (403), not_found, upstream_unreachable (no answer, or
/// the target has none), upstream_refused, config (certificate), integrity (a log that the gateway
/// will not take).
class GatewayClient {
 public:
  /// By the token that the environment gives, of which nothing is stored; else by the login to url.
  /// Fails with unauthenticated if there was none. Sends nothing yet.
  static Result<std::unique_ptr<GatewayClient>> open(Environment& environment,
                                                     asio::any_io_executor executor,
                                                     std::string url);

  const identity::GatewayRecord& record() const { return record_; }

  /// What the gateway says of itself (/.well-known/hoopctl), to anybody: no token is sent.
  Task<http::Response> hello();
  /// A JSON document of GET path.
  Task<identity::Json> get(std::string path);
  Task<access::Grant> create_grant(GrantWish wish);
  /// How long the session's access lasts from now on. Fails with denied where it cannot be renewed,
  /// not_found where it has ended.
  Task<std::chrono::milliseconds> renew_grant(std::string session,
                                              std::chrono::milliseconds patience);
  Task<void> delete_grant(std::string session, std::chrono::milliseconds patience);
  /// Gateway path: the session is over; what it came to. cause as hoopctl-session-log(5) names it.
  Task<SessionResult> end_session(std::string session, std::string cause, int program_status,
                                  std::chrono::milliseconds patience);
  /// Ends one's own session, or as an operator anybody's. Fails with not_found for what one may not
  /// end.
  /// Answers how many sessions that has ended. Fails with denied for who is no operator.
  Task<std::int64_t> revoke_identity(std::string subject, std::string reason);
  Task<void> kill_session(std::string session, std::string reason);
  /// A connection of its own that has switched to protocol. Without the login's token: what proves
  /// who asks stands in headers, which is asked once TLS stands.
  Task<http::Client::Upgraded> upgrade(std::string path, std::string protocol,
                                       http::Client::UpgradeHeaders headers,
                                       std::chrono::milliseconds patience);

  /// The control channel of a session (hoopctl-control(5)), as a connection of its own.
  /// policy_version: what this client judges by. Fails with denied when the session is over.
  Task<http::Client::Upgraded> open_control(std::string session, std::string policy_version,
                                            std::chrono::milliseconds patience);
  const asio::any_io_executor& executor() const { return executor_; }

  /// How much of a session's log the gateway has.
  Task<std::uint64_t> log_offset(std::string session);
  /// Answers how much it then has, also when it had wanted another offset.
  Task<std::uint64_t> put_log(std::string session, std::uint64_t offset, Bytes bytes,
                              crypto::Digest256 digest);
  /// The receipt.
  Task<std::string> finish_log(std::string session, std::uint64_t length, crypto::Digest256 digest,
                               bool sealed);
  Task<std::string> download_log(std::string session);
  /// Requests for approvals: the document of a list, by its query, and of one (request_document.h).
  /// With wait it is answered when the request is decided, or after that time: 25 s at most.
  Task<identity::Json> list_requests(std::string query);
  Task<identity::Json> show_request(std::string id, std::chrono::seconds wait);
  /// In the name of who has signed in for it, and not of the login; digest: of what was shown.
  Task<identity::Json> decide_request(Presented who, std::string id, RequestDecision decision,
                                      crypto::Digest256 digest, std::string reason);
  // For the session of who is logged in, as session::Approvals has it. A wait has a connection of
  // its own while it lasts.
  Task<access::Approval> request_approval(std::string session, access::ApprovalQuestion question);
  Task<access::Approval> wait_for_approval(std::string id, std::chrono::milliseconds patience);
  Task<bool> spend_approval(std::string id, std::string session);

  /// The keys that sign receipts.
  Task<identity::KeySet> receipt_keys();

  void close() { web_->close(); }

 private:
  GatewayClient(Environment& environment, asio::any_io_executor executor,
                identity::TokenStore store, identity::GatewayRecord record)
      : environment_(environment),
        executor_(std::move(executor)),
        store_(std::move(store)),
        record_(std::move(record)),
        presenter_(environment.clock, environment.random) {}
  static Presented presented(const identity::StoredTokens& tokens) {
    return {tokens.access.clone(), tokens.key.clone()};
  }
  /// The token of this run alone.
  Task<Presented> given_bearer();
  /// An access token that will last for a request; refreshes it under the lock, so that of two
  /// processes one does it.
  Task<Presented> bearer();
  Task<Presented> refreshed_bearer();
  /// As the login was made: by the file, secret or key that it names, else by the refresh token.
  Task<identity::TokenSet> obtain(SecretText refresh, SecretText key);
  Task<http::Response> send(std::string method, std::string path, http::Headers headers,
                            std::string body, std::chrono::milliseconds patience);
  Task<http::Response> send(Web& web, std::string method, std::string path, http::Headers headers,
                            std::string body, std::chrono::milliseconds patience);

  Environment& environment_;
  asio::any_io_executor executor_;
  identity::TokenStore store_;
  identity::GatewayRecord record_;
  TokenPresenter presenter_;
  bool is_given_ = false;
  std::optional<identity::StoredTokens> given_;  // stored nowhere
  std::unique_ptr<Web> web_;
};

}  // namespace hoop::cmd
