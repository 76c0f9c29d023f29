// SPDX-License-Identifier: Apache-2.0
// What the gateway remembers of sessions: grant, credential, log, receipt. An interface: SQLite
// here, PostgreSQL for several gateways.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/access/target.h"
#include "core/base/clock.h"
#include "core/base/error.h"

namespace hoop::gateway {

/// planned is written before the credential is made, so that a crash leaves none that nobody knows
/// of.
enum class CredentialState { planned, active, revoked };

/// What the verified log said; kept when it was finished.
struct FinishedLog {
  std::uint64_t length = 0;
  std::string digest;  // hex: the chain's head
  bool sealed = true;
  std::string receipt;
  std::uint64_t actions = 0;
  std::uint64_t denied = 0;
  std::uint64_t masked_values = 0;
  std::uint64_t rows = 0;
  SystemTime ended_at{};
  bool operator==(const FinishedLog&) const = default;
};

struct SessionRecord {
  std::string session;
  std::string target;
  std::string protocol;
  std::string subject;
  std::string role;
  std::string database_role;
  std::string reason;
  std::string claimed_agent;
  access::DataPath path = access::DataPath::local;
  std::string client_key;  // base64url of the raw Ed25519 public key, as is seal_key
  std::string seal_key;    // seals the log: the client's on the local path, else one of ours
  std::string credential;  // the issuer's name for it: "hoop_…"
  CredentialState state = CredentialState::planned;
  SystemTime started_at{};
  SystemTime expires_at{};
  std::optional<SystemTime> revoked_at;
  std::optional<FinishedLog> log;
  bool operator==(const SessionRecord&) const = default;
};

/// Which sessions somebody asks for; what is empty asks for nothing.
struct SessionQuery {
  std::string subject = {};
  std::string target = {};
  std::optional<SystemTime> since = {};    // started then or later
  std::optional<SystemTime> until = {};    // started before
  bool denied = false;                     // something was refused; known once a session has ended
  std::optional<SystemTime> live_at = {};  // its credential is good then
  std::string before = {};  // the last session of the page before: those that come after it
  std::size_t limit = 100;
};

/// Everything blocks: call it on the worker pool. Safe from several threads at once. Everything
/// fails with storage.
class Store {
 public:
  virtual ~Store() = default;
  /// Fails with storage also when the session exists.
  virtual Result<void> add(const SessionRecord& record) = 0;
  virtual Result<void> set_active(const std::string& session) = 0;
  /// Brings the expiry nearer; never moves it away.
  virtual Result<void> set_expiry(const std::string& session, SystemTime at) = 0;
  /// Moves the expiry of an active session away. False, and nothing has changed, if it is not
  /// active or expires at another time than from: somebody has ended it.
  virtual Result<bool> extend(const std::string& session, SystemTime from, SystemTime to) = 0;
  /// One that never was active is forgotten: nobody was given it, so it was no session.
  virtual Result<void> set_revoked(const std::string& session, SystemTime at) = 0;
  /// Once: a second finish with the same digest changes nothing, with another one fails with
  /// integrity.
  virtual Result<void> set_finished(const std::string& session, const FinishedLog& log) = 0;
  virtual Result<std::optional<SessionRecord>> find(const std::string& session) = 0;
  /// Those that have been active, latest first. Fails with not_found where there is no session
  /// query.before.
  virtual Result<std::vector<SessionRecord>> list(const SessionQuery& query) = 0;
  /// How many of a person's are active and have not expired.
  virtual Result<std::size_t> count_live(const std::string& subject, SystemTime now) = 0;
  /// Whose credential is planned or active, whatever the clock says.
  virtual Result<std::vector<SessionRecord>> unrevoked() = 0;
  /// Writes something and reads it back: success means that the others have a chance.
  virtual Result<void> check() = 0;
};

}  // namespace hoop::gateway
