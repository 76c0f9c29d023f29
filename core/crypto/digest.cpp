// SPDX-License-Identifier: Apache-2.0
#include "core/crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <utility>

namespace hoop::crypto {
namespace {

// Fetched once: EVP_sha256() looks the implementation up on every use (0.27 instead of 0.10 us per
// 64 bytes).
const EVP_MD* fetched_sha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  HOOP_ASSERT(md != nullptr);
  return md;
}

}  // namespace

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() {
    HOOP_ASSERT(context != nullptr && EVP_DigestInit_ex2(context, fetched_sha256(), nullptr) == 1);
  }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(ByteSpan bytes) {
  HOOP_ASSERT(EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()) == 1);
}

Digest256 Sha256::finish() {
  Digest256 out;
  unsigned length = 0;
  HOOP_ASSERT(EVP_DigestFinal_ex(impl_->context, out.data(), &length) == 1 && length == out.size());
  HOOP_ASSERT(EVP_DigestInit_ex2(impl_->context, fetched_sha256(), nullptr) == 1);
  return out;
}

Digest256 sha256(ByteSpan bytes) {
  thread_local Sha256 hash;
  hash.update(bytes);
  return hash.finish();
}

Digest256 hmac_sha256(ByteSpan key, ByteSpan message) {
  Digest256 out;
  std::size_t length = 0;
  HOOP_ASSERT(EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, key.data(), key.size(),
                        message.data(), message.size(), out.data(), out.size(),
                        &length) != nullptr &&
              length == out.size());
  return out;
}

Digest256 pbkdf2_sha256(ByteSpan password, ByteSpan salt, std::uint32_t iterations) {
  Digest256 out;
  HOOP_ASSERT(iterations > 0 && iterations <= 0x7fffffff);
  HOOP_ASSERT(PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(password.data()),
                                static_cast<int>(password.size()), salt.data(),
                                static_cast<int>(salt.size()), static_cast<int>(iterations),
                                fetched_sha256(), static_cast<int>(out.size()), out.data()) == 1);
  return out;
}

Digest256 scrypt(ByteSpan password, ByteSpan salt, std::uint64_t n, std::uint32_t r,
                 std::uint32_t p) {
  Digest256 out;
  constexpr std::uint64_t kMaxMemory = 256ULL << 20;
  HOOP_ASSERT(EVP_PBE_scrypt(reinterpret_cast<const char*>(password.data()), password.size(),
                             salt.data(), salt.size(), n, r, p, kMaxMemory, out.data(),
                             out.size()) == 1);
  return out;
}

void ignore_openssl_configuration() {
  HOOP_ASSERT(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1);
}

void SystemRandom::fill(MutableByteSpan out) {
  HOOP_ASSERT(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

}  // namespace hoop::crypto
