// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_names.h"

#include "core/mask/masker.h"
#include "tests/support/catch.h"

namespace hoop::mask {

TEST_CASE("a name that may say that something is a secret is known as one") {
  for (const std::string_view name :
       {"password", "dbPassword", "API_KEY", "x-api-key", "clientSecret", "Token", "tokens",
        "aws secret access key", "SecretAccessKey", "AccountKey", "twilio", "TWILIO_AUTH",
        "user_credential", "AKIAQ3EGRJ5HX7KLMNOP"}) {
    INFO(name);
    CHECK(may_name_secret(name));
  }
  for (const std::string_view name :
       {"", "id", "email", "pass", "key", "tok en", "secre", "created_at", "AKIA", "\xff\xfe"}) {
    INFO(name);
    CHECK_FALSE(may_name_secret(name));
  }
}

TEST_CASE("an access key id is one only by itself") {
  CHECK(is_access_key_id("AKIAQ3EGRJ5HX7KLMNOP"));
  CHECK_FALSE(is_access_key_id("AKIAQ3EGRJ5HX7KLMNO"));
  CHECK_FALSE(is_access_key_id(" AKIAQ3EGRJ5HX7KLMNO"));
  CHECK_FALSE(is_access_key_id("AAAAAAAAAAAAAAAAAAAA"));
  CHECK_FALSE(is_access_key_id(""));
}

TEST_CASE(
    "what is given to a name is looked at with it, and the name's own part is not the text's") {
  access::Mask mask;
  mask.detectors = {"all"};
  auto masker = Masker::create({mask}, SecretBytes(Bytes(32, 1)));
  REQUIRE(masker);
  const std::vector<std::string_view> texts{"aK3xP9qLm2Zr7Tv4", "aK3xP9qLm2Zr7Tv4", "plain",
                                            "bob@example.com", "x"};
  const std::vector<Naming> namings{
      {1, "api_key"}, {2, "password"}, {3, "token"}, {4, "bob@example.com secret"}};
  std::vector<Changed> changed;
  HiddenCounts counts;
  REQUIRE(masker->rewrite(texts, namings, changed, counts));
  REQUIRE(changed.size() == 2);
  CHECK(changed[0].text == 1);
  CHECK(changed[0].now == "[redacted]");
  CHECK(changed[1].text == 3);
  CHECK(changed[1].now == "[redacted]");
  CHECK(counts.total() == 2);
  CHECK(counts.detected[static_cast<std::size_t>(DetectorClass::assigned_secret)] == 1);
}

}  // namespace hoop::mask
