// SPDX-License-Identifier: Apache-2.0
// The one composition of gate, masker, recorder, dialer and handler. `connect` runs it in process,
// the gateway runs it for tunnelled sessions; nothing in it can tell where it runs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/access/grant.h"
#include "core/access/policy_pool.h"
#include "core/record/records.h"
#include "core/session/handler.h"

namespace hoop::session {

using HandlerFactory = std::function<Result<std::unique_ptr<ProtocolHandler>>(SessionContext)>;

/// What a caller must bring; all of it moves into the engine.
struct SessionParts {
  access::Grant grant;
  std::unique_ptr<record::LogSink> sink;
  crypto::Ed25519Key log_key;
  std::unique_ptr<net::Dialer> dialer;
  HandlerFactory make_handler;
  record::RecordedProgram program = {};
  std::string reason;
  std::shared_ptr<const mask::SecretDatabase> secrets = nullptr;  // null: read for this session
  std::shared_ptr<access::PolicyPool> policies = nullptr;         // null: shared with nobody
  /// Whom to ask where a rule wants an approval; null: nobody, and nothing such passes.
  std::unique_ptr<Approvals> approvals = nullptr;
  std::chrono::seconds approval_wait{0};  // how long an action waits for the answer
};

class SessionEngine {
 public:
  static Result<std::unique_ptr<SessionEngine>> create(SessionParts parts, const Clock& clock,
                                                       Random& random, Log& log);
  ~SessionEngine();
  SessionEngine(const SessionEngine&) = delete;
  SessionEngine& operator=(const SessionEngine&) = delete;

  /// Serves one connection to its end. Errors have been told to the program already; the caller
  /// logs their code.
  Task<void> serve(net::StreamPtr downstream, Opening opening);
  /// Ends running connections with a reason (expiry, revocation).
  void end_all(std::string reason);
  /// Tells the program's user something, as far as the protocol can.
  void announce(std::string words);
  /// Judges by this part of the policy from now on. False, and nothing has changed, where the
  /// session was made for another one: it must begin anew.
  bool take_policy(access::PolicyDocument part);
  /// Records that access lasts until then.
  void note_renewed(SystemTime expires_at);
  /// Records who ends the session, and why; detectors hide in the words what they find. Once
  /// nothing is being served.
  Result<void> note_ended_by(const std::string& subject, const std::string& words);
  /// Seals the log, once nothing is being served.
  Result<void> finish(std::string cause, int program_status);

  Gate& gate() { return *gate_; }
  /// Of its policy the version alone: gate() has what judges.
  const access::Grant& grant() const { return grant_; }

 private:
  SessionEngine(access::Grant grant, std::unique_ptr<net::Dialer> dialer, mask::Masker masker);
  access::Grant grant_;
  std::unique_ptr<Approvals> approvals_;
  std::unique_ptr<net::Dialer> dialer_;
  mask::Masker masker_;
  std::shared_ptr<access::PolicyPool> policies_;
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<ProtocolHandler> handler_;
  std::uint64_t connections_ = 0;
};

}  // namespace hoop::session
