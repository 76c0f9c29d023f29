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
  CHECK(crypto::verify_es256(keys.find("1")->key, as_bytes(input), signature));
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
