// SPDX-License-Identifier: Apache-2.0
#include "core/identity/jwk.h"

#include "core/base/encoding.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

namespace {

// RFC 7515 appendix A.3.
constexpr const char* kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr const char* kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

std::string set_of(const std::string& members) {
  return R"({"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":")" + std::string(kX) + R"(","y":")" +
         kY + "\"" + members + "}]}";
}

}  // namespace

TEST_CASE("a published key set reads back as the same keys") {
  const KeySet keys{{verification_key(crypto::P256Key::generate()),
                     verification_key(crypto::P256Key::generate())}};
  CHECK(parse_jwks(jwks_to_json(keys)).value() == keys);
  CHECK(jwks_to_json(KeySet{}) == R"({"keys":[]})");
}

TEST_CASE("RFC 7515's example verifies under a key read from a key set") {
  const KeySet keys =
      parse_jwks(set_of(R"(,"use":"sig","alg":"ES256","key_ops":["verify"])")).value();
  REQUIRE(keys.find("1") != nullptr);
  const std::string input =
      "eyJhbGciOiJFUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  const Bytes signature =
      from_base64url(
          "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
          .value();
  CHECK(crypto::verify_signature(keys.find("1")->algorithm, keys.find("1")->key, as_bytes(input),
                                 signature));
}

TEST_CASE("keys of foreign issuers: RSA and Ed25519, each for one algorithm") {
  // RFC 7515 appendix A.2, RFC 8037 appendix A.2.
  const std::string modulus =
      "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4"
      "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re"
      "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX"
      "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
  const std::string rsa = R"({"kty":"RSA","n":")" + modulus + R"(","e":"AQAB","kid":)";
  const std::string ed25519 =
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":)";
  const KeySet keys =
      parse_jwks(R"({"keys":[)" + rsa + R"("r"},)" + rsa + R"("r","alg":"PS256"},)" + rsa +
                 R"("other","alg":"RS512"},)" + ed25519 + R"("e"},)" + ed25519 +
                 R"("e2","alg":"Ed25519","use":"sig"}]})")
          .value();
  CHECK(keys.keys.size() == 4);
  CHECK(keys.find("other") == nullptr);
  CHECK(keys.find("r", crypto::SignatureAlgorithm::ps256) != nullptr);
  CHECK(keys.find("r", crypto::SignatureAlgorithm::es256) == nullptr);
  CHECK(keys.find("e", crypto::SignatureAlgorithm::eddsa) != nullptr);
  CHECK(keys.find("e2", crypto::SignatureAlgorithm::eddsa) != nullptr);
  CHECK(parse_jwks(jwks_to_json(keys)).value() == keys);
  const VerificationKey* key = keys.find("r", crypto::SignatureAlgorithm::rs256);
  REQUIRE(key != nullptr);
  const Bytes signature =
      from_base64url(
          "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W"
          "2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkS"
          "jtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv"
          "Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")
          .value();
  const std::string input =
      "eyJhbGciOiJSUzI1NiJ9."
      "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
      "fQ";
  CHECK(crypto::verify_signature(key->algorithm, key->key, as_bytes(input), signature));

  // Two keys of one name and algorithm; private members; no number.
  for (const std::string& bad :
       {rsa + R"("r"},)" + rsa + R"("r"})", rsa + R"("r","d":"AQ"})", rsa + R"("r","p":"AQ"})",
        std::string(R"({"kty":"RSA","kid":"r","e":"AQAB"})"),
        std::string(R"({"kty":"RSA","kid":"r","n":"!","e":"AQAB"})"),
        std::string(R"({"kty":"OKP","crv":"Ed25519","kid":"e","x":"AA"})")}) {
    INFO(bad);
    CHECK_FALSE(parse_jwks(R"({"keys":[)" + bad + "]}"));
  }
}

TEST_CASE("algorithms by their names") {
  for (const char* name : {"ES256", "EdDSA", "RS256", "PS256"}) {
    REQUIRE(signature_algorithm(name));
    CHECK(to_string(*signature_algorithm(name)) == name);
  }
  for (const char* name : {"none", "HS256", "RS512", "es256", "", "ES384"})
    CHECK_FALSE(signature_algorithm(name));
}

TEST_CASE("keys for other purposes are skipped") {
  CHECK(parse_jwks(R"({"keys":[{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB","alg":"RS256"}]})")
            .value()
            .keys.empty());
  CHECK(parse_jwks(R"({"keys":[{"kty":"EC","crv":"P-384","kid":"1","x":"AA","y":"AA"}]})")
            .value()
            .keys.empty());
  for (const char* other :
       {R"(,"use":"enc")", R"(,"alg":"ES384")", R"(,"key_ops":["sign"])", R"(,"use":1)"}) {
    INFO(other);
    CHECK(parse_jwks(set_of(other)).value().keys.empty());
  }
}

TEST_CASE("a broken key set is refused whole") {
  const std::string key = set_of("").substr(9, set_of("").size() - 11);
  for (const std::string& bad :
       {std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[1]})"), set_of(R"(,"d":"AAAA")"),
        R"({"keys":[)" + key + "," + key + "]}",
        std::string(R"({"keys":[{"kty":"EC","crv":"P-256","kid":"1","x":"AA","y":"AA"}]})"),
        std::string(R"({"keys":[{"kty":"oct","k":"AAAA"}]})")}) {
    INFO(bad);
    CHECK_FALSE(parse_jwks(bad));
  }
}
