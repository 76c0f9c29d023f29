// SPDX-License-Identifier: Apache-2.0
// SHA-256, HMAC-SHA-256 and the password functions; the only folder with core/net that knows
// OpenSSL.
#pragma once

#include <array>
#include <memory>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::crypto {

using Digest256 = std::array<std::uint8_t, 32>;

Digest256 sha256(ByteSpan bytes);
Digest256 hmac_sha256(ByteSpan key, ByteSpan message);
/// PBKDF2-HMAC-SHA-256, 32 bytes: SCRAM's Hi() (RFC 5802 §2.2).
Digest256 pbkdf2_sha256(ByteSpan password, ByteSpan salt, std::uint32_t iterations);
/// scrypt (RFC 7914), 32 bytes; n is a power of two.
Digest256 scrypt(ByteSpan password, ByteSpan salt, std::uint64_t n, std::uint32_t r,
                 std::uint32_t p);

/// A running SHA-256; one fetched implementation is reused, which halves the cost of short
/// messages.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(ByteSpan bytes);
  /// The digest of all since construction or the last finish; starts anew.
  Digest256 finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Before anything else of OpenSSL is used: its configuration file (OPENSSL_CONF could load an
/// engine of somebody's) is not read.
void ignore_openssl_configuration();

/// The system's generator.
class SystemRandom final : public Random {
 public:
  void fill(MutableByteSpan out) override;
};

}  // namespace hoop::crypto
