// SPDX-License-Identifier: Apache-2.0
#include "core/identity/jwk.h"

#include <algorithm>
#include <optional>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/json.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kMaxKeys = 100;
constexpr std::size_t kMaxKidBytes = 256;

Result<std::array<std::uint8_t, 32>> coordinate(const Json& jwk, std::string_view name) {
  const std::string* text = jwk.text(name);
  const std::optional<Bytes> bytes = text == nullptr ? std::nullopt : from_base64url(*text);
  // RFC 7518 §6.2.1.2: full length, also when the leading octets are zero.
  if (!bytes || bytes->size() != 32)
    return fail(ErrorCode::malformed, "a P-256 key's '" + std::string(name) + "' is not 32 bytes");
  std::array<std::uint8_t, 32> out{};
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
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

Result<std::optional<VerificationKey>> read_key(const Json& jwk) {
  const std::string* kty = jwk.text("kty");
  if (kty == nullptr) return fail(ErrorCode::malformed, "a key has no 'kty'");
  if (jwk.find("d") != nullptr || jwk.find("k") != nullptr)
    return fail(ErrorCode::malformed, "a key is not public");
  const std::string* curve = jwk.text("crv");
  const std::string* kid = jwk.text("kid");
  const bool usable = *kty == "EC" && curve != nullptr && *curve == "P-256" && kid != nullptr &&
                      !kid->empty() && kid->size() <= kMaxKidBytes &&
                      is_or_absent(jwk, "use", "sig") && is_or_absent(jwk, "alg", "ES256") &&
                      allows_verify(jwk);
  if (!usable) return std::optional<VerificationKey>();
  VerificationKey out;
  out.kid = *kid;
  HOOP_TRY(out.key.x, coordinate(jwk, "x"));
  HOOP_TRY(out.key.y, coordinate(jwk, "y"));
  return std::optional<VerificationKey>(std::move(out));
}

}  // namespace

const VerificationKey* KeySet::find(std::string_view kid) const {
  const auto found = std::ranges::find(keys, kid, &VerificationKey::kid);
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
    if (out.find((*key)->kid) != nullptr)
      return fail(ErrorCode::malformed, "key set: a 'kid' stands there twice");
    out.keys.push_back(std::move(**key));
  }
  return out;
}

std::string jwks_to_json(const KeySet& keys) {
  std::string out = R"({"keys":[)";
  for (const VerificationKey& key : keys.keys) {
    if (out.back() == '}') out += ',';
    out += R"({"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":)";
    append_json_string(out, key.kid);
    out += R"(,"x":")" + to_base64url(key.key.x) + R"(","y":")" + to_base64url(key.key.y) + "\"}";
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
  return {thumbprint(public_key), public_key};
}

}  // namespace hoop::identity
