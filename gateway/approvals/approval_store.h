// SPDX-License-Identifier: Apache-2.0
// What people are asked to approve, and what came of it: a table in DIR/state/gateway.db.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/approval.h"
#include "core/access/identity.h"
#include "gateway/sqlite.h"

namespace hoop::gateway {

/// A request as it is kept. Who asked, from where and for what never changes.
struct ApprovalRequest {
  std::string id;  // "apr_" and 26 characters of base32
  /// As it was written last: time and another policy end a request without writing.
  access::ApprovalState state = access::ApprovalState::pending;
  std::string subject;
  access::IdentityKind kind = access::IdentityKind::person;
  std::string claimed_agent;
  std::string session;  // that asked first
  std::string target;
  access::ApprovalQuestion question;
  bool exact = false;                  // the digest is that of the text: nothing is hidden
  std::string reason;                  // of the session, in the asker's words
  std::vector<std::string> approvers;  // of the rule when it was asked
  std::string policy_version;
  SystemTime requested_at{};
  /// Until when it can be decided; approved: until when it can be spent.
  SystemTime expires_at{};
  std::optional<SystemTime> decided_at;
  std::string decided_by;
  std::string words;  // what they gave as the reason
  std::optional<SystemTime> spent_at;
  std::string spent_by;  // the session
  bool operator==(const ApprovalRequest&) const = default;
};

/// Borrows database. One thread at a time; everything blocks for a moment, and fails with storage.
class ApprovalStore {
 public:
  /// Makes the table if need be.
  static Result<ApprovalStore> open(Database& database);

  Result<void> add(const ApprovalRequest& request);
  Result<std::optional<ApprovalRequest>> find(const std::string& id);
  /// All of one asker for exactly this, the latest first.
  Result<std::vector<ApprovalRequest>> same(const ApprovalRequest& as);
  /// Pending, or approved and not spent, and not expired.
  Result<std::size_t> count_open(const std::string& subject, SystemTime now);
  /// What a list is chosen by.
  struct Entry {
    std::string id;
    access::ApprovalState state = access::ApprovalState::pending;
    std::string subject;
    std::string rule;
    std::vector<std::string> approvers;
    SystemTime expires_at{};
  };
  /// open: as it was written last.
  enum class Which { all, open };
  /// Of everybody where subject is empty; the latest first.
  Result<std::vector<Entry>> entries(const std::string& subject, Which which);

  /// What people have said of a pending request.
  struct Verdict {
    access::ApprovalState state = access::ApprovalState::rejected;
    std::string by;
    std::string words;
    SystemTime at{};
    SystemTime expires_at{};
  };
  /// False, and nothing has changed, if it is not pending any more or has expired.
  Result<bool> decide(const std::string& id, const Verdict& verdict);
  /// False, and nothing has changed, if it is not an approved one that was never spent and has not
  /// expired.
  Result<bool> spend(const std::string& id, const std::string& session, SystemTime now);
  /// An open one, before its time.
  Result<void> expire(const std::string& id);
  /// Marks what has expired, and deletes what was asked before then and is not open.
  Result<void> sweep(SystemTime now, SystemTime forgotten);

 private:
  explicit ApprovalStore(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace hoop::gateway
