// SPDX-License-Identifier: Apache-2.0
// A CI platform's own token for a job (GitHub, GitLab, a Kubernetes service account): an ID token
// that says which job it is, and that a gateway takes for an access token of its own (RFC 8693).
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/identity/jwk.h"
#include "core/identity/jwt.h"

namespace hoop::identity {

/// Which jobs are one workload, and what it may then call itself.
struct WorkloadTerms {
  std::string name;
  std::string issuer;    // of the platform's tokens, byte by byte
  std::string audience;  // ours in them
  /// Each must be in the token, with one of the values.
  std::map<std::string, std::vector<std::string>> claims;
  std::vector<std::string> groups;
  std::chrono::seconds life{600};  // of our access token
  bool operator==(const WorkloadTerms&) const = default;
};

/// Why terms would let in more than somebody has meant: a platform's issuer signs tokens for all
/// who use it. Empty if they do not.
std::string too_wide(const WorkloadTerms& terms);

struct WorkloadClaims {
  std::string subject;  // "name:sub"
  std::string id;       // of the token, for taking it once
  SystemTime expires_at{};
};

/// Fails with unauthenticated, and with denied where the token is good and of another job; the
/// message names the check and holds nothing of the token.
Result<WorkloadClaims> verify_workload_token(const UnverifiedJws& token, const KeySet& keys,
                                             const WorkloadTerms& terms, SystemTime now);

}  // namespace hoop::identity
