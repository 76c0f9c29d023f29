// SPDX-License-Identifier: Apache-2.0
// Compact JWS (RFC 7515) with JSON claims: access tokens and receipts. Ours are ES256; foreign
// issuers may use what jwk.h lists.
#pragma once

#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/crypto/keys.h"
#include "core/identity/json.h"
#include "core/identity/jwk.h"

namespace hoop::identity {

/// The longest token that anybody reads: ours are below 1 KiB, foreign issuers with many groups
/// reach 8 KiB.
constexpr std::size_t kMaxTokenBytes = std::size_t{16} << 10;

/// A token whose signature nobody has checked yet: nothing in it may be believed.
struct UnverifiedJws {
  std::string alg;
  std::string typ;
  std::string kid;
  Json claims;
  std::string signing_input;
  Bytes signature;
};

/// Takes a compact serialisation apart. Strict: three non-empty parts of unpadded canonical
/// base64url, JSON objects without duplicate members, alg and kid present as text, typ text or
/// absent (then empty: who reads the token compares it). A header that names keys by itself (jku,
/// jwk, x5u, x5c), asks for extensions (crit, b64) or compression (zip) is refused. Fails with
/// malformed; too_large above 16 KiB.
Result<UnverifiedJws> parse_jws(std::string_view token);

/// The iss of a token that nobody has checked: for choosing by whom it must be signed. Empty if
/// there is none.
std::string unverified_issuer(std::string_view token);

/// The claims of token if it is of this typ, and signed by the key in keys that its kid names, with
/// the algorithm that this key is for. Fails with malformed, too_large, or integrity.
Result<Json> verify_jws(std::string_view token, const KeySet& keys, std::string_view typ);
/// The second half, for who must look into the claims to choose keys. Fails with integrity.
Result<void> verify_signature(const UnverifiedJws& jws, const KeySet& keys);

/// claims_json: a JSON object. An empty kid becomes the key's thumbprint.
std::string sign_jws(const crypto::P256Key& key, std::string_view typ, std::string_view claims_json,
                     std::string_view kid = {});

}  // namespace hoop::identity
