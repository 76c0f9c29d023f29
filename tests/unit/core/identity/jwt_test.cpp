// SPDX-License-Identifier: Apache-2.0
#include "core/identity/jwt.h"

#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

TEST_CASE("a signed document verifies with its key, its type and nothing else") {
  const crypto::P256Key key = crypto::P256Key::generate();
  const KeySet keys{{verification_key(key)}};
  const std::string token = sign_jws(key, "hoopctl-receipt+jwt", R"({"session":"s_1","length":7})");
  const Json claims = verify_jws(token, keys, "hoopctl-receipt+jwt").value();
  CHECK(*claims.text("session") == "s_1");
  CHECK(verify_jws(token, keys, "at+jwt").error().code == ErrorCode::integrity);
  const KeySet others{{verification_key(crypto::P256Key::generate())}};
  CHECK(verify_jws(token, others, "hoopctl-receipt+jwt").error().code == ErrorCode::integrity);
  CHECK(verify_jws(token.substr(0, token.size() - 2), keys, "hoopctl-receipt+jwt").error().code ==
        ErrorCode::integrity);
}

TEST_CASE("one changed byte anywhere breaks a signed document") {
  const crypto::P256Key key = crypto::P256Key::generate();
  const KeySet keys{{verification_key(key)}};
  const std::string token = sign_jws(key, "t", R"({"a":1})");
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    INFO(i);
    CHECK_FALSE(verify_jws(changed, keys, "t"));
  }
}
