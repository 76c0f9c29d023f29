// SPDX-License-Identifier: Apache-2.0
// Proof of possession (DPoP, RFC 9449): a token that is bound to a key is good only beside a proof,
// signed by that key for the one request that it comes with. ES256 keys.
#pragma once

#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"

namespace hoop::identity {

/// The request that a proof is for.
struct ProvenRequest {
  std::string_view method;
  std::string_view url;                // query and fragment do not count
  std::string_view access_token = {};  // empty at a token endpoint
};

/// nonce: what the server has asked for; empty: none.
std::string make_proof(const crypto::P256Key& key, const ProvenRequest& request,
                       std::string_view nonce, SystemTime now, Random& random);

/// A proof whose signature fits. Whether it is fresh, and new, is the reader's to say.
struct Proof {
  std::string thumbprint;  // of the key (RFC 7638), as a token's cnf.jkt names it
  std::string id;          // jti
  SystemTime issued_at{};
  std::string nonce;  // empty: none
};

/// Strict: typ dpop+jwt, ES256, a public P-256 key in the header and nothing else there, and the
/// claims of RFC 9449 §4.3 for this very request. Fails with unauthenticated.
Result<Proof> verify_proof(std::string_view proof, const ProvenRequest& request);

}  // namespace hoop::identity
