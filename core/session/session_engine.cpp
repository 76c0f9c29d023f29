// SPDX-License-Identifier: Apache-2.0
#include "core/session/session_engine.h"

#include <utility>

#include "core/access/client_words.h"

namespace hoop::session {

SessionEngine::SessionEngine(access::Grant grant, std::unique_ptr<net::Dialer> dialer,
                             mask::Masker masker)
    : grant_(std::move(grant)), dialer_(std::move(dialer)), masker_(std::move(masker)) {}

SessionEngine::~SessionEngine() = default;

Result<std::unique_ptr<SessionEngine>> SessionEngine::create(SessionParts parts, const Clock& clock,
                                                             Random& random, Log& log) {
  HOOP_TRY(mask::Masker masker,
           mask::Masker::create(parts.grant.policy.masks, parts.grant.mask_key.clone(),
                                std::move(parts.secrets)));
  if (std::exchange(parts.program.is_arguments, false))
    parts.program.command = access::connect_words(
        parts.grant.target.protocol, parts.grant.target.name, std::move(parts.program.command));
  // argv holds statements (psql -c), a reason may quote a value: what detectors hide in a reply
  // stands nowhere in the log.
  mask::HiddenCounts hidden;
  for (std::string& word : parts.program.command) {
    HOOP_TRY(word, masker.rewrite_text(word, hidden));
  }
  HOOP_TRY(parts.reason, masker.rewrite_text(parts.reason, hidden));
  const record::SessionStart start{parts.grant.session,
                                   parts.grant.gateway,
                                   parts.grant.target.name,
                                   parts.grant.target.protocol,
                                   parts.grant.identity.subject,
                                   parts.grant.role,
                                   parts.grant.policy.version,
                                   std::string(to_string(parts.grant.path)),
                                   parts.grant.identity.claimed_agent,
                                   std::move(parts.reason),
                                   std::move(parts.program),
                                   clock.system_now()};
  HOOP_TRY(record::SessionLog session_log,
           record::SessionLog::create(std::move(parts.sink), std::move(parts.log_key), start));
  if (parts.policies == nullptr) parts.policies = std::make_shared<access::PolicyPool>();
  auto policy = parts.policies->share(std::move(parts.grant.policy));
  parts.grant.policy = {};
  parts.grant.policy.version = policy->document().version;
  std::unique_ptr<SessionEngine> engine(
      new SessionEngine(std::move(parts.grant), std::move(parts.dialer), std::move(masker)));
  engine->policies_ = std::move(parts.policies);
  engine->gate_ = std::make_unique<Gate>(std::move(policy), engine->grant_.identity,
                                         engine->grant_.target, std::move(session_log), clock);
  if (engine->grant_.issued_at != SystemTime{}) engine->gate_->set_time(engine->grant_.issued_at);
  if (parts.approvals != nullptr) {
    engine->approvals_ = std::move(parts.approvals);
    engine->gate_->ask_by(*engine->approvals_, parts.approval_wait);
  }
  HOOP_TRY(engine->handler_,
           parts.make_handler(SessionContext{*engine->gate_, *engine->dialer_, engine->masker_,
                                             engine->grant_, clock, random, log}));
  return engine;
}

Task<void> SessionEngine::serve(net::StreamPtr downstream, Opening opening) {
  const std::uint64_t connection = ++connections_;
  co_return co_await handler_->serve(connection, std::move(downstream), std::move(opening));
}

void SessionEngine::end_all(std::string reason) {
  gate_->ask_no_more();
  handler_->end_all(std::move(reason));
}

void SessionEngine::announce(std::string words) { handler_->announce(std::move(words)); }

bool SessionEngine::take_policy(access::PolicyDocument part) {
  // The masker, and each connection's catalog, are made of the grant's masks.
  if (part.masks != gate_->policy().document().masks || !handler_->can_judge_by(part)) return false;
  gate_->set_policy(policies_->share(std::move(part)));
  return true;
}

void SessionEngine::note_renewed(SystemTime expires_at) {
  // A log that cannot take it takes no action's record either: nothing is admitted any more.
  static_cast<void>(gate_->note({"renewed", {{"expires_at", to_rfc3339(expires_at)}}}));
}

Result<void> SessionEngine::note_ended_by(const std::string& subject, const std::string& words) {
  mask::HiddenCounts hidden;
  HOOP_TRY(const std::string clean, masker_.rewrite_text(words, hidden));
  return gate_->note({"ended_by", {{"subject", subject}, {"reason", clean}}});
}

Result<void> SessionEngine::finish(std::string cause, int program_status) {
  return gate_->seal(std::move(cause), program_status);
}

}  // namespace hoop::session
