// SPDX-License-Identifier: Apache-2.0
#include "core/identity/jwk.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/json.h"

namespace hoop::identity {

using crypto::SignatureAlgorithm;

namespace {

constexpr std::size_t kMaxKeys = 100;
constexpr std::size_t kMaxKidBytes = 256;

constexpr auto kAlgorithms = std::to_array<std::pair<SignatureAlgorithm, std::string_view>>(
    {{SignatureAlgorithm::es256, "ES256"},
     {SignatureAlgorithm::eddsa, "EdDSA"},
     {SignatureAlgorithm::rs256, "RS256"},
     {SignatureAlgorithm::ps256, "PS256"}});

/// Full length, also when the leading octets are zero (RFC 7518 §6.2.1.2, RFC 8037 §2).
Result<std::array<std::uint8_t, 32>> coordinate(const Json& jwk, std::string_view name) {
  const std::string* text = jwk.text(name);
  const std::optional<Bytes> bytes = text == nullptr ? std::nullopt : from_base64url(*text);
  if (!bytes || bytes->size() != 32)
    return fail(ErrorCode::malformed, "a key's '" + std::string(name) + "' is not 32 bytes");
  std::array<std::uint8_t, 32> out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

/// Without leading zeros, which some issuers write though RFC 7518 §2 forbids them.
Result<Bytes> number(const Json& jwk, std::string_view name) {
  const std::string* text = jwk.text(name);
  const std::optional<Bytes> bytes = text == nullptr ? std::nullopt : from_base64url(*text);
  if (!bytes || bytes->empty())
    return fail(ErrorCode::malformed, "an RSA key's '" + std::string(name) + "' is not a number");
  const auto first = std::ranges::find_if(*bytes, [](std::uint8_t byte) { return byte != 0; });
  return Bytes(first, bytes->end());
}

bool is_or_absent(const Json& jwk, std::string_view name, std::string_view wanted) {
  const Json* member = jwk.find(name);
  return member == nullptr || (member->text() != nullptr && *member->text() == wanted);
}

bool allows_verify(const Json& jwk) {
  const Json* operations = jwk.find("key_ops");
  if (operations == nullptr) return true;
  if (operations->array() == nullptr) return false;
  return std::ranges::any_of(*operations->array(), [](const Json& operation) {
    return operation.text() != nullptr && *operation.text() == "verify";
  });
}

/// What a key of this kind and curve is for; nullopt: nothing that is verified here.
std::optional<SignatureAlgorithm> algorithm_of(const Json& jwk) {
  const std::string* kty = jwk.text("kty");
  const std::string* curve = jwk.text("crv");
  const auto is_on = [&](std::string_view name) { return curve != nullptr && *curve == name; };
  if (*kty == "EC" && is_on("P-256") && is_or_absent(jwk, "alg", "ES256"))
    return SignatureAlgorithm::es256;
  // RFC 9864 names the curve in the place of "EdDSA".
  if (*kty == "OKP" && is_on("Ed25519") &&
      (is_or_absent(jwk, "alg", "EdDSA") || is_or_absent(jwk, "alg", "Ed25519")))
    return SignatureAlgorithm::eddsa;
  if (*kty == "RSA" && is_or_absent(jwk, "alg", "RS256")) return SignatureAlgorithm::rs256;
  if (*kty == "RSA" && is_or_absent(jwk, "alg", "PS256")) return SignatureAlgorithm::ps256;
  return std::nullopt;
}

Result<crypto::PublicKey> read_public_key(const Json& jwk, SignatureAlgorithm algorithm) {
  if (algorithm == SignatureAlgorithm::es256) {
    crypto::P256PublicKey key;
    HOOP_TRY(key.x, coordinate(jwk, "x"));
    HOOP_TRY(key.y, coordinate(jwk, "y"));
    return key;
  }
  if (algorithm == SignatureAlgorithm::eddsa) {
    HOOP_TRY(const crypto::Ed25519PublicKey key, coordinate(jwk, "x"));
    return key;
  }
  crypto::RsaPublicKey key;
  HOOP_TRY(key.modulus, number(jwk, "n"));
  HOOP_TRY(key.exponent, number(jwk, "e"));
  return key;
}

Result<std::optional<VerificationKey>> read_key(const Json& jwk) {
  using Key = std::optional<VerificationKey>;
  const std::string* kty = jwk.text("kty");
  if (kty == nullptr) return fail(ErrorCode::malformed, "a key has no 'kty'");
  for (const std::string_view secret : {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}) {
    if (jwk.find(secret) != nullptr) return fail(ErrorCode::malformed, "a key is not public");
  }
  const std::string* kid = jwk.text("kid");
  const auto algorithm = algorithm_of(jwk);
  const bool usable = algorithm && kid != nullptr && !kid->empty() && kid->size() <= kMaxKidBytes &&
                      is_or_absent(jwk, "use", "sig") && allows_verify(jwk);
  if (!usable) return Key();
  HOOP_TRY(crypto::PublicKey key, read_public_key(jwk, *algorithm));
  const auto* rsa = std::get_if<crypto::RsaPublicKey>(&key);
  if (rsa != nullptr && !crypto::is_usable(*rsa)) return Key();
  return Key(VerificationKey{*kid, std::move(key), *algorithm});
}

std::string members_of(const crypto::PublicKey& key) {
  if (const auto* p256 = std::get_if<crypto::P256PublicKey>(&key)) {
    return R"("kty":"EC","crv":"P-256","x":")" + to_base64url(p256->x) + R"(","y":")" +
           to_base64url(p256->y) + "\"";
  }
  if (const auto* ed25519 = std::get_if<crypto::Ed25519PublicKey>(&key))
    return R"("kty":"OKP","crv":"Ed25519","x":")" + to_base64url(*ed25519) + "\"";
  const auto& rsa = std::get<crypto::RsaPublicKey>(key);
  return R"("kty":"RSA","n":")" + to_base64url(rsa.modulus) + R"(","e":")" +
         to_base64url(rsa.exponent) + "\"";
}

}  // namespace

