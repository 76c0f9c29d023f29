// SPDX-License-Identifier: Apache-2.0
// The HTTP API: which route, who asks, and the answer. Every error is a problem document (RFC 9457)
// with a stable code.
#pragma once

#include <memory>
#include <string>

#include "core/http/server.h"
#include "core/identity/token_request.h"
#include "gateway/approvals/approval_desk.h"
#include "gateway/audit.h"
#include "gateway/authenticator.h"
#include "gateway/grants.h"
#include "gateway/live_sessions.h"
#include "gateway/proof_checker.h"
#include "gateway/rate_limit.h"
#include "gateway/receipt.h"
#include "gateway/revocations.h"
#include "gateway/session_store.h"

namespace hoop::gateway {

/// The longest body of a request that only says which and why, in bytes.
constexpr std::size_t kMaxBody = 4U << 10;
/// The longest reason that somebody gives for ending what is another's, in bytes.
constexpr std::size_t kMaxReason = 200;
/// How many requests for approvals one person may make, joined ones included.
constexpr std::uint32_t kRequestsPerMinute = 60;

/// What the routes use. Everything outlives the Api and every request.
struct ApiParts {
  std::string gateway_id;
  std::string base_url;
  std::uint32_t grants_per_minute = 600;
  /// What clients are told of the identity provider.
  std::string issuer;
  std::string client_id;
  identity::RequestParameters login_parameters;
  std::string issuer_ca_pem;
  std::string approving_scope;
  Authenticator& authenticator;
  ProofChecker& proofs;
  GrantService& grants;
  LiveSessions& live;
  SessionRegistry& registry;
  Revocations& revocations;
  Audit& audit;
  ApprovalDesk& approvals;
  Store& store;
  SessionStore& logs;
  WorkerPool& workers;
  const crypto::P256Key& receipt_key;
  const Clock& clock;
  Log& log;
  /// Reads the policy anew: success, or why the old one stands.
  std::function<Task<void>()> reload;
};

class Api {
 public:
  explicit Api(ApiParts parts)
      : parts_(std::move(parts)),
        limit_(parts_.grants_per_minute, parts_.clock),
        request_limit_(kRequestsPerMinute, parts_.clock) {}

  /// Answers what begins with /v1/ and /.well-known/hoopctl. Runs on the server's executor.
  asio::awaitable<http::Response> handle(http::Request request);

 private:
  asio::awaitable<http::Response> route(http::Request request, access::Identity identity);
  /// Who sent the request; or the answer to whoever did.
  asio::awaitable<std::expected<access::Identity, http::Response>> identify(
      const http::Request& request);
  http::Response discovery() const;
  http::Response whoami(const access::Identity& identity) const;
  http::Response targets(const access::Identity& identity) const;

  // api_grants.cpp
  asio::awaitable<http::Response> create_grant(http::Request request, access::Identity identity);
  asio::awaitable<http::Response> take_back(std::string session);
  asio::awaitable<http::Response> renew_grant(std::string session, access::Identity identity);
  asio::awaitable<http::Response> delete_grant(std::string session, access::Identity identity);
  /// Once more where the session itself has done so: the answer says whether it has come about.
  asio::awaitable<http::Response> revoke(std::string session);

  // api_end.cpp
  asio::awaitable<http::Response> end_session(std::string session, http::Request request,
                                              access::Identity identity);

  // api_kill.cpp
  asio::awaitable<http::Response> kill_session(std::string session, http::Request request,
                                               access::Identity identity);

  // api_control.cpp
  asio::awaitable<http::Response> control_session(std::string session, http::Request request,
                                                  access::Identity identity);
  asio::awaitable<http::Response> reload_policy(http::Request request, access::Identity identity);

  // api_identities.cpp
  asio::awaitable<http::Response> revoke_identity(http::Request request, access::Identity identity);
  static bool is_delivery(const http::Request& request);

  // api_sessions.cpp
  asio::awaitable<http::Response> list_sessions(http::Request request, access::Identity identity);
  asio::awaitable<http::Response> show_session(std::string session, access::Identity identity);

  // api_logs.cpp
  asio::awaitable<http::Response> log_offset(std::string session, access::Identity identity);
  asio::awaitable<http::Response> download_log(std::string session, access::Identity identity);
  asio::awaitable<http::Response> upload_chunk(std::string session, http::Request request,
                                               access::Identity identity);
  asio::awaitable<http::Response> finish_log(std::string session, http::Request request,
                                             access::Identity identity);

  // api_requests.cpp
  asio::awaitable<http::Response> route_requests(std::vector<std::string> path,
                                                 http::Request request, access::Identity identity);
  asio::awaitable<http::Response> make_request(std::string session, http::Request request,
                                               access::Identity identity);
  http::Response list_requests(const http::Request& request, const access::Identity& identity);
  asio::awaitable<http::Response> show_request(std::string id, http::Request request,
                                               access::Identity identity);
  asio::awaitable<http::Response> spend_request(std::string id, http::Request request,
                                                access::Identity identity);
  http::Response decide_request(const std::string& id, const http::Request& request,
                                const access::Identity& identity, ApprovalDesk::Choice choice);

  enum class Who { owner, owner_or_operator, owner_or_auditor };
  /// The session if it exists and this identity may deal with it; not_found for both.
  Task<SessionRecord> find_session(std::string session, access::Identity identity, Who who);

  ApiParts parts_;
  RateLimit limit_;
  RateLimit request_limit_;
};

/// The answer to an error: status, code and our words (never a remote's).
http::Response problem_of(const Error& error);
/// Members of the groups that see everybody's sessions.
bool is_auditor(const access::Identity& identity);
/// Members of the group that ends everybody's sessions.
bool is_operator(const access::Identity& identity);
/// Its credential still opens the target.
bool is_live(const SessionRecord& record, SystemTime now);
/// "open", "ended", "unsealed".
std::string_view session_state(const SessionRecord& record, SystemTime now);

}  // namespace hoop::gateway
