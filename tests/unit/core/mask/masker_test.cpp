// SPDX-License-Identifier: Apache-2.0
#include "core/mask/masker.h"

#include "core/access/vocabulary.h"
#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::mask;
using access::MaskStrategy;

namespace {

SecretBytes key() { return SecretBytes(Bytes(32, 0x42)); }

Masker masker(MaskStrategy with, std::vector<std::string> detectors = {"all"}) {
  access::Mask mask;
  mask.name = "m";
  mask.detectors = std::move(detectors);
  mask.with = with;
  auto result = Masker::create({mask}, key());
  REQUIRE(result);
  return std::move(*result);
}

std::string rewritten(Masker& masker, std::string_view text) {
  HiddenCounts counts;
  const auto result = masker.rewrite_text(text, counts);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("a masked value tells no more than its strategy says") {
  const Masker m = masker(MaskStrategy::redact);
  CHECK(m.masked(MaskStrategy::redact, "anything") == "[redacted]");
  CHECK(m.masked(MaskStrategy::null, "anything") == std::nullopt);
  CHECK(m.masked(MaskStrategy::partial, "bob@example.com") == "b***@example.com");
  CHECK(m.masked(MaskStrategy::partial, "\xc3\xa9ric@example.com") == "\xc3\xa9***@example.com");
  CHECK(m.masked(MaskStrategy::partial, "4111111111111111") == "****1111");
  CHECK(m.masked(MaskStrategy::partial, "12345678") == "[redacted]");
  CHECK(m.masked(MaskStrategy::partial, "123456789") == "****6789");
  CHECK(m.masked(MaskStrategy::partial, "") == "[redacted]");
  CHECK(m.masked(MaskStrategy::partial, "x@") == "[redacted]");
  CHECK(m.masked(MaskStrategy::partial,
                 "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9") ==
        "****\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa9");
  CHECK(m.masked(MaskStrategy::partial, "\xff\xfe\xfd and more") == "[redacted]");
}

TEST_CASE("a hash is the keyed one, 128 bits, and differs by key") {
  const Masker m = masker(MaskStrategy::hash);
  const auto digest = crypto::hmac_sha256(key().reveal(), as_bytes("bob@example.com"));
  CHECK(m.masked(MaskStrategy::hash, "bob@example.com") ==
        "hmac:" + to_hex(ByteSpan(digest).first(16)));
  auto other = Masker::create({}, SecretBytes(Bytes(32, 0x43)));
  REQUIRE(other);
  CHECK(other->masked(MaskStrategy::hash, "bob@example.com") !=
        m.masked(MaskStrategy::hash, "bob@example.com"));
}

TEST_CASE("a mask key of the wrong size and an unknown detector are refused") {
  CHECK_FALSE(Masker::create({}, SecretBytes(Bytes(16, 1))));
  access::Mask mask;
  mask.name = "m";
  mask.detectors = {"emial"};
  const auto result = Masker::create({mask}, key());
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::config);
}

TEST_CASE("policy knows exactly the detectors that there are") {
  for (const std::string& name : access::detector_names()) {
    INFO(name);
    CHECK((name == "all" || parse_detector(name)));
  }
  CHECK(access::detector_names().size() == kDetectorClasses + 1);
}

TEST_CASE("what is found inside a text is replaced and the rest stays") {
  Masker redact = masker(MaskStrategy::redact);
  CHECK(rewritten(redact, "write to bob@example.com, or not") == "write to [redacted], or not");
  CHECK(rewritten(redact, "card 4111 1111 1111 1111 ssn 123-45-6789.") ==
        "card [redacted] ssn [redacted].");
  CHECK(rewritten(redact, "bob@example.com") == "[redacted]");
  Masker null = masker(MaskStrategy::null);
  CHECK(rewritten(null, "bob@example.com") == "[redacted]");
  Masker partial = masker(MaskStrategy::partial);
  CHECK(rewritten(partial, "<bob@example.com> paid by 4111-1111-1111-1111") ==
        "<b***@example.com> paid by ****1111");
  Masker hash = masker(MaskStrategy::hash);
  CHECK(rewritten(hash, "a bob@example.com b") ==
        "a " + *hash.masked(MaskStrategy::hash, "bob@example.com") + " b");
}

TEST_CASE(
    "only the detectors that a mask names act, each by its own strategy, the strictest where two "
    "speak") {
  const auto make = [](std::vector<access::Mask> masks) {
    return std::move(*Masker::create(masks, key()));
  };
  const auto mask = [](std::vector<std::string> detectors, MaskStrategy with) {
    access::Mask out;
    out.detectors = std::move(detectors);
    out.with = with;
    return out;
  };
  Masker cards = make({mask({"payment_card"}, MaskStrategy::redact)});
  CHECK(rewritten(cards, "bob@example.com 4111111111111111") == "bob@example.com [redacted]");
  Masker two =
      make({mask({"email"}, MaskStrategy::partial), mask({"payment_card"}, MaskStrategy::redact)});
  CHECK(rewritten(two, "bob@example.com 4111111111111111") == "b***@example.com [redacted]");
  Masker strict =
      make({mask({"email"}, MaskStrategy::redact), mask({"all"}, MaskStrategy::partial)});
  CHECK(rewritten(strict, "bob@example.com 4111111111111111") == "[redacted] ****1111");
  Masker none = make({});
  CHECK_FALSE(none.has_detectors());
  CHECK(rewritten(none, "bob@example.com") == "bob@example.com");
}

TEST_CASE("JSON stays JSON") {
  Masker redact = masker(MaskStrategy::redact);
  Masker partial = masker(MaskStrategy::partial);
  const std::vector<std::pair<std::string, std::string>> rows = {
      {R"({"mail":"bob@example.com"})", R"({"mail":"[redacted]"})"},
      {R"({"bob@example.com":1})", R"({"[redacted]":1})"},
      {R"({"n":4111111111111111})", R"({"n":"[redacted]"})"},
      {R"({"n":-4111111111111111})", R"({"n":"[redacted]"})"},
      {R"([4111111111111111,5])", R"(["[redacted]",5])"},
      {R"([ 4111111111111111 ])", R"([ "[redacted]" ])"},
      {R"({"t":"one\nbob@example.com\ntwo"})", R"({"t":"one\n[redacted]\ntwo"})"},
      {R"({"t":"\u00e9bob@example.com"})", R"({"t":"[redacted]"})"},
      {R"({"t":"a\n4111111111111111\n"})", R"({"t":"a\n[redacted]\n"})"},
      {R"({"t":"a\t123-45-6789"})", R"({"t":"a\t[redacted]"})"},
      {R"({"t":"\"bob@example.com\""})", R"({"t":"\"[redacted]\""})"},
      {R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----\n","m":1})",
       R"({"k":"[redacted]\n","m":1})"},
      {R"({"k":"-----BEGIN PRIVATE KEY-----\nMIIabc\n","m":"x"})", R"({"k":"[redacted]","m":"x"})"},
      {R"({"k":"-----BEGIN PRIVATE KEY-----\nMII","b":"-----END PRIVATE KEY-----"})",
       R"({"k":"[redacted]","b":"-----END PRIVATE KEY-----"})"},
      {R"("bob@example.com")", R"("[redacted]")"},
  };
  for (const auto& [text, want] : rows) {
    INFO(text);
    CHECK(rewritten(redact, text) == want);
  }
  // A strategy that shows something must not show a backslash.
  CHECK(rewritten(partial, R"({"t":"\u00e9bob@example.com"})") == R"({"t":"[redacted]"})");
}

