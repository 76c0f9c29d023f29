// SPDX-License-Identifier: Apache-2.0
// Whether a proof of possession that came with a request (RFC 9449) is fresh, new, and for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "core/base/clock.h"
#include "core/base/secret.h"
#include "core/http/message.h"
#include "core/identity/dpop.h"

namespace hoop::gateway {

/// On one event loop. A clock that is up to a minute off is good enough for a proof; one that is
/// further off needs the nonce, which every refusal offers.
class ProofChecker {
 public:
  /// secret: what the nonces derive from, so that they outlive a restart.
  ProofChecker(std::string base_url, const SecretBytes& secret, const Clock& clock);

  /// The proof that came with the request: for it, and fresh. access_token: empty at the token
  /// endpoint, where codes and refresh tokens are good once whoever proves what. Fails with
  /// unauthenticated, and with timeout for one that is not fresh: answer it with nonce().
  Result<identity::Proof> check(const http::Request& request, std::string_view access_token) const;
  /// False if it was used before. Only once its token has been accepted: anybody can make proofs.
  bool use(const identity::Proof& proof);
  /// For the field DPoP-Nonce; good for some minutes.
  std::string nonce() const;

 private:
  std::string nonce_of(std::int64_t minute) const;
  bool is_fresh(const identity::Proof& proof) const;

  std::string base_url_;
  Bytes nonce_key_;
  const Clock& clock_;
  // Ids of the last minutes, by 64 bits of their digest; the older half is forgotten as a whole.
  std::unordered_set<std::uint64_t> used_, used_before_;
  SteadyTime turned_at_;
};

}  // namespace hoop::gateway
