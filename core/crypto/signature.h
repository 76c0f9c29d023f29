// SPDX-License-Identifier: Apache-2.0
// Signatures of others: the algorithms that foreign issuers sign tokens with (RFC 7518 §3, RFC
// 8037).
#pragma once

#include <string_view>
#include <variant>

#include "core/crypto/keys.h"

namespace hoop::crypto {

/// Named as JOSE does. A key is for one of them, whatever a message says of itself (RFC 8725 §3.1).
enum class SignatureAlgorithm { es256, eddsa, rs256, ps256 };

/// Both big-endian and without leading zeros (RFC 7518 §6.3.1).
struct RsaPublicKey {
  Bytes modulus;
  Bytes exponent;
  bool operator==(const RsaPublicKey&) const = default;
};

/// 2048 to 8192 bits (RFC 7518 §3.3), an odd modulus, and an odd exponent of 3 or more in at most
/// four bytes: what a larger one costs is a way to keep a verifier busy.
bool is_usable(const RsaPublicKey& key);

using PublicKey = std::variant<P256PublicKey, Ed25519PublicKey, RsaPublicKey>;

/// False also for a key of another kind than the algorithm's, and one that is none.
bool verify_signature(SignatureAlgorithm algorithm, const PublicKey& key, ByteSpan message,
                      ByteSpan signature);

}  // namespace hoop::crypto
