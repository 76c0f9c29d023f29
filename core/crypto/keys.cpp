// SPDX-License-Identifier: Apache-2.0
#include "core/crypto/keys.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>

#include "core/crypto/free_with.h"

namespace hoop::crypto {
namespace {

using PKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using PKeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG_free>>;

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kSeed = 32;

P256PublicKey coordinates_of(EVP_PKEY* key) {
  BIGNUM* x = nullptr;
  BIGNUM* y = nullptr;
  HOOP_ASSERT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1);
  const Number own_x(x);
  HOOP_ASSERT(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1);
  const Number own_y(y);
  P256PublicKey out;
  HOOP_ASSERT(BN_bn2binpad(x, out.x.data(), 32) == 32 && BN_bn2binpad(y, out.y.data(), 32) == 32);
  return out;
}

PKey public_p256(const P256PublicKey& key) {
  std::array<std::uint8_t, 65> point{};
  point[0] = 4;  // uncompressed
  std::copy(key.x.begin(), key.x.end(), point.begin() + 1);
  std::copy(key.y.begin(), key.y.end(), point.begin() + 33);
  char group[] = "prime256v1";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const PKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* out = nullptr;
  // Fails for a point that is not on the curve.
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &out, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
    return nullptr;
  }
  return PKey(out);
}

}  // namespace

struct Ed25519Key::Impl {
  PKey key;
};
Ed25519Key::Ed25519Key(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ed25519Key::~Ed25519Key() = default;
Ed25519Key::Ed25519Key(Ed25519Key&&) noexcept = default;
Ed25519Key& Ed25519Key::operator=(Ed25519Key&&) noexcept = default;

Ed25519Key Ed25519Key::generate() {
  PKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  HOOP_ASSERT(key != nullptr);
  return Ed25519Key(std::make_unique<Impl>(std::move(key)));
}

Result<Ed25519Key> Ed25519Key::from_seed(const SecretBytes& seed) {
  const Bytes& raw = seed.reveal();
  if (raw.size() != kSeed) return fail(ErrorCode::malformed, "an Ed25519 private key has 32 bytes");
  PKey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()));
  HOOP_ASSERT(key != nullptr);
  return Ed25519Key(std::make_unique<Impl>(std::move(key)));
}

SecretBytes Ed25519Key::seed() const {
  Bytes out(kSeed);
  std::size_t length = out.size();
  HOOP_ASSERT(EVP_PKEY_get_raw_private_key(impl_->key.get(), out.data(), &length) == 1 &&
              length == out.size());
  return SecretBytes(std::move(out));
}

Ed25519PublicKey Ed25519Key::public_key() const {
  Ed25519PublicKey out;
  std::size_t length = out.size();
  HOOP_ASSERT(EVP_PKEY_get_raw_public_key(impl_->key.get(), out.data(), &length) == 1 &&
              length == out.size());
  return out;
}

Ed25519Signature Ed25519Key::sign(ByteSpan message) const {
  Ed25519Signature out;
  std::size_t length = out.size();
  const MdContext context(EVP_MD_CTX_new());
  HOOP_ASSERT(context &&
              EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, impl_->key.get()) == 1 &&
              EVP_DigestSign(context.get(), out.data(), &length, message.data(), message.size()) ==
                  1 &&
              length == out.size());
  return out;
}

bool verify_ed25519(const Ed25519PublicKey& key, ByteSpan message, ByteSpan signature) {
  const PKey peer(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  const MdContext context(EVP_MD_CTX_new());
  return peer && context && signature.size() == 64 &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, peer.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

struct P256Key::Impl {
  PKey key;
};
P256Key::P256Key(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
P256Key::~P256Key() = default;
P256Key::P256Key(P256Key&&) noexcept = default;
P256Key& P256Key::operator=(P256Key&&) noexcept = default;

P256Key P256Key::generate() {
  PKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  HOOP_ASSERT(key != nullptr);
  return P256Key(std::make_unique<Impl>(std::move(key)));
}

Result<P256Key> P256Key::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // A password callback that gives none: an encrypted key must not make the program ask on the
  // terminal.
  const auto no_password = [](char*, int, int, void*) { return -1; };
  PKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  char group[32] = {};
  std::size_t length = 0;
  if (!key ||
      EVP_PKEY_get_utf8_string_param(key.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                     &length) != 1 ||
      std::string_view(group, length) != "prime256v1") {
    return fail(ErrorCode::malformed, "not an unencrypted P-256 private key in PEM");
  }
  return P256Key(std::make_unique<Impl>(std::move(key)));
}

SecretText P256Key::to_pem() const {
  const Bio bio(BIO_new(BIO_s_secmem()));
  HOOP_ASSERT(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), impl_->key.get(), nullptr, nullptr, 0,
                                                   nullptr, nullptr) == 1);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return SecretText(std::string(data, static_cast<std::size_t>(length)));
}

