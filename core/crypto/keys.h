// SPDX-License-Identifier: Apache-2.0
// Signing keys: Ed25519 (session logs, grants) and ECDSA P-256 (ES256 tokens and receipts);
// AES-256-GCM sealing.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::crypto {

using Ed25519PublicKey = std::array<std::uint8_t, 32>;
using Ed25519Signature = std::array<std::uint8_t, 64>;

/// A private Ed25519 key (RFC 8032). Resource: one owner, wiped by OpenSSL when it goes.
class Ed25519Key {
 public:
  static Ed25519Key generate();
  /// Fails with malformed unless seed is 32 bytes (RFC 8032 §5.1.5).
  static Result<Ed25519Key> from_seed(const SecretBytes& seed);
  ~Ed25519Key();
  Ed25519Key(Ed25519Key&&) noexcept;
  Ed25519Key& operator=(Ed25519Key&&) noexcept;
  /// For keeping it: from_seed() makes it again.
  SecretBytes seed() const;
  Ed25519PublicKey public_key() const;
  Ed25519Signature sign(ByteSpan message) const;

 private:
  struct Impl;
  explicit Ed25519Key(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

bool verify_ed25519(const Ed25519PublicKey& key, ByteSpan message, ByteSpan signature);

/// The two coordinates of a P-256 public key, 32 bytes each, big-endian (RFC 7518 §6.2.1).
struct P256PublicKey {
  std::array<std::uint8_t, 32> x{};
  std::array<std::uint8_t, 32> y{};
  bool operator==(const P256PublicKey&) const = default;
};

/// A private P-256 key. sign gives ES256's 64 bytes r||s (RFC 7518 §3.4).
class P256Key {
 public:
  static P256Key generate();
  /// Fails with malformed unless pem is a PKCS#8 or SEC1 P-256 private key.
  static Result<P256Key> from_pem(std::string_view pem);
  ~P256Key();
  P256Key(P256Key&&) noexcept;
  P256Key& operator=(P256Key&&) noexcept;
  SecretText to_pem() const;
  P256PublicKey public_key() const;
  std::array<std::uint8_t, 64> sign(ByteSpan message) const;

 private:
  struct Impl;
  explicit P256Key(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// False for a wrong signature, a signature that is not 64 bytes and a point that is not on the
/// curve.
bool verify_es256(const P256PublicKey& key, ByteSpan message, ByteSpan signature);

/// AES-256-GCM: nonce(12) || ciphertext || tag(16). key is 32 bytes.
Bytes seal(const SecretBytes& key, ByteSpan plain, ByteSpan associated, Random& random);
/// Fails with integrity.
Result<SecretBytes> unseal(const SecretBytes& key, ByteSpan sealed, ByteSpan associated);

}  // namespace hoop::crypto