std::string_view to_string(SignatureAlgorithm algorithm) {
  return std::ranges::find(kAlgorithms, algorithm,
                           &std::pair<SignatureAlgorithm, std::string_view>::first)
      ->second;
}

std::optional<SignatureAlgorithm> signature_algorithm(std::string_view name) {
  const auto found = std::ranges::find(kAlgorithms, name,
                                       &std::pair<SignatureAlgorithm, std::string_view>::second);
  if (found == kAlgorithms.end()) return std::nullopt;
  return found->first;
}

const VerificationKey* KeySet::find(std::string_view kid) const {
  const auto found = std::ranges::find(keys, kid, &VerificationKey::kid);
  return found == keys.end() ? nullptr : &*found;
}

const VerificationKey* KeySet::find(std::string_view kid, SignatureAlgorithm algorithm) const {
  const auto found = std::ranges::find_if(keys, [&](const VerificationKey& key) {
    return key.kid == kid && key.algorithm == algorithm;
  });
  return found == keys.end() ? nullptr : &*found;
}

Result<KeySet> parse_jwks(std::string_view json) {
  auto document = parse_json(json);
  if (!document) return std::unexpected(std::move(document).error().within("key set"));
  const Json* list = document->find("keys");
  if (list == nullptr || list->array() == nullptr)
    return fail(ErrorCode::malformed, "key set: no array 'keys'");
  if (list->array()->size() > kMaxKeys)
    return fail(ErrorCode::too_large, "key set: more than 100 keys");
  KeySet out;
  for (const Json& jwk : *list->array()) {
    auto key = read_key(jwk);
    if (!key) return std::unexpected(std::move(key).error().within("key set"));
    if (!*key) continue;
    if (out.find((*key)->kid, (*key)->algorithm) != nullptr)
      return fail(ErrorCode::malformed, "key set: a 'kid' stands there twice");
    out.keys.push_back(std::move(**key));
  }
  return out;
}

std::string jwks_to_json(const KeySet& keys) {
  std::string out = R"({"keys":[)";
  for (const VerificationKey& key : keys.keys) {
    if (out.back() == '}') out += ',';
    out += R"({"use":"sig","alg":")" + std::string(to_string(key.algorithm)) + R"(","kid":)";
    append_json_string(out, key.kid);
    out += "," + members_of(key.key) + "}";
  }
  return out + "]}";
}

std::string thumbprint(const crypto::P256PublicKey& key) {
  const std::string canonical = R"({"crv":"P-256","kty":"EC","x":")" + to_base64url(key.x) +
                                R"(","y":")" + to_base64url(key.y) + "\"}";
  return to_base64url(crypto::sha256(as_bytes(canonical)));
}

VerificationKey verification_key(const crypto::P256Key& key) {
  const crypto::P256PublicKey public_key = key.public_key();
  return {thumbprint(public_key), public_key, SignatureAlgorithm::es256};
}

}  // namespace hoop::identity
