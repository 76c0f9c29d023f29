// SPDX-License-Identifier: Apache-2.0
#include "core/identity/dpop.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/base/json_writer.h"
#include "core/crypto/digest.h"
#include "core/identity/json.h"
#include "core/identity/jwk.h"

namespace hoop::identity {
namespace {

constexpr std::string_view kProofType = "dpop+jwt";
constexpr std::size_t kMaxProofBytes = std::size_t{4} << 10;
constexpr std::size_t kMaxProofId = 256;
constexpr std::size_t kMaxNonce = 256;
constexpr std::size_t kIdBytes = 16;
constexpr std::int64_t kMaxIssuedAt = 253402300799;  // 9999-12-31

std::unexpected<Error> no_proof(std::string_view why) {
  return fail(ErrorCode::unauthenticated, fmt::format("proof of possession: {}", why));
}

std::string_view without_query(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

std::string token_hash(std::string_view token) {
  return to_base64url(crypto::sha256(as_bytes(token)));
}

struct Parts {
  Json header;
  Json claims;
  std::string_view signed_text;
  Bytes signature;
};

Result<Json> read_object(std::string_view part, std::string_view name) {
  const auto bytes = from_base64url(part);
  if (part.empty() || !bytes) return no_proof(fmt::format("its {} is not base64url", name));
  auto json =
      parse_json(as_text(*bytes), JsonCaps{.bytes = kMaxProofBytes, .depth = 4, .values = 64});
  if (!json || json->object() == nullptr)
    return no_proof(fmt::format("its {} is not a JSON object", name));
  return json;
}

Result<Parts> take_apart(std::string_view proof) {
  if (proof.size() > kMaxProofBytes) return no_proof("longer than 4 KiB");
  const std::size_t first = proof.find('.');
  const std::size_t second = first == proof.npos ? proof.npos : proof.find('.', first + 1);
  if (second == proof.npos || proof.find('.', second + 1) != proof.npos)
    return no_proof("not three parts");
  Parts out;
  HOOP_TRY(out.header, read_object(proof.substr(0, first), "header"));
  HOOP_TRY(out.claims, read_object(proof.substr(first + 1, second - first - 1), "claims"));
  auto signature = from_base64url(proof.substr(second + 1));
  if (!signature) return no_proof("its signature is not base64url");
  out.signature = std::move(*signature);
  out.signed_text = proof.substr(0, second);
  return out;
}

bool is(const Json& object, std::string_view name, std::string_view wanted) {
  const std::string* text = object.text(name);
  return text != nullptr && *text == wanted;
}

Result<std::array<std::uint8_t, 32>> coordinate_of(const Json& jwk, std::string_view name) {
  const std::string* text = jwk.text(name);
  const auto bytes = text == nullptr ? std::nullopt : from_base64url(*text);
  if (!bytes || bytes->size() != 32) return no_proof("its key is not a P-256 key");
  std::array<std::uint8_t, 32> out{};
  std::ranges::copy(*bytes, out.begin());
  return out;
}

/// Nothing but the key may stand in the header: what we do not read could not mean anything good.
Result<crypto::P256PublicKey> key_of(const Json& header) {
  if (!is(header, "typ", kProofType)) return no_proof("the type is not 'dpop+jwt'");
  if (!is(header, "alg", "ES256")) return no_proof("the algorithm is not ES256");
  const Json* jwk = header.find("jwk");
  if (jwk == nullptr || jwk->object() == nullptr) return no_proof("it names no key");
  if (header.object()->size() != 3) return no_proof("its header holds more than its key");
  if (!is(*jwk, "kty", "EC") || !is(*jwk, "crv", "P-256"))
    return no_proof("its key is not a P-256 key");
  if (jwk->find("d") != nullptr) return no_proof("its key is not public");
  crypto::P256PublicKey out;
  HOOP_TRY(out.x, coordinate_of(*jwk, "x"));
  HOOP_TRY(out.y, coordinate_of(*jwk, "y"));
  return out;
}

}  // namespace

std::string make_proof(const crypto::P256Key& key, const ProvenRequest& request,
                       std::string_view nonce, SystemTime now, Random& random) {
  const crypto::P256PublicKey public_key = key.public_key();
  const std::string header = fmt::format(
      R"({{"typ":"{}","alg":"ES256","jwk":{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}}})",
      kProofType, to_base64url(public_key.x), to_base64url(public_key.y));
  JsonWriter claims;
  claims.text("jti", to_base64url(random.bytes(kIdBytes)))
      .text("htm", request.method)
      .text("htu", without_query(request.url))
      .number("iat", static_cast<std::uint64_t>(
                         std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count()));
  if (!request.access_token.empty()) claims.text("ath", token_hash(request.access_token));
  if (!nonce.empty()) claims.text("nonce", nonce);
  std::string out = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims.take()));
  const std::string signature = to_base64url(key.sign(as_bytes(out)));
  return out + "." + signature;
}

Result<Proof> verify_proof(std::string_view proof, const ProvenRequest& request) {
  HOOP_TRY(const Parts parts, take_apart(proof));
  HOOP_TRY(const crypto::P256PublicKey key, key_of(parts.header));
  const Json& claims = parts.claims;
  if (!is(claims, "htm", request.method)) return no_proof("it is for another method");
  const std::string* url = claims.text("htu");
  if (url == nullptr || without_query(*url) != without_query(request.url))
    return no_proof("it is for another URL");
  if (!request.access_token.empty() && !is(claims, "ath", token_hash(request.access_token)))
    return no_proof("it is for another token");
  const std::string* id = claims.text("jti");
  if (id == nullptr || id->empty() || id->size() > kMaxProofId) return no_proof("it has no id");
  const Json* issued = claims.find("iat");
  const std::int64_t* seconds = issued == nullptr ? nullptr : issued->integer();
  if (seconds == nullptr || *seconds < 0 || *seconds > kMaxIssuedAt)
    return no_proof("it does not say when it was made");
  Proof out{thumbprint(key), *id, SystemTime(std::chrono::seconds(*seconds)), {}};
  if (claims.find("nonce") != nullptr) {
    const std::string* nonce = claims.text("nonce");
    if (nonce == nullptr || nonce->size() > kMaxNonce) return no_proof("its nonce is not one");
    out.nonce = *nonce;
  }
  // Last: anybody can send what is not worth it.
  if (!crypto::verify_es256(key, as_bytes(parts.signed_text), parts.signature))
    return no_proof("the signature does not fit");
  return out;
}

}  // namespace hoop::identity
