// SPDX-License-Identifier: Apache-2.0
#include "gateway/grants.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway {
namespace {

// The policy's role bounds it; this bounds a role without a bound.
constexpr std::chrono::hours kLongestGrant{24};
// A credential that is planned for longer than this is not being made any more: statement_timeout
// is ten seconds.
constexpr std::chrono::seconds kPlannedPatience{60};

/// What an error may say in the operator log: our words, never the remote's.
std::string for_log(const Error& error) {
  return error.hint.empty() ? error.message : error.message + " (" + error.hint + ")";
}

}  // namespace

SecretBytes derive_mask_key(const SecretBytes& secret, const std::string& subject,
                            const std::string& target) {
  // NUL parts the fields: neither a subject nor a target's name holds one.
  std::string context = "mask";
  context += '\0';
  context += subject;
  context += '\0';
  context += target;
  crypto::Digest256 key = crypto::hmac_sha256(secret.reveal(), as_bytes(context));
  SecretBytes out(Bytes(key.begin(), key.end()));
  wipe(key.data(), key.size());
  return out;
}

GrantService::GrantService(Parts parts, std::vector<GrantTarget> targets)
    : parts_(std::move(parts)), targets_(std::move(targets)), started_(parts_.clock.system_now()) {}

const GrantTarget* GrantService::find_target(const std::string& name) const {
  const auto found = std::ranges::find_if(
      targets_, [&](const GrantTarget& target) { return target.target.name == name; });
  return found == targets_.end() ? nullptr : &*found;
}

const access::Target* GrantService::target(const std::string& name) const {
  const GrantTarget* found = find_target(name);
  return found == nullptr ? nullptr : &found->target;
}

std::vector<OpenTarget> GrantService::open_to(const access::Identity& identity) const {
  std::vector<OpenTarget> out;
  for (const GrantTarget& target : targets_) {
    const auto allowed = parts_.policy->authorize(identity, target.target, std::chrono::seconds(0),
                                                  parts_.clock.system_now());
    if (!allowed) continue;
    OpenTarget& open = out.emplace_back();
    open.target = &target.target;
    open.path = allowed->path();
    if (target.target.protocol == "ssh") open.logins = allowed->logins();
  }
  return out;
}

