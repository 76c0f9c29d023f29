// SPDX-License-Identifier: Apache-2.0
#include "core/crypto/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <bit>
#include <memory>

#include "core/crypto/free_with.h"

namespace hoop::crypto {
namespace {

using RsaKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using RsaKeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using RsaMdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using RsaNumber = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

constexpr std::size_t kLeastModulusBits = 2048;
constexpr std::size_t kMostModulusBits = 8192;
constexpr std::size_t kMostExponentBytes = 4;

RsaKey public_rsa(const RsaPublicKey& key) {
  if (!is_usable(key)) return nullptr;
  const RsaNumber modulus(
      BN_bin2bn(key.modulus.data(), static_cast<int>(key.modulus.size()), nullptr));
  const RsaNumber exponent(
      BN_bin2bn(key.exponent.data(), static_cast<int>(key.exponent.size()), nullptr));
  const ParameterBuilder builder(OSSL_PARAM_BLD_new());
  HOOP_ASSERT(modulus && exponent && builder);
  HOOP_ASSERT(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) == 1 &&
              OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) == 1);
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const RsaKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* out = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return RsaKey(out);
}

enum class Padding { pkcs1, pss };

bool verify_rsa(const RsaPublicKey& key, Padding padding, ByteSpan message, ByteSpan signature) {
  // RFC 8017 §8.1.2 and §8.2.2, step 1.
  if (signature.size() != key.modulus.size()) return false;
  const RsaKey peer = public_rsa(key);
  const RsaMdContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;  // the context's own
  if (!peer || !context ||
      EVP_DigestVerifyInit(context.get(), &settings, EVP_sha256(), nullptr, peer.get()) != 1) {
    return false;
  }
  if (padding == Padding::pss) {
    // RFC 7518 §3.5: MGF1 with the same hash, and a salt as long as it.
    if (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md(settings, EVP_sha256()) != 1) {
      return false;
    }
  }
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace

bool is_usable(const RsaPublicKey& key) {
  const Bytes& modulus = key.modulus;
  const Bytes& exponent = key.exponent;
  if (modulus.empty() || exponent.empty() || modulus.front() == 0 || exponent.front() == 0)
    return false;
  const std::size_t bits = (modulus.size() - 1) * 8 + std::bit_width(modulus.front());
  if (bits < kLeastModulusBits || bits > kMostModulusBits || (modulus.back() & 1U) == 0)
    return false;
  const bool is_one = exponent.size() == 1 && exponent.front() == 1;
  return exponent.size() <= kMostExponentBytes && (exponent.back() & 1U) != 0 && !is_one;
}

bool verify_signature(SignatureAlgorithm algorithm, const PublicKey& key, ByteSpan message,
                      ByteSpan signature) {
  switch (algorithm) {
    case SignatureAlgorithm::es256: {
      const auto* p256 = std::get_if<P256PublicKey>(&key);
      return p256 != nullptr && verify_es256(*p256, message, signature);
    }
    case SignatureAlgorithm::eddsa: {
      const auto* ed25519 = std::get_if<Ed25519PublicKey>(&key);
      return ed25519 != nullptr && verify_ed25519(*ed25519, message, signature);
    }
    case SignatureAlgorithm::rs256:
    case SignatureAlgorithm::ps256: {
      const auto* rsa = std::get_if<RsaPublicKey>(&key);
      const Padding padding =
          algorithm == SignatureAlgorithm::ps256 ? Padding::pss : Padding::pkcs1;
      return rsa != nullptr && verify_rsa(*rsa, padding, message, signature);
    }
  }
  return false;
}

}  // namespace hoop::crypto
