// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_request.h"

#include "core/identity/jwt.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

TEST_CASE("a form body escapes everything that is not plain") {
  CHECK(form_body({{"a", "x y&z=1+2%"}, {"b", "\xc3\xa9\r\n"}}).reveal() ==
        "a=x%20y%26z%3D1%2B2%25&b=%C3%A9%0D%0A");
  CHECK(refresh_request("c", SecretText("r+t")).reveal() ==
        "grant_type=refresh_token&refresh_token=r%2Bt&client_id=c");
}

TEST_CASE("a refresh tells an ended login from an issuer that is ill") {
  CHECK(parse_refresh_answer(200, R"({"access_token":"a","token_type":"bearer","expires_in":60})")
            .value()
            .access_token.reveal() == "a");
  CHECK(parse_refresh_answer(400, R"({"error":"invalid_grant"})").error().code ==
        ErrorCode::unauthenticated);
  CHECK(parse_refresh_answer(503, "busy").error().code == ErrorCode::upstream_refused);
  CHECK(parse_refresh_answer(400, "<html>").error().code == ErrorCode::upstream_refused);
  CHECK(parse_refresh_answer(200, "<html>").error().code == ErrorCode::malformed);
}

TEST_CASE("the subject of an access token can be shown without trusting it") {
  const std::string token = sign_jws(crypto::P256Key::generate(), "at+jwt", R"({"sub":"alice"})");
  CHECK(unverified_subject(SecretText(token)).value() == "alice");
  CHECK_FALSE(unverified_subject(SecretText("opaque")));
}
