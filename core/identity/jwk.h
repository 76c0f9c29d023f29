// SPDX-License-Identifier: Apache-2.0
// Key sets (RFC 7517): the public keys that an issuer signs tokens with.
//
// Only ES256 (EC, P-256) is implemented. RSA keys of a foreign issuer are skipped, so its RS256
// tokens are refused as having an unknown key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/crypto/keys.h"

namespace hoop::identity {

struct VerificationKey {
  std::string kid;
  crypto::P256PublicKey key;
  bool operator==(const VerificationKey&) const = default;
};

struct KeySet {
  std::vector<VerificationKey> keys;
  /// nullptr if no key has this kid.
  const VerificationKey* find(std::string_view kid) const;
  bool operator==(const KeySet&) const = default;
};

/// Reads a JWKS document. Skips keys that cannot verify ES256 (another kty, crv, use, key_ops or
/// alg) and keys without a kid. Fails with malformed for a broken document, a broken P-256 key, a
/// kid used twice, or a key that is not public; with too_large above 64 KiB or 100 keys. No usable
/// key is an empty set.
Result<KeySet> parse_jwks(std::string_view json);
std::string jwks_to_json(const KeySet& keys);

/// RFC 7638: names a key by its content. base64url of SHA-256.
std::string thumbprint(const crypto::P256PublicKey& key);
/// The key under its thumbprint.
VerificationKey verification_key(const crypto::P256Key& key);

}  // namespace hoop::identity
