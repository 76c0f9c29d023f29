// SPDX-License-Identifier: Apache-2.0
// A request for an approval, as the gateway shows it to who may see it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/approval.h"
#include "core/access/identity.h"
#include "core/identity/json.h"

namespace hoop::cmd {

struct RequestDocument {
  access::Approval approval;
  std::string subject;
  access::IdentityKind kind = access::IdentityKind::person;
  std::string claimed_agent;
  std::string session;
  std::string target;
  std::string protocol;
  std::string verb;   // and, of SQL, what it is done to
  std::string place;  // the database, or as whom one has logged in; may be empty
  std::string text;
  crypto::Digest256 digest{};
  bool exact = false;  // text is all that the approval is for: it has this digest
  std::string rule;
  std::string message;
  std::string reason;  // in the words of whoever asks
  SystemTime requested_at{};
  std::optional<SystemTime> decided_at;
  std::optional<SystemTime> spent_at;
  std::string spent_by;  // the session
  std::vector<std::string> approvers;
  bool may_decide = false;
  bool operator==(const RequestDocument&) const = default;
};
/// Strict, so that nobody decides what was shown by half. Members that we do not know are left
/// alone. Fails with malformed.
Result<RequestDocument> read_request(const identity::Json& document);
/// Each of the list's.
Result<std::vector<RequestDocument>> read_requests(const identity::Json& answer);
/// "apr_" and letters and digits: it may stand in a path.
bool is_request_id(std::string_view text);

}  // namespace hoop::cmd
