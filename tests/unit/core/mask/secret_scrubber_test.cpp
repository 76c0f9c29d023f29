// SPDX-License-Identifier: Apache-2.0
#include "core/mask/secret_scrubber.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "tests/support/catch.h"

namespace hoop::mask {
namespace {

KnownSecrets knowing(const std::vector<std::string>& secrets) {
  KnownSecrets known;
  for (const std::string& secret : secrets) known.add(SecretText(secret));
  return known;
}

std::string scrubbed(const KnownSecrets& known, std::string text) {
  known.scrub({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

/// In pieces of size; the same comes out of any.
std::string in_pieces(const KnownSecrets& known, std::string_view text, std::size_t size,
                      std::size_t* found = nullptr) {
  SecretScrubber scrubber(known);
  Bytes out;
  for (std::size_t at = 0; at < text.size(); at += size)
    scrubber.take(as_bytes(text.substr(at, size)), out);
  scrubber.finish(out);
  if (found != nullptr) *found = scrubber.found();
  return to_text(out);
}

constexpr std::string_view kToken = "s3cr3t/T0ken+\"1\\";

}  // namespace

TEST_CASE("a known secret is overwritten, and nothing moves") {
  const KnownSecrets known = knowing({std::string(kToken)});
  const std::string text = "x" + std::string(kToken) + "y" + std::string(kToken);
  CHECK(scrubbed(known, text) == "x****************y****************");
  CHECK(scrubbed(known, "s3cr3t/T0ken") == "s3cr3t/T0ken");
  std::string twice = text;
  CHECK(known.scrub({reinterpret_cast<std::uint8_t*>(twice.data()), twice.size()}) == 2);
}

TEST_CASE("a known secret is found in base64 at every offset, in both alphabets") {
  const std::string secret = "Zo\xc3\xab>?o~a pass";
  const KnownSecrets known = knowing({secret});
  for (const std::string before : {"", "a", "ab", "abc", "user:", "Basic "}) {
    for (const std::string after : {"", "z", "zz", "zzz"}) {
      const std::string whole = before + secret + after;
      for (const std::string& text : {to_base64(as_bytes(whole)), to_base64url(as_bytes(whole))}) {
        INFO(text);
        const std::string out = scrubbed(known, text);
        CHECK(out.size() == text.size());
        // At most the characters that a neighbour has a part in are left of it.
        CHECK(static_cast<std::size_t>(std::ranges::count(out, '*')) >= secret.size() * 8 / 6 - 1);
      }
    }
  }
}

TEST_CASE("a known secret is found as URLs and forms have it") {
  const KnownSecrets known = knowing({"pa ss/wo+rd=&!\xc3\xa9"});
  for (const std::string text :
       {"pa%20ss%2Fwo%2Brd%3D%26%21%C3%A9", "pa%20ss%2fwo%2brd%3d%26%21%c3%a9",
        "pa%20ss%2Fwo%2Brd%3D%26!%C3%A9", "pa+ss%2Fwo%2Brd%3D%26%21%C3%A9",
        "pa%20ss/wo+rd=&!%C3%A9"}) {
    INFO(text);
    CHECK(scrubbed(known, "?t=" + text + "#") == "?t=" + std::string(text.size(), '*') + "#");
  }
}

TEST_CASE("a known secret is found as writers of JSON have it") {
  const KnownSecrets known = knowing({"a/<b>\"\\\n\x01\xc3\xa9\xf0\x9f\x98\x80"});
  for (const std::string text : {
           R"(a/<b>\"\\\n\u0001)"
           "\xc3\xa9\xf0\x9f\x98\x80",
           R"(a\/<b>\"\\\n\u0001)"
           "\xc3\xa9\xf0\x9f\x98\x80",
           R"(a/\u003cb\u003e\"\\\n\u0001)"
           "\xc3\xa9\xf0\x9f\x98\x80",
           R"(a/\u003Cb\u003E\"\\\n\u0001)"
           "\xc3\xa9\xf0\x9f\x98\x80",
           R"(a\/<b>\"\\\n\u0001\u00e9\ud83d\ude00)"
           "",
           R"(a/<b>\"\\\u000A\u0001\u00E9\uD83D\uDE00)"
           "",
       }) {
    INFO(text);
    CHECK(scrubbed(known, "\"" + text + "\"") == "\"" + std::string(text.size(), '*') + "\"");
  }
}

TEST_CASE("what is too short to be told from anything is no secret to look for") {
  CHECK(knowing({"12345"}).empty());
  CHECK(knowing({""}).empty());
  CHECK_FALSE(knowing({"123456"}).empty());
  const KnownSecrets none;
  CHECK(none.longest() == 0);
  CHECK(scrubbed(none, "12345") == "12345");
  CHECK(in_pieces(none, "12345", 2) == "12345");
}

TEST_CASE("secrets are found across pieces, whatever the cut, and counted once") {
  const KnownSecrets known =
      knowing({"token-12345", "token-12345-and-more", "abcabcabc", "xtoken"});
  const std::string text =
      "a token-12345 b token-12345-and-mor token-12345-and-more; abcabcabcabc " +
      to_base64(as_bytes("u:token-12345")) + " xtoken-12345 token-1234";
  std::size_t once = 0;
  const std::string whole = in_pieces(known, text, text.size(), &once);
  CHECK(whole == scrubbed(known, text));
  CHECK(whole.find("12345") == std::string::npos);
  CHECK(
      whole.starts_with("a *********** b ***********-and-mor ********************; ************ "));
  CHECK(whole.ends_with(" ************ token-1234"));
  for (std::size_t size = 1; size < text.size(); ++size) {
    std::size_t found = 0;
    CHECK(in_pieces(known, text, size, &found) == whole);
    CHECK(found == once);
  }
}

TEST_CASE("only what may be a secret's begin is held back") {
  const KnownSecrets known = knowing({"token-12345"});
  SecretScrubber scrubber(known);
  Bytes out;
  scrubber.take(as_bytes("data: {}\n\n"), out);
  CHECK(to_text(out) == "data: {}\n\n");
  scrubber.take(as_bytes("a token-1"), out);
  CHECK(to_text(out) == "data: {}\n\na ");
  scrubber.take(as_bytes("9"), out);
  CHECK(to_text(out) == "data: {}\n\na token-19");
  scrubber.take(as_bytes("token-"), out);
  scrubber.finish(out);
  CHECK(to_text(out) == "data: {}\n\na token-19token-");
  CHECK(scrubber.found() == 0);
}

}  // namespace hoop::mask
