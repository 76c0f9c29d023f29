// SPDX-License-Identifier: Apache-2.0
// Who is asking: made by identity/token_verifier alone on the gateway, and carried in the grant to
// the client.
#pragma once

#include <string>
#include <vector>

#include "core/base/clock.h"

namespace hoop::access {

/// Verified only from how the token was obtained. What the environment claims may only restrict.
enum class IdentityKind { person, ci, agent };

struct Identity {
  std::string subject;
  std::vector<std::string> groups;
  IdentityKind kind = IdentityKind::person;
  SystemTime expires_at{};
  std::string claimed_agent;  // from the client's environment: "claude-code"; empty if none. Never
                              // trusted to allow
  SystemTime issued_at{};     // of the token; not in a grant
  /// When the person has proven who they are; none where the token does not say. Not in a grant.
  SystemTime signed_in_at{};
  /// The token was obtained for deciding requests, and is for nothing else. Not in a grant.
  bool is_for_approving = false;
  /// By its login, or as its environment says.
  bool is_agent() const { return kind == IdentityKind::agent || !claimed_agent.empty(); }
  bool operator==(const Identity&) const = default;
};

std::string_view to_string(IdentityKind kind);

}  // namespace hoop::access