P256PublicKey P256Key::public_key() const { return coordinates_of(impl_->key.get()); }

std::array<std::uint8_t, 64> P256Key::sign(ByteSpan message) const {
  std::array<std::uint8_t, 80> der{};
  std::size_t length = der.size();
  const MdContext context(EVP_MD_CTX_new());
  HOOP_ASSERT(
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, impl_->key.get()) == 1 &&
      EVP_DigestSign(context.get(), der.data(), &length, message.data(), message.size()) == 1);
  const std::uint8_t* cursor = der.data();
  const EcdsaSignature parts(d2i_ECDSA_SIG(nullptr, &cursor, static_cast<long>(length)));
  HOOP_ASSERT(parts != nullptr);
  std::array<std::uint8_t, 64> out{};
  HOOP_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out.data(), 32) == 32 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out.data() + 32, 32) == 32);
  return out;
}

bool verify_es256(const P256PublicKey& key, ByteSpan message, ByteSpan signature) {
  if (signature.size() != 64) return false;
  const PKey peer = public_p256(key);
  const EcdsaSignature parts(ECDSA_SIG_new());
  if (!peer || !parts) return false;
  BIGNUM* r = BN_bin2bn(signature.data(), 32, nullptr);
  BIGNUM* s = BN_bin2bn(signature.data() + 32, 32, nullptr);
  HOOP_ASSERT(r != nullptr && s != nullptr && ECDSA_SIG_set0(parts.get(), r, s) == 1);
  std::uint8_t* der = nullptr;
  const int length = i2d_ECDSA_SIG(parts.get(), &der);
  if (length <= 0) return false;
  const MdContext context(EVP_MD_CTX_new());
  const bool good =
      context &&
      EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, peer.get()) == 1 &&
      EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(length), message.data(),
                       message.size()) == 1;
  OPENSSL_free(der);
  return good;
}

Bytes seal(const SecretBytes& key, ByteSpan plain, ByteSpan associated, Random& random) {
  HOOP_ASSERT(key.reveal().size() == 32);
  Bytes out(kNonce + plain.size() + kTag);
  random.fill(MutableByteSpan(out).first(kNonce));
  const CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  HOOP_ASSERT(context &&
              EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.reveal().data(), out.data(),
                                  nullptr) == 1 &&
              EVP_EncryptUpdate(context.get(), nullptr, &length, associated.data(),
                                static_cast<int>(associated.size())) == 1 &&
              EVP_EncryptUpdate(context.get(), out.data() + kNonce, &length, plain.data(),
                                static_cast<int>(plain.size())) == 1 &&
              EVP_EncryptFinal_ex(context.get(), out.data() + kNonce + length, &length) == 1 &&
              EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTag,
                                  out.data() + kNonce + plain.size()) == 1);
  return out;
}

Result<SecretBytes> unseal(const SecretBytes& key, ByteSpan sealed, ByteSpan associated) {
  const auto bad = [] {
    return fail(ErrorCode::integrity, "the sealed value does not open with this key");
  };
  if (key.reveal().size() != 32 || sealed.size() < kNonce + kTag) return bad();
  const ByteSpan cipher = sealed.subspan(kNonce, sealed.size() - kNonce - kTag);
  Bytes tag(sealed.end() - kTag, sealed.end());
  Bytes plain(cipher.size());
  const CipherContext context(EVP_CIPHER_CTX_new());
  int length = 0;
  const bool good =
      context &&
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.reveal().data(), sealed.data(),
                          nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &length, associated.data(),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), plain.data(), &length, cipher.data(),
                        static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), plain.data() + length, &length) == 1;
  SecretBytes out(std::move(plain));
  if (!good) return bad();
  return out;
}

}  // namespace hoop::crypto
