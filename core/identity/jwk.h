// SPDX-License-Identifier: Apache-2.0
// Key sets (RFC 7517): the public keys that an issuer signs tokens with. ES256, EdDSA (Ed25519),
// RS256 and PS256.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/crypto/signature.h"

namespace hoop::identity {

struct VerificationKey {
  std::string kid;
  crypto::PublicKey key;
  /// The one that it is for: of a JWK its 'alg'; RS256 for an RSA key that says none.
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::es256;
  bool operator==(const VerificationKey&) const = default;
};

struct KeySet {
  std::vector<VerificationKey> keys;
  /// nullptr if no key has this kid.
  const VerificationKey* find(std::string_view kid) const;
  /// Of several keys of one kid the one for that algorithm.
  const VerificationKey* find(std::string_view kid, crypto::SignatureAlgorithm algorithm) const;
  bool operator==(const KeySet&) const = default;
};

/// JOSE's name of an algorithm, "ES256".
std::string_view to_string(crypto::SignatureAlgorithm algorithm);
/// nullopt for every other, "none" and the HS family among them.
std::optional<crypto::SignatureAlgorithm> signature_algorithm(std::string_view name);

/// Reads a JWKS document. Skips keys that cannot verify one of our algorithms (another kty, crv,
/// use, key_ops or alg, an RSA key too small or too large) and keys without a kid. Fails with
/// malformed for a broken document, a broken key, a kid used twice with one algorithm, or a key
/// that is not public; with too_large above 64 KiB or 100 keys. No usable key is an empty set.
Result<KeySet> parse_jwks(std::string_view json);
std::string jwks_to_json(const KeySet& keys);

/// RFC 7638: names a key by its content. base64url of SHA-256.
std::string thumbprint(const crypto::P256PublicKey& key);
/// The key under its thumbprint.
VerificationKey verification_key(const crypto::P256Key& key);

}  // namespace hoop::identity
