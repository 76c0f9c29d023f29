// SPDX-License-Identifier: Apache-2.0
#include "core/identity/dpop.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/jwk.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

namespace {

const SystemTime kProofTime{std::chrono::seconds(1'700'000'000)};
constexpr std::string_view kProofUrl = "https://gw.example:8443/v1/grants";

std::string proof_of(const crypto::P256Key& key, const ProvenRequest& request,
                     std::string_view nonce = {}) {
  crypto::SystemRandom random;
  return make_proof(key, request, nonce, kProofTime, random);
}

std::string jwk_of(const crypto::P256Key& key, std::string_view more = {}) {
  return fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"{}}})",
                     to_base64url(key.public_key().x), to_base64url(key.public_key().y), more);
}

std::string signed_by(const crypto::P256Key& key, const std::string& header,
                      const std::string& claims) {
  const std::string text = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(claims));
  return text + "." + to_base64url(key.sign(as_bytes(text)));
}

std::string why_not(std::string_view proof,
                    const ProvenRequest& request = {"POST", kProofUrl, "token"}) {
  const auto read = verify_proof(proof, request);
  if (read) return "taken";
  CHECK(read.error().code == ErrorCode::unauthenticated);
  return read.error().message;
}

}  // namespace

TEST_CASE("dpop: a proof of ours holds for its request, and for no other") {
  const auto key = crypto::P256Key::generate();
  const std::string proof = proof_of(key, {"POST", kProofUrl, "token"}, "n-1");
  const auto read = verify_proof(proof, {"POST", kProofUrl, "token"});
  REQUIRE(read);
  CHECK(read->thumbprint == thumbprint(key.public_key()));
  CHECK(read->issued_at == kProofTime);
  CHECK(read->nonce == "n-1");
  CHECK(read->id.size() == 22);
  CHECK(
      verify_proof(proof_of(key, {"POST", kProofUrl, "token"}), {"POST", kProofUrl, "token"})->id !=
      read->id);
  CHECK(why_not(proof, {"GET", kProofUrl, "token"}) ==
        "proof of possession: it is for another method");
  CHECK(why_not(proof, {"POST", "https://gw.example/v1/grants", "token"}) ==
        "proof of possession: it is for another URL");
  CHECK(why_not(proof, {"POST", kProofUrl, "another"}) ==
        "proof of possession: it is for another token");
  // The query is not part of what is proven (RFC 9449 §4.2).
  CHECK(why_not(proof_of(key, {"GET", "https://gw.example/v1/sessions?limit=1", "t"}),
                {"GET", "https://gw.example/v1/sessions", "t"}) == "taken");
}

TEST_CASE("dpop: at a token endpoint there is no token to be proven for") {
  const auto key = crypto::P256Key::generate();
  CHECK(why_not(proof_of(key, {"POST", kProofUrl}), {"POST", kProofUrl}) == "taken");
  CHECK(why_not(proof_of(key, {"POST", kProofUrl})) ==
        "proof of possession: it is for another token");
}

TEST_CASE("dpop: what is off is refused, each for its own reason") {
  const auto key = crypto::P256Key::generate(), other = crypto::P256Key::generate();
  const std::string ath = to_base64url(crypto::sha256(as_bytes("token")));
  const std::string claims = fmt::format(
      R"({{"jti":"j","htm":"POST","htu":"{}","iat":1700000000,"ath":"{}"}})", kProofUrl, ath);
  const std::string header =
      fmt::format(R"({{"typ":"dpop+jwt","alg":"ES256","jwk":{}}})", jwk_of(key));
  REQUIRE(why_not(signed_by(key, header, claims)) == "taken");
  CHECK(why_not(signed_by(other, header, claims)) ==
        "proof of possession: the signature does not fit");

  const auto with_header = [&](const std::string& text) {
    return why_not(signed_by(key, text, claims));
  };
  CHECK(with_header(fmt::format(R"({{"typ":"JWT","alg":"ES256","jwk":{}}})", jwk_of(key))) ==
        "proof of possession: the type is not 'dpop+jwt'");
  for (const std::string_view algorithm : {"none", "HS256", "RS256", "ES384", "es256"})
    CHECK(with_header(
              fmt::format(R"({{"typ":"dpop+jwt","alg":"{}","jwk":{}}})", algorithm, jwk_of(key))) ==
          "proof of possession: the algorithm is not ES256");
  CHECK(with_header(R"({"typ":"dpop+jwt","alg":"ES256"})") ==
        "proof of possession: it names no key");
  for (const std::string_view more :
       {R"("crit":["b64"])", R"("kid":"a")", R"("x5c":[])", R"("jku":"https://evil.example")"})
    CHECK(with_header(fmt::format(R"({{"typ":"dpop+jwt","alg":"ES256","jwk":{},{}}})", jwk_of(key),
                                  more)) ==
          "proof of possession: its header holds more than its key");
  CHECK(with_header(fmt::format(R"({{"typ":"dpop+jwt","alg":"ES256","jwk":{}}})",
                                jwk_of(key, R"(,"d":"AAAA")"))) ==
        "proof of possession: its key is not public");
  CHECK(with_header(R"({"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"oct","k":"AAAA"}})") ==
        "proof of possession: its key is not a P-256 key");
  CHECK(
      with_header(
          R"({"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}})") ==
      "proof of possession: its key is not a P-256 key");

  const auto with_claims = [&](const std::string& text) {
    return why_not(signed_by(key, header, text));
  };
  const auto claims_with = [&](std::string_view from, std::string_view to) {
    std::string text = claims;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  CHECK(with_claims(claims_with(R"("jti":"j")", R"("jti":"")")) ==
        "proof of possession: it has no id");
  CHECK(with_claims(claims_with(R"("jti":"j")", R"("jti":7)")) ==
        "proof of possession: it has no id");
  CHECK(with_claims(
            claims_with(R"("jti":"j")", fmt::format(R"("jti":"{}")", std::string(300, 'j')))) ==
        "proof of possession: it has no id");
  CHECK(with_claims(claims_with("1700000000", "\"now\"")) ==
        "proof of possession: it does not say when it was made");
  CHECK(with_claims(claims_with("1700000000", "-1")) ==
        "proof of possession: it does not say when it was made");
  CHECK(with_claims(claims_with("1700000000", "999999999999999")) ==
        "proof of possession: it does not say when it was made");
  CHECK(with_claims(claims_with(R"("jti":"j")", R"("jti":"j","nonce":7)")) ==
        "proof of possession: its nonce is not one");
  CHECK(with_claims(claims_with(R"("jti":"j")", R"("jti":"j","jti":"k")")) ==
        "proof of possession: its claims is not a JSON object");
  CHECK(with_claims("[]") == "proof of possession: its claims is not a JSON object");

  for (const std::string& text :
       {std::string(), std::string("a.b"), std::string("a.b.c.d"), std::string(5000, 'a'),
        signed_by(key, header, claims) + "=", "%" + signed_by(key, header, claims)})
    CHECK(why_not(text) != "taken");
}
