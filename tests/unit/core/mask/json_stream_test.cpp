// SPDX-License-Identifier: Apache-2.0
#include "core/mask/json_stream.h"

#include "tests/unit/core/mask/masked_bodies.h"

namespace hoop::mask {
namespace {

using test::BodyMasks;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string rewritten_json(BodyMasks& masks, std::string_view text) {
  const auto body = masks.however_cut(BodyForm::json, text);
  CHECK_FALSE(body.failure);
  return body.text;
}

}  // namespace

TEST_CASE("what no mask changes goes on byte by byte as it came") {
  BodyMasks none({});
  BodyMasks masks({BodyMasks::detectors({"all"}), BodyMasks::fields({"$..ssn"})});
  const std::string text =
      "\r\n { \"a\" :\t[ 1.50e+07 , -0, 0.1E-2,true ,false,null, "
      "\"\\u00e9\\/\\b\\f\\n\\r\\t\\\\\\\"\" , "
      "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\"\\ud800\" ] ,\n\"\":{ } , \"b\": [ ]}\n\n";
  CHECK(rewritten_json(none, text) == text);
  CHECK(rewritten_json(masks, text) == text);
  for (const std::string_view scalar : {"0", "-1.5", "true", "null", "\"x\"", " [ ] ", "{}", ""}) {
    CHECK(rewritten_json(masks, scalar) == scalar);
  }
}

TEST_CASE("what is not JSON fails closed, and nothing of what could not be read goes on") {
  BodyMasks masks({BodyMasks::fields({"$.ssn"}), BodyMasks::detectors({"email"})});
  const std::vector<std::string> rows = {
      "x",
      "{",
      "[",
      "\"",
      "\"abc",
      "[1",
      "[1,",
      "[1,]",
      "[,1]",
      "[1 2]",
      "{\"a\"}",
      "{\"a\":}",
      "{\"a\":1,}",
      "{,}",
      "{\"a\" 1}",
      "{1:2}",
      "{\"a\":1 \"b\":2}",
      "]",
      "}",
      "[}",
      "{]",
      "[1}",
      "1 2",
      "{} {}",
      "[] x",
      "01",
      "-",
      "-x",
      "1.",
      ".5",
      "1.e5",
      "1e",
      "1e+",
      "+1",
      "0x10",
      "1a",
      "tru",
      "truex",
      "nul",
      "True",
      "NaN",
      "Infinity",
      "'a'",
      "{'a':1}",
      "[1]/*x*/",
      "//x\n1",
      "\"\t\"",
      "\"\n\"",
      std::string("\"\0\"", 3),
      "\"\\x\"",
      "\"\\u12\"",
      "\"\\u12g4\"",
      "\"\\",
      "\"\\u",
      "\"\x80\"",
      "\"\xc0\xaf\"",
      "\"\xc3\"",
      "\"\xe0\x80\x80\"",
      "\"\xed\xa0\x80\"",
      "\"\xf4\x90\x80\x80\"",
      "\"\xf5\x80\x80\x80\"",
      "\"\xff\"",
      "\"\xe2\x82\"",
      "\xef\xbb\xbf{}",
      "\xff\xfe{\0}\0",
      "\xc2\xa0{}",
      std::string("\0{}", 3),
      ":",
      ",",
      "[:]",
      "{\"ssn\":\"1\"}}",
      "{\"ssn\":\"secret",
      "{\"a\":\"bob@example.com",
  };
  for (const std::string& text : rows) {
    INFO(text);
    const auto body = masks.however_cut(BodyForm::json, text);
    CHECK(body.failure == ErrorCode::malformed);
    CHECK(body.text.find("secret") == std::string::npos);
    CHECK(body.text.find("bob") == std::string::npos);
    CHECK(body.text.size() <= text.size() + 16);
  }
}

TEST_CASE("what is nested too deep, and a value that is too long, fail however they come") {
  BodyMasks masks({BodyMasks::fields({"$..ssn"})});
  CHECK_FALSE(masks.however_cut(BodyForm::json, nested(128)).failure);
  CHECK(masks.however_cut(BodyForm::json, nested(129)).failure == ErrorCode::too_large);
  CHECK(masks.whole(BodyForm::json, std::string(5'000'000, '[')).failure == ErrorCode::too_large);
  const std::string most(std::size_t{1} << 20, 'x');
  const std::string name = "{\"" + most + "\":1}", text = "[\"a\",\"" + most + "\"]",
                    number = "[" + std::string(std::size_t{1} << 21, '1') + "]";
  for (const std::string& body : {name, text, number}) {
    for (const std::size_t size : {body.size(), std::size_t{1} << 16, std::size_t{4099}}) {
      const auto cut = masks.cut(BodyForm::json, body, [&] { return size; });
      CHECK(cut.failure == ErrorCode::too_large);
      CHECK(cut.text.size() < 10);
    }
  }
  const std::string fits = "[\"" + most.substr(2) + "\"]";
  CHECK(masks.whole(BodyForm::json, fits).text == fits);
}

TEST_CASE("a long value that comes byte by byte costs no more than its length") {
  BodyMasks masks({BodyMasks::detectors({"all"})});
  const std::string long_text =
      "[\"" + std::string(900'000, 'x') + " bob@example.com\"," + std::string(100'000, '9') + "]";
  const auto body = masks.cut(BodyForm::json, long_text, [] { return 1; });
  CHECK_FALSE(body.failure);
  CHECK(body.text.find("bob") == std::string::npos);
}

TEST_CASE("a whole document goes on with its last byte, and a value with its own") {
  BodyMasks masks({BodyMasks::detectors({"all"}), BodyMasks::fields({"$..ssn"})});
  BodyMasker body = masks.body(BodyForm::json);
  Bytes out;
  REQUIRE(body.take(as_bytes(R"({"a":"b","ssn":"12)"), out));
  CHECK(to_text(out) == R"({"a":"b","ssn":)");
  REQUIRE(body.flush(out));
  CHECK(to_text(out) == R"({"a":"b","ssn":)");
  REQUIRE(body.take(as_bytes(R"(3"})"), out));
  CHECK(to_text(out) == R"({"a":"b","ssn":"[redacted]"})");
  REQUIRE(body.finish(out));
}

}  // namespace hoop::mask