TEST_CASE("a PostgreSQL array stays one") {
  Masker redact = masker(MaskStrategy::redact);
  CHECK(rewritten(redact, "{bob@example.com,\"x y\"}") == "{[redacted],\"x y\"}");
  CHECK(rewritten(redact, "{4111111111111111,NULL}") == "{\"[redacted]\",NULL}");
}

TEST_CASE("UTF-8 stays UTF-8") {
  Masker redact = masker(MaskStrategy::redact);
  for (const std::string text : {
           "\xe6\x97\xa5\xe6\x9c\xac bob@example.com\xe3\x80\x82\xe6\x97\xa5",
           "\xe6\x97\xa5\xe6\x9c\xac\xe3\x80\x81"
           "bob@example.com\xe3\x80\x82",
           "\xf0\x9f\x98\x80"
           "4111111111111111\xf0\x9f\x98\x80",
           "\xc3\xa9ric@ex\xc3\xa4mple.com\xc3\xa9",
           "\xe7\x94\xa8@\xe4\xbe\x8b.\xe5\x85\xac",
       }) {
    const std::string out = rewritten(redact, text);
    INFO(text << " → " << out);
    CHECK(is_utf8(out));
    CHECK(out.find("[redacted]") != std::string::npos);
  }
}

TEST_CASE("a batch gives what its fields give one by one, wherever they lie") {
  Masker m = masker(MaskStrategy::redact);
  std::vector<std::string> fields;
  for (int i = 0; i < 9000; ++i) {
    fields.push_back("row " + std::to_string(i));
    if (i % 3 == 0)
      fields.push_back(std::string(static_cast<std::size_t>(i % 130), 'x') + " bob@example.com");
    if (i % 7 == 0) fields.push_back("4111111111111111");
    if (i % 11 == 0) fields.push_back("");
    if (i % 501 == 0) fields.push_back(std::string(70'000, ' ') + "123-45-6789");
  }
  const std::vector<std::string_view> views(fields.begin(), fields.end());
  std::vector<std::optional<std::string>> together(views.size());
  HiddenCounts counts;
  REQUIRE(m.rewrite(views, together, counts));
  HiddenCounts single;
  for (std::size_t i = 0; i < views.size(); ++i) {
    std::optional<std::string> alone;
    REQUIRE(m.rewrite({&views[i], 1}, {&alone, 1}, single));
    if (alone != together[i]) FAIL("field " << i << ": " << fields[i].substr(0, 200));
  }
  CHECK(counts.detected == single.detected);
  CHECK(counts.detected[static_cast<std::size_t>(DetectorClass::email)] == 3000);
  CHECK(counts.detected[static_cast<std::size_t>(DetectorClass::us_ssn)] == 18);
  CHECK(counts.total() == single.total());
}

TEST_CASE("a neighbour field never completes a value") {
  Masker m = masker(MaskStrategy::redact);
  const std::vector<std::string_view> fields = {
      "41111111",    "11111111", "bob",   "@example.com", "bob@",
      "example.com", "123-45",   "-6789", "AKIA",         "IOSFODNN7EXAMPLE"};
  std::vector<std::optional<std::string>> out(fields.size());
  HiddenCounts counts;
  REQUIRE(m.rewrite(fields, out, counts));
  CHECK(counts.total() == 0);
}

TEST_CASE("the policy's own patterns are found, hidden and counted by their names") {
  access::Mask first;
  first.name = "first";
  first.with = MaskStrategy::partial;
  first.detectors = {"email"};
  first.patterns = {{"employee", "EMP-[0-9]{6}"}, {"project", "(?i)project [a-z]+$"}};
  access::Mask second;
  second.name = "second";
  second.with = MaskStrategy::hash;
  second.patterns = {{"project", "(?i)project [a-z]+$"}};
  auto made = Masker::create({first, second}, key());
  REQUIRE(made);
  CHECK(made->has_detectors());
  CHECK(made->own_patterns() == std::vector<std::string>{"employee", "project"});
  HiddenCounts counts;
  const std::vector<std::string_view> fields = {"badge EMP-123456, EMP-654321", "Project Falcon",
                                                "project x and more", "a@b.example EMP-000000"};
  std::vector<std::optional<std::string>> out(fields.size());
  REQUIRE(made->rewrite(fields, out, counts));
  CHECK(out[0] == "badge ****3456, ****4321");
  REQUIRE(out[1]);
  CHECK(out[1]->starts_with("hmac:"));  // the stricter of the two masks that name it
  CHECK_FALSE(out[2]);
  CHECK(out[3] == "a***@b.example ****0000");
  CHECK(counts.own == std::vector<std::uint64_t>{3, 1});
  CHECK(counts.total() == 5);
  HiddenCounts sum;
  sum.add(counts);
  sum.add(counts);
  CHECK(sum.own == std::vector<std::uint64_t>{6, 2});
}

TEST_CASE("JSON stays JSON whatever an own pattern fits") {
  const auto hidden = [](const char* expression, std::string_view text) {
    access::Mask mask;
    mask.name = "m";
    mask.patterns = {{"own", expression}};
    auto made = Masker::create({mask}, key());
    REQUIRE(made);
    return rewritten(*made, text);
  };
  CHECK(hidden("EMP-[0-9]+", R"({"id":"EMP-12"})") == R"({"id":"[redacted]"})");
  CHECK(hidden("[0-9]{4}", R"({"id":1234567})") == R"({"id":"[redacted]"})");
  // The backslash goes with what it escapes.
  CHECK(hidden(R"(x\\)", R"({"id":"x\"y"})") == R"({"id":"[redacted]y"})");
  CHECK(hidden("\"id\":[0-9]+", R"({"id":12,"b":1})") == R"("[redacted]")");
  CHECK(hidden("true", R"({"admin":true})") == R"("[redacted]")");
  CHECK(hidden("1,", R"([1,2])") == R"("[redacted]")");
  CHECK(hidden("EMP-[0-9]+", "[EMP-12] is no JSON") == "[[redacted]] is no JSON");
  CHECK(hidden("ud83d", R"({"a":"x\ud83d\ude00"})") == R"("[redacted]")");
  CHECK(hidden("(?s).+", R"({"a":1})") == R"("[redacted]")");
}

TEST_CASE("an own pattern that RE2 does not take fails the session, not the mask") {
  access::Mask mask;
  mask.name = "m";
  mask.patterns = {{"own", "("}};
  const auto made = Masker::create({mask}, key());
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::config);
}
