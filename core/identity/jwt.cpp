// SPDX-License-Identifier: Apache-2.0
#include "core/identity/jwt.h"

#include <array>

#include "core/base/encoding.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kMaxHeaderBytes = std::size_t{2} << 10;

Result<Json> read_part(std::string_view part, std::size_t max_bytes, std::string_view name) {
  const auto context = [&] { return "token " + std::string(name); };
  const auto bytes = from_base64url(part);
  if (part.empty() || !bytes) return fail(ErrorCode::malformed, context() + ": not base64url");
  auto json = parse_json(as_text(*bytes), JsonCaps{.bytes = max_bytes, .depth = 8, .values = 2048});
  if (!json) return std::unexpected(std::move(json).error().within(context()));
  if (json->object() == nullptr) return fail(ErrorCode::malformed, context() + ": not an object");
  return json;
}

}  // namespace

Result<UnverifiedJws> parse_jws(std::string_view token) {
  if (token.size() > kMaxTokenBytes) return fail(ErrorCode::too_large, "token: longer than 16 KiB");
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) {
    return fail(ErrorCode::malformed, "token: not three parts");
  }
  HOOP_TRY(const Json header, read_part(token.substr(0, first), kMaxHeaderBytes, "header"));
  for (const std::string_view name : {"crit", "jku", "jwk", "x5u", "x5c", "zip", "b64"}) {
    if (header.find(name) != nullptr) {
      return fail(ErrorCode::malformed,
                  "token header: '" + std::string(name) + "' is not accepted");
    }
  }
  UnverifiedJws out;
  using Field = std::pair<std::string_view, std::string*>;
  for (const auto& [name, field] :
       {Field{"alg", &out.alg}, Field{"typ", &out.typ}, Field{"kid", &out.kid}}) {
    if (name == "typ" && header.find(name) == nullptr) continue;
    const std::string* text = header.text(name);
    if (text == nullptr || text->empty())
      return fail(ErrorCode::malformed, "token header: no '" + std::string(name) + "'");
    *field = *text;
  }
  HOOP_TRY(out.claims,
           read_part(token.substr(first + 1, second - first - 1), kMaxTokenBytes, "claims"));
  auto signature = from_base64url(token.substr(second + 1));
  if (!signature || signature->empty())
    return fail(ErrorCode::malformed, "token signature: not base64url");
  out.signature = std::move(*signature);
  out.signing_input = token.substr(0, second);
  return out;
}

std::string unverified_issuer(std::string_view token) {
  const auto jws = parse_jws(token);
  const std::string* issuer = jws ? jws->claims.text("iss") : nullptr;
  return issuer == nullptr ? std::string() : *issuer;
}

Result<void> verify_signature(const UnverifiedJws& jws, const KeySet& keys) {
  // The algorithm is the key's, never the token's (RFC 8725 §3.1).
  const auto algorithm = signature_algorithm(jws.alg);
  if (!algorithm) return fail(ErrorCode::integrity, "token: the algorithm is not accepted");
  const VerificationKey* key = keys.find(jws.kid, *algorithm);
  if (key == nullptr) {
    return fail(ErrorCode::integrity, keys.find(jws.kid) != nullptr
                                          ? "token: the algorithm is not its key's"
                                          : "token: signed by an unknown key");
  }
  if (!crypto::verify_signature(key->algorithm, key->key, as_bytes(jws.signing_input),
                                jws.signature)) {
    return fail(ErrorCode::integrity, "token: the signature does not fit");
  }
  return {};
}

Result<Json> verify_jws(std::string_view token, const KeySet& keys, std::string_view typ) {
  HOOP_TRY(UnverifiedJws jws, parse_jws(token));
  if (jws.typ != typ)
    return fail(ErrorCode::integrity, "token: the type is not '" + std::string(typ) + "'");
  HOOP_CHECK(verify_signature(jws, keys));
  return std::move(jws.claims);
}

std::string sign_jws(const crypto::P256Key& key, std::string_view typ, std::string_view claims_json,
                     std::string_view kid) {
  std::string header = R"({"alg":"ES256","typ":)";
  append_json_string(header, typ);
  header += R"(,"kid":)";
  append_json_string(header, kid.empty() ? thumbprint(key.public_key()) : std::string(kid));
  header += '}';
  std::string out = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims_json));
  const std::string signature = to_base64url(key.sign(as_bytes(out)));
  return out + "." + signature;
}

}  // namespace hoop::identity
