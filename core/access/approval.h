// SPDX-License-Identifier: Apache-2.0
// What people are asked about an action that a rule wants an approval for, and what they have said.
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/crypto/digest.h"

namespace hoop::access {

/// spent: it was approved, and has let its one action pass.
enum class ApprovalState { pending, approved, rejected, expired, spent };
std::string_view to_string(ApprovalState state);

struct ApprovalQuestion {
  std::string protocol;
  std::string verb;
  std::string place;           // the database, or as whom one has logged in; may be empty
  std::string text;            // as an approver is shown it: whole, and without what masks hide
  crypto::Digest256 digest{};  // of the exact bytes that an approval is for
  std::string rule;            // that wants it
  std::string message;         // of that rule
  bool operator==(const ApprovalQuestion&) const = default;
};

/// A request, as whoever made it sees it.
struct Approval {
  std::string id;  // "apr_" and 26 characters of base32
  ApprovalState state = ApprovalState::pending;
  std::string by;     // who has decided
  std::string words;  // what they gave as the reason
  /// Until when it can be decided; approved: until when it lets something pass.
  SystemTime expires_at{};
  bool operator==(const Approval&) const = default;
};

}  // namespace hoop::access
