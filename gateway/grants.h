// SPDX-License-Identifier: Apache-2.0
// Grants from birth to end: authorised, recorded, issued, revoked. The one place that knows this
// order.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "core/access/policy.h"
#include "core/base/log.h"
#include "core/record/records.h"
#include "gateway/approvals/approval_store.h"
#include "gateway/config.h"
#include "gateway/ids.h"
#include "gateway/issuers/credential_issuer.h"
#include "gateway/store.h"
#include "gateway/worker_pool.h"

namespace hoop::gateway {

struct GrantRequest {
  access::Identity identity;
  std::string target;
  std::string reason;
  std::string claimed_agent;
  crypto::Ed25519PublicKey client_key{};
  std::string approval = {};             // the id of a request whose action the session is for
  record::RecordedProgram program = {};  // for the header of a log that is written here
  /// How long actions of a session that runs here wait for an approver.
  std::chrono::seconds approval_wait{0};
};

/// What was made. On the gateway path grant holds what the session is run by, and no ticket yet,
/// and seal_key is set: part_for_client() of it is what leaves the gateway.
struct IssuedGrant {
  access::Grant grant;
  std::optional<crypto::Ed25519Key> seal_key;
};

struct OpenTarget {
  const access::Target* target = nullptr;
  access::DataPath path = access::DataPath::gateway;
  std::vector<std::string> logins = {};  // ssh: as whom; the first is the default
};

/// A target with its issuer, or with nullptr where the protocol needs none.
struct GrantTarget {
  access::Target target;
  std::unique_ptr<CredentialIssuer> issuer;
  /// Asked first, on the loop's thread: what is known to be in the way. May be empty.
  std::function<std::optional<Error>()> obstacle = nullptr;
};

class GrantService {
 public:
  /// What it borrows outlives it, the pool's work included.
  struct Parts {
    std::string gateway_id;
    std::shared_ptr<const access::PolicyEngine> policy;
    SecretBytes secret;  // DIR/keys/secret.key: mask keys derive from it
    Store& store;
    WorkerPool& workers;
    const Clock& clock;
    Random& random;
    Log& log;
    std::size_t sessions_per_identity = 100;  // that are live at once
    std::chrono::seconds heartbeat{60};       // of every grant
    /// An approved request that this identity can spend at the target. Fails with denied, in words
    /// that follow its id. Empty: there are none.
    std::function<Result<ApprovalRequest>(const std::string& id, const access::Identity& identity,
                                          const std::string& target)>
        approval = nullptr;
  };
  GrantService(Parts parts, std::vector<GrantTarget> targets);

  /// Fails with denied (unknown and forbidden alike, target_unavailable; an approval that lets
  /// nothing pass, is_about_approval), too_large (the identity
  /// has as many live sessions as it may), upstream_unreachable and
  /// timeout (the target), cancelled (another policy meanwhile), or what else the issuer and the
  /// store fail with.
  Task<IssuedGrant> create(GrantRequest request);
  /// Makes a session of this identity last for its role's time from now, as far as the role lets it
  /// last in all; answers until when. Judged anew, as if it were asked for now. Fails with denied
  /// (the policy does not renew it, or makes it another session by now), not_found (it has ended),
  /// and what the issuer and the store fail with; then it ends when it would have.
  Task<SystemTime> renew(SessionRecord record, access::Identity identity);
  /// Ends the credential now. Success if it has ended already, or is not known. After a failure the
  /// reaper goes on trying.
  Task<void> revoke(std::string session);

  /// Blocking; for the pool. Ends what has expired, what a crash left half made, and what is in the
  /// marker group unknown. Answers how many were ended; what cannot be reached is logged and tried
  /// again at the next sweep.
  std::size_t sweep();
  /// Blocking; for the pool. Of every target behind an agent: connections that are kept for later.
  void drop_idle();
  /// When the next known credential expires.
  std::optional<SystemTime> next_expiry() const;
  /// Called on the loop's thread after next_expiry() has come nearer.
  void on_sooner(std::function<void()> listener) { on_sooner_ = std::move(listener); }

  /// For new grants, at once. On the loop's thread, as policy().
  void set_policy(std::shared_ptr<const access::PolicyEngine> policy) {
    parts_.policy = std::move(policy);
  }
  std::shared_ptr<const access::PolicyEngine> policy() const { return parts_.policy; }

  /// What this identity may open, and by which path.
  std::vector<OpenTarget> open_to(const access::Identity& identity) const;
  /// nullptr: there is none of this name.
  const access::Target* target(const std::string& name) const;
  WorkerPool& workers() { return parts_.workers; }
  const Clock& clock() const { return parts_.clock; }
  Log& log() { return parts_.log; }

 private:
  const GrantTarget* find_target(const std::string& name) const;
  class Place;
  Result<access::Credential> issue(const SessionRecord& record,
                                   const access::Authorization& authorization,
                                   const std::optional<ApprovedAction>& approved,
                                   CredentialIssuer& issuer);
  Result<std::optional<ApprovedAction>> find_approved(const GrantRequest& request,
                                                      const access::Authorization& authorization);
  Result<void> renew_blocking(const SessionRecord& record,
                              const access::Authorization& authorization, SystemTime until,
                              CredentialIssuer& issuer);
  Result<void> revoke_blocking(const std::string& session);
  std::size_t sweep_target(const GrantTarget& target);
  bool is_due(const SessionRecord& record) const;

  Parts parts_;
  std::vector<GrantTarget> targets_;
  SystemTime started_;
  std::mutex planning_;
  std::map<std::string, std::size_t> planned_;  // by subject; what is being issued
  std::array<std::mutex, 16>
      revoking_;  // by session: two revocations of one role would trip over each other
  mutable std::mutex expiries_mutex_;
  std::set<SystemTime> expiries_;
  std::function<void()> on_sooner_;
};

/// Whether a grant was denied because of the approval that it was asked for with.
bool is_about_approval(const Error& error);
/// The key of HMAC masks. On the local path one per identity and target: a key that a client holds
/// must not open the tokens of others. On the gateway path no client holds it, and subject is
/// empty: one a target, so that people can compare tokens.
SecretBytes derive_mask_key(const SecretBytes& secret, const std::string& subject,
                            const std::string& target);

}  // namespace hoop::gateway
