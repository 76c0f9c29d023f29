// SPDX-License-Identifier: Apache-2.0
#include "core/mask/write_back.h"

#include "core/mask/masker.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::mask;

TEST_CASE("whatever a masker shows is recognised when it comes back") {
  for (const auto with :
       {access::MaskStrategy::redact, access::MaskStrategy::partial, access::MaskStrategy::hash}) {
    access::Mask all;
    all.detectors = {"all"};
    all.with = with;
    auto masker = Masker::create({all}, SecretBytes(Bytes(32, 1)));
    REQUIRE(masker);
    for (const std::string text :
         {"bob@example.com", "zoë@example.com", "4111 1111 1111 1111", "123-45-6789", "短い", "",
          "a longer secret", "ends in a-b!", "ends in zoë"}) {
      INFO(access::to_string(with) << " " << text);
      const auto shown = masker->masked(with, text);
      REQUIRE(shown);
      CHECK(carries_mask(*shown));
    }
    HiddenCounts counts;
    for (const std::string text :
         {"card 4111 1111 1111 1111, thanks", "{\"to\":\"bob@example.com\",\"n\":4111111111111111}",
          "<bob@example.com>", "ssn=123-45-6789;"}) {
      const auto shown = masker->rewrite_text(text, counts);
      REQUIRE(shown);
      INFO(*shown);
      CHECK(carries_mask(*shown));
    }
  }
}

TEST_CASE("ordinary text carries no mask") {
  for (const std::string_view text : {"",
                                      "*",
                                      "****",
                                      "********",
                                      "**** Hotel",
                                      "*****1234",
                                      "****1234****",
                                      "**bold** text",
                                      "rated **** by 1234 people",
                                      "***@",
                                      "@***",
                                      " ***@home",
                                      "redacted",
                                      "[redacted",
                                      "hmac:",
                                      "hmac:0123",
                                      "hmac-sha256:0123456789abcdef0123456789abcdef",
                                      "bob@example.com",
                                      "****12345",
                                      "/**** comment ****/"})
    CHECK_FALSE(carries_mask(text));
}

TEST_CASE("a mask that is cut into pieces is seen") {
  for (const std::string_view mask :
       {"[redacted]", "hmac:0123456789abcdef0123456789abcdef", "x***@example.com", "****1234"}) {
    const std::string text = "1\tsome words before it\t" + std::string(mask) + "\tand after\n";
    for (std::size_t size = 1; size < text.size(); ++size) {
      MaskWatch watch;
      bool seen = false;
      for (std::size_t at = 0; at < text.size(); at += size)
        seen |= watch.carries_mask(as_bytes(std::string_view(text).substr(at, size)));
      INFO(mask << " in pieces of " << size);
      CHECK(seen);
    }
  }
  MaskWatch watch;
  for (int i = 0; i < 1000; ++i)
    CHECK_FALSE(watch.carries_mask(as_bytes(std::string_view("1\tplain\t2026\n"))));
}