/// A place among a person's live sessions, from before its credential is made until the store
/// counts it, or nothing came of it.
class GrantService::Place {
 public:
  Place(GrantService& grants, std::string subject)
      : grants_(grants), subject_(std::move(subject)) {}
  ~Place() {
    const std::lock_guard lock(grants_.planning_);
    if (taken_ && --grants_.planned_[subject_] == 0) grants_.planned_.erase(subject_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  /// Fails with too_large when there is none.
  Result<void> take() {
    const std::lock_guard lock(grants_.planning_);
    HOOP_TRY(const auto live,
             grants_.parts_.store.count_live(subject_, grants_.parts_.clock.system_now()));
    const auto planned = grants_.planned_.find(subject_);
    const std::size_t most = grants_.parts_.sessions_per_identity;
    if (live + (planned == grants_.planned_.end() ? 0 : planned->second) >= most)
      return fail(ErrorCode::too_large,
                  fmt::format("{} of at most {} sessions are live", live, most));
    ++grants_.planned_[subject_];
    taken_ = true;
    return {};
  }

 private:
  GrantService& grants_;
  std::string subject_;
  bool taken_ = false;
};

Result<access::Credential> GrantService::issue(const SessionRecord& record,
                                               const access::Authorization& authorization,
                                               const std::optional<ApprovedAction>& approved,
                                               CredentialIssuer& issuer) {
  Place place(*this, record.subject);
  HOOP_CHECK(place.take());
  // Written first: if we die while the role is made, the next start finds its name here.
  HOOP_CHECK(parts_.store.add(record));
  auto credential = approved ? issuer.issue_for(authorization, record.credential, *approved)
                             : issuer.issue(authorization, record.credential);
  if (!credential) {
    // The server has said no, or was never logged in to for its certificate: nothing was made.
    // After anything else nobody knows: the sweep looks.
    const ErrorCode code = credential.error().code;
    if (code == ErrorCode::upstream_refused || code == ErrorCode::denied ||
        code == ErrorCode::config || code == ErrorCode::integrity)
      HOOP_CHECK(parts_.store.set_revoked(record.session, parts_.clock.system_now()));
    return credential;
  }
  HOOP_CHECK(parts_.store.set_active(record.session));
  return credential;
}

Task<IssuedGrant> GrantService::create(GrantRequest request) {
  const GrantTarget* target = find_target(request.target);
  // The same answer as for a target that is forbidden.
  if (target == nullptr) co_return std::unexpected(access::target_unavailable());
  access::Identity identity = request.identity;
  identity.claimed_agent = request.claimed_agent;
  const SystemTime now = parts_.clock.system_now();
  const auto policy = parts_.policy;
  HOOP_CO_TRY(auto authorization, policy->authorize(identity, target->target, kLongestGrant, now));
  HOOP_CO_TRY(const auto approved, find_approved(request, authorization));
  if (target->issuer == nullptr)
    co_return fail(ErrorCode::unsupported, "this version cannot open targets of this protocol");
  if (auto obstacle = target->obstacle ? target->obstacle() : std::nullopt) {
    parts_.log.warning("grant.failed", {{"target", target->target.name},
                                        {"subject", identity.subject},
                                        {"code", std::string(to_string(obstacle->code))},
                                        {"error", for_log(*obstacle)}});
    co_return std::unexpected(std::move(*obstacle));
  }

  IssuedGrant issued;
  const bool gateway_path = authorization.path() == access::DataPath::gateway;
  if (gateway_path) issued.seal_key = crypto::Ed25519Key::generate();
  SessionRecord record;
  record.session = new_session_id(parts_.random);
  record.target = target->target.name;
  record.protocol = target->target.protocol;
  record.subject = identity.subject;
  record.role = authorization.role();
  record.database_role = authorization.database_role();
  record.reason = request.reason;
  record.claimed_agent = request.claimed_agent;
  record.path = authorization.path();
  record.client_key = to_base64url(request.client_key);
  record.seal_key = gateway_path ? to_base64url(issued.seal_key->public_key()) : record.client_key;
  record.credential = target->issuer->name_for(record.session);
  record.started_at = now;
  record.expires_at = authorization.valid_until();

  access::Grant& grant = issued.grant;
  grant.session = record.session;
  grant.gateway = parts_.gateway_id;
  grant.path = authorization.path();
  grant.identity = identity;
  grant.target = target->target;
  grant.role = authorization.role();
  grant.database_role = authorization.database_role();
  grant.logins = authorization.logins();
  grant.policy = policy->part_for(identity, target->target);
  grant.mask_key =
      derive_mask_key(parts_.secret, gateway_path ? "" : identity.subject, target->target.name);
  grant.key_id = to_base64url(crypto::sha256(request.client_key));
  grant.heartbeat = parts_.heartbeat;
  grant.issued_at = now;
  grant.expires_at = authorization.valid_until();
  if (approved && !approved->command.empty()) {
    grant.only = approved->digest;
    if (!approved->login.empty()) grant.logins = {approved->login};
  }
  grant.renewable = authorization.renew_for().count() > 0 && target->issuer->can_extend();

  // In the timer before it exists, so that nothing that is made can be forgotten.
  {
    const std::lock_guard lock(expiries_mutex_);
    expiries_.insert(record.expires_at);
  }
  if (on_sooner_) on_sooner_();
  auto shared = std::make_shared<access::Authorization>(std::move(authorization));
  CredentialIssuer* issuer = target->issuer.get();
  Work<access::Credential> make = [this, record, shared, approved, issuer] {
    return issue(record, *shared, approved, *issuer);
  };
  auto credential = co_await parts_.workers.run(make);
  if (!credential) {
    parts_.log.warning("grant.failed", {{"target", record.target},
                                        {"subject", record.subject},
                                        {"code", std::string(to_string(credential.error().code))},
                                        {"error", for_log(credential.error())}});
    co_return std::unexpected(
        std::move(credential).error().within(fmt::format("open target '{}'", record.target)));
  }
  if (!gateway_path && policy != parts_.policy) {
    // On the gateway path the session is told. A failure has been logged, and the sweep goes on.
    static_cast<void>(co_await revoke(record.session));
    co_return fail(ErrorCode::cancelled, "policy has changed meanwhile", "try again");
  }
  grant.credential = std::move(*credential);
  parts_.log.info("grant.issued", {{"session", record.session},
                                   {"target", record.target},
                                   {"subject", record.subject},
                                   {"role", record.role},
                                   {"path", std::string(to_string(record.path))},
                                   {"expires_at", to_rfc3339(record.expires_at)}});
  co_return std::move(issued);
}

Result<void> GrantService::renew_blocking(const SessionRecord& record,
                                          const access::Authorization& authorization,
                                          SystemTime until, CredentialIssuer& issuer) {
  // A revocation comes before or after it, never in between.
  const std::lock_guard lock(
      revoking_[std::hash<std::string>()(record.session) % revoking_.size()]);
  if (record.expires_at <= parts_.clock.system_now())
    return fail(ErrorCode::not_found, "the session has expired");
  // The store first: the sweep would end what the target still lets in.
  HOOP_TRY(const bool extended, parts_.store.extend(record.session, record.expires_at, until));
  if (!extended) return fail(ErrorCode::not_found, "the session has ended");
  auto renewed = issuer.extend(authorization, record.credential);
  if (!renewed) HOOP_CHECK(parts_.store.set_expiry(record.session, record.expires_at));
  return renewed;
}

Task<SystemTime> GrantService::renew(SessionRecord record, access::Identity identity) {
  const GrantTarget* target = find_target(record.target);
  if (target == nullptr || target->issuer == nullptr)
    co_return std::unexpected(access::target_unavailable());
  identity.claimed_agent = record.claimed_agent;
  const SystemTime now = parts_.clock.system_now();
  HOOP_CO_TRY(auto authorization,
              parts_.policy->authorize(identity, target->target, kLongestGrant, now));
  const bool same = authorization.role() == record.role &&
                    authorization.database_role() == record.database_role &&
                    authorization.path() == record.path;
  if (!same) co_return fail(ErrorCode::denied, "policy has changed: connect again");
  const SystemTime most = record.started_at + authorization.renew_for();
  const SystemTime until = std::min(authorization.valid_until(), most);
  if (until <= record.expires_at)
    co_return fail(ErrorCode::denied, authorization.renew_for().count() == 0
                                          ? "sessions of this role are not renewed"
                                          : "the session has lasted as long as it may");
  {
    const std::lock_guard lock(expiries_mutex_);
    expiries_.insert(until);
  }
  const std::string session = record.session, subject = record.subject;
  auto shared = std::make_shared<access::Authorization>(std::move(authorization));
  CredentialIssuer* issuer = target->issuer.get();
  Work<void> renewal = [this, record = std::move(record), shared, until, issuer] {
    return renew_blocking(record, *shared, until, *issuer);
  };
  auto renewed = co_await parts_.workers.run(renewal);
  if (!renewed) {
    parts_.log.warning("grant.renewal_failed",
                       {{"session", session}, {"error", for_log(renewed.error())}});
    co_return std::unexpected(std::move(renewed).error());
  }
  parts_.log.info("grant.renewed",
                  {{"session", session}, {"subject", subject}, {"expires_at", to_rfc3339(until)}});
  co_return until;
}

Result<void> GrantService::revoke_blocking(const std::string& session) {
  const std::lock_guard lock(revoking_[std::hash<std::string>()(session) % revoking_.size()]);
  HOOP_TRY(const auto record, parts_.store.find(session));
  if (!record || record->state == CredentialState::revoked) return {};
  // From now on the sweep tries it too, should this fail or we die.
  HOOP_CHECK(parts_.store.set_expiry(session, parts_.clock.system_now()));
  const GrantTarget* target = find_target(record->target);
  if (target == nullptr || target->issuer == nullptr)
    return fail(ErrorCode::config,
                fmt::format("role '{}' cannot be dropped: target '{}' is not configured any more",
                            record->credential, record->target));
  if (auto revoked = target->issuer->revoke(record->credential); !revoked) {
    parts_.log.warning(
        "grant.revoke_failed",
        {{"session", session}, {"target", record->target}, {"error", for_log(revoked.error())}});
    return revoked;
  }
  HOOP_CHECK(parts_.store.set_revoked(session, parts_.clock.system_now()));
  parts_.log.info("grant.revoked",
                  {{"session", session}, {"target", record->target}, {"subject", record->subject}});
  return {};
}

Task<void> GrantService::revoke(std::string session) {
  Work<void> end = [this, session = std::move(session)] { return revoke_blocking(session); };
  co_return co_await parts_.workers.run(end);
}

bool GrantService::is_due(const SessionRecord& record) const {
  const SystemTime now = parts_.clock.system_now();
  if (record.expires_at <= now) return true;
  // Whoever delivered the log has nothing left to do, and may not have come to say so.
  if (record.log) return true;
  // On the gateway path a session ends with the process that ran it.
  if (record.path == access::DataPath::gateway && record.started_at < started_) return true;
  // Planned before this process began: whoever was making it is gone.
  return record.state == CredentialState::planned &&
         (record.started_at < started_ || record.started_at < now - kPlannedPatience);
}

std::size_t GrantService::sweep_target(const GrantTarget& target) {
  std::size_t ended = 0;
  // The target first, the store after: a name that appears in between is then known.
  const auto issued = target.issuer->list();
  const auto records = parts_.store.unrevoked();
  if (!records) {
    parts_.log.error("sweep.store_failed", {{"error", for_log(records.error())}});
    return 0;
  }
  std::set<std::string> known;
  for (const SessionRecord& record : *records) {
    // Of every target: two may stand on one server, and share the group that list() reads.
    known.insert(record.credential);
    if (record.target != target.target.name) continue;
    if (is_due(record) && revoke_blocking(record.session)) ++ended;
  }
  if (!issued) {
    parts_.log.warning("sweep.target_failed",
                       {{"target", target.target.name}, {"error", for_log(issued.error())}});
    return ended;
  }
  for (const CredentialIssuer::Issued& credential : *issued) {
    if (known.contains(credential.name)) continue;
    const auto revoked = target.issuer->revoke(credential.name);
    if (revoked) ++ended;
    parts_.log.warning("sweep.orphan",
                       {{"target", target.target.name},
                        {"role", credential.name},
                        {"result", revoked ? "dropped" : for_log(revoked.error())}});
  }
  return ended;
}

void GrantService::drop_idle() {
  for (const GrantTarget& target : targets_)
    if (target.issuer != nullptr && target.obstacle) target.issuer->drop_idle();
}

std::size_t GrantService::sweep() {
  std::size_t ended = 0;
  for (const GrantTarget& target : targets_) {
    if (target.issuer != nullptr) ended += sweep_target(target);
  }
  // What the store knows is what the timer must know, also after a start.
  const auto records = parts_.store.unrevoked();
  const SystemTime now = parts_.clock.system_now();
  const std::lock_guard lock(expiries_mutex_);
  expiries_.erase(expiries_.begin(), expiries_.upper_bound(now));
  if (records) {
    for (const SessionRecord& record : *records) {
      if (record.expires_at > now) expiries_.insert(record.expires_at);
    }
  }
  return ended;
}

std::optional<SystemTime> GrantService::next_expiry() const {
  const std::lock_guard lock(expiries_mutex_);
  if (expiries_.empty()) return std::nullopt;
  return *expiries_.begin();
}

}  // namespace hoop::gateway
