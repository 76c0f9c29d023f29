// SPDX-License-Identifier: Apache-2.0
#include "core/base/encoding.h"

#include "tests/support/catch.h"

using namespace hoop;

TEST_CASE("base64url follows RFC 4648 and refuses every second spelling") {
  CHECK(to_base64url(as_bytes("f")) == "Zg");
  CHECK(to_base64url(as_bytes("foobar")) == "Zm9vYmFy");
  CHECK(as_text(from_base64url("Zm9vYg").value()) == "foob");
  for (const char* bad : {"Zg==", "Zh", "Z", "Zm9v\n", "Zm9+", "Zm9/", " Zg"}) {
    INFO(bad);
    CHECK_FALSE(from_base64url(bad));
  }
}

TEST_CASE("base64 is padded and canonical") {
  CHECK(to_base64(as_bytes("fo")) == "Zm8=");
  CHECK(as_text(from_base64("Zm8=").value()) == "fo");
  for (const char* bad : {"Zm8", "Zm9=", "====", "Zm8=Zm8="}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad));
  }
}

TEST_CASE("hex goes both ways") {
  CHECK(to_hex(from_hex("00fF7a").value()) == "00ff7a");
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
}

TEST_CASE("a JSON string is JSON whatever the bytes") {
  std::string out;
  append_json_string(out, "a\"\\\n\x01\xff\xc3\xa9");
  CHECK(out == "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
}

TEST_CASE("neutralised text cannot move the cursor, hide or reorder") {
  CHECK(neutralise("a\x1b[31mb", 100, Lines::keep) == "a\\u001b[31mb");
  CHECK(neutralise("a\nb", 100, Lines::keep) == "a\nb");
  CHECK(neutralise("a\nb", 100, Lines::escape) == "a\\u000ab");
  CHECK(neutralise("\xe2\x80\xae"
                   "x",
                   100, Lines::keep) == "\\u202ex");
  CHECK(neutralise("\xff", 100, Lines::keep) == "\\xff");
  CHECK(neutralise("abcdef", 3, Lines::keep) == "abc [3 more bytes]");
}

TEST_CASE("overlong, surrogate and out-of-range sequences are not UTF-8") {
  CHECK(is_utf8("h\xc3\xa9\xf0\x9f\x98\x80"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x80"})
    CHECK_FALSE(is_utf8(bad));
}
