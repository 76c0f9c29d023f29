// SPDX-License-Identifier: Apache-2.0
// The way from a gate to people who may approve what a rule wants an approval for. The requests are
// the gateway's; where the gate runs there too, the way is short.
#pragma once

#include <chrono>
#include <string>

#include "core/access/action.h"
#include "core/access/approval.h"
#include "core/base/bytes.h"
#include "core/net/asio.h"

namespace hoop::session {

/// The text of an action as an approver is shown it.
inline std::string_view shown_text(const access::Action& action) {
  return action.shown.empty() ? std::string_view(action.text) : std::string_view(action.shown);
}
/// What is shown is all that it is: with an approval it can be run by what is kept of it.
inline bool can_be_resumed(const access::Action& action) {
  return !action.is_cut && crypto::sha256(as_bytes(shown_text(action))) == action.digest;
}

/// Of one session. What is answered is what is so: a request can be decided, or can expire, at any
/// time.
class Approvals {
 public:
  virtual ~Approvals() = default;
  /// The open request of this identity for exactly this, or else a new one. A rejected one stands
  /// for some minutes: who asks again is answered what was said. Fails with denied (there is no
  /// such rule, or it asks for no approval), too_large (too many requests wait), and with what
  /// keeps us from the gateway.
  virtual Task<access::Approval> request(access::ApprovalQuestion question) = 0;
  /// Returns when it is decided, or after some time that is not longer than patience; at once where
  /// it was decided before.
  virtual Task<access::Approval> wait(std::string id, std::chrono::milliseconds patience) = 0;
  /// Takes the approval: true once for each, and only for an approved request.
  virtual Task<bool> spend(std::string id) = 0;
};

}  // namespace hoop::session
