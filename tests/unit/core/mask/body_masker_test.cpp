// SPDX-License-Identifier: Apache-2.0
#include "core/mask/body_masker.h"

#include "tests/unit/core/mask/masked_bodies.h"

namespace hoop::mask {
namespace {

using access::MaskStrategy;
using test::BodyMasks;

constexpr std::string_view kSecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY";
constexpr std::string_view kAccessKey = "AKIAQ3EGRJ5HX7KLMNOP";

std::string masked_json(BodyMasks& masks, std::string_view text) {
  const auto body = masks.however_cut(BodyForm::json, text);
  CHECK_FALSE(body.failure);
  return body.text;
}

struct JsonRow {
  std::string text;
  std::string want;
};

void check_json(BodyMasks& masks, const std::vector<JsonRow>& rows) {
  for (const auto& [text, want] : rows) {
    INFO(text);
    CHECK(masked_json(masks, text) == want);
  }
}

}  // namespace

TEST_CASE("a body's fields are masked where their paths lead, and nowhere else") {
  BodyMasks masks({BodyMasks::fields(
      {"$.customer.email", "$..ssn", "$.rows[*].card", "$.any.*.x", "$['odd \\'name\\'']"})});
  check_json(
      masks,
      {
          {R"({"customer":{"email":"bob@x.org","id":1},"email":"a"})",
           R"({"customer":{"email":"[redacted]","id":1},"email":"a"})"},
          {R"({"ssn":"1","a":[{"ssn":"2","b":{"c":[[{"ssn":"3"}]]}}]})",
           R"({"ssn":"[redacted]","a":[{"ssn":"[redacted]","b":{"c":[[{"ssn":"[redacted]"}]]}}]})"},
          {R"({"rows":[{"card":"1","n":2},{"card":3}],"card":4})",
           R"({"rows":[{"card":"[redacted]","n":2},{"card":"[redacted]"}],"card":4})"},
          {R"({"any":{"p":{"x":1},"q":[{"x":2}],"x":3}})",
           R"({"any":{"p":{"x":"[redacted]"},"q":[{"x":2}],"x":3}})"},
          {R"({"odd 'name'":1,"odd":2})", R"({"odd 'name'":"[redacted]","odd":2})"},
          // An array is none of an object's members.
          {R"([{"customer":{"email":"x"}}])", R"([{"customer":{"email":"x"}}])"},
          {R"({"customer":[{"email":"x"}]})", R"({"customer":[{"email":"x"}]})"},
      });
}

TEST_CASE("names are compared as they are meant, exactly, and each of a repeated one is masked") {
  BodyMasks masks({BodyMasks::fields({"$['e-mail']", "$.na\xc3\xafve", "$['\xf0\x9f\x94\x91']"})});
  check_json(
      masks,
      {
          {R"({"e\u002dmail":"a","e-Mail":"b","e-mail ":"c"})",
           R"({"e\u002dmail":"[redacted]","e-Mail":"b","e-mail ":"c"})"},
          {R"({"e-mail":1,"e-mail":2})", R"({"e-mail":"[redacted]","e-mail":"[redacted]"})"},
          {R"({"na\u00EFve":1})", R"({"na\u00EFve":"[redacted]"})"},
          {R"({"\ud83d\udd11":1,"\ud83d":2})", R"({"\ud83d\udd11":"[redacted]","\ud83d":2})"},
      });
}

TEST_CASE("a mask of an object or an array is one of every scalar in it; names and null stay") {
  BodyMasks masks({BodyMasks::fields({"$.p"})});
  check_json(
      masks,
      {
          {R"({"p":{"a":"x","b":[1,-2.5e3,true,false,null,{"c":{}}],"d":[]},"q":[1]})",
           R"({"p":{"a":"[redacted]","b":["[redacted]","[redacted]","[redacted]","[redacted]",null,{"c":{}}],"d":[]},"q":[1]})"},
          {R"({"p":"x"})", R"({"p":"[redacted]"})"},
      });
  BodyMasks all({BodyMasks::fields({"$"})});
  CHECK(masked_json(all, R"(["a",{"b":1}])") == R"(["[redacted]",{"b":"[redacted]"}])");
  CHECK(masked_json(all, "12") == R"("[redacted]")");
  CHECK(masked_json(all, " \"x\" ") == R"( "[redacted]" )");
  const auto body = all.whole(BodyForm::json, R"([1,null,"x"])");
  CHECK(body.hidden.columns == 2);
}

TEST_CASE("each strategy makes of a field what it makes of a column") {
  BodyMasks masks({BodyMasks::fields({"$.p"}, MaskStrategy::partial),
                   BodyMasks::fields({"$.h"}, MaskStrategy::hash),
                   BodyMasks::fields({"$.n"}, MaskStrategy::null)});
  const std::string hash = *masks.masker().masked(MaskStrategy::hash, "a\"b");
  check_json(masks,
             {
                 {R"({"p":"bob@example.com","n":"x"})", R"({"p":"b***@example.com","n":null})"},
                 {R"({"p":4111111111111111,"n":[1,{"a":true}]})",
                  R"({"p":"****1111","n":[null,{"a":null}]})"},
                 {R"({"p":"short"})", R"({"p":"[redacted]"})"},
                 {R"({"h":"a\"b"})", R"({"h":")" + hash + R"("})"},
                 {R"({"h":"\u0061\u0022b"})", R"({"h":")" + hash + R"("})"},
                 // What is shown of it is written as JSON again.
                 {R"({"p":"a long text \\\"\u00e9"})", "{\"p\":\"**** \\\\\\\"\xc3\xa9\"}"},
             });
}

TEST_CASE("of several masks of one field the strictest counts, wherever they stand") {
  const auto both = [](MaskStrategy a, MaskStrategy b) {
    BodyMasks masks({BodyMasks::fields({"$.a"}, a), BodyMasks::fields({"$..b"}, b)});
    return masked_json(masks, R"({"a":{"b":"bob@example.com"},"b":"eve@example.com"})");
  };
  CHECK(both(MaskStrategy::partial, MaskStrategy::redact) ==
        R"({"a":{"b":"[redacted]"},"b":"[redacted]"})");
  CHECK(both(MaskStrategy::redact, MaskStrategy::partial) ==
        R"({"a":{"b":"[redacted]"},"b":"e***@example.com"})");
  CHECK(both(MaskStrategy::null, MaskStrategy::hash).starts_with(R"({"a":{"b":null},"b":"hmac:)"));
}

TEST_CASE("many paths are followed at once") {
  std::vector<std::string> paths;
  std::string text = "{", want = "{";
  for (int i = 0; i < 100; ++i) {
    const std::string name = "f" + std::to_string(i);
    paths.push_back("$.a.b." + name);
    text += (i == 0 ? "\"" : ",\"") + name + "\":" + std::to_string(i);
    want += (i == 0 ? "\"" : ",\"") + name + "\":\"[redacted]\"";
  }
  BodyMasks masks({BodyMasks::fields(paths)});
  const std::string plain = R"(,"g":5})";
  CHECK(masked_json(masks, R"({"a":{"b":)" + text + plain + "}}") ==
        R"({"a":{"b":)" + want + plain + "}}");
}

TEST_CASE("detectors see strings as they are meant, numbers and names") {
  BodyMasks masks({BodyMasks::detectors({"all"})});
  check_json(masks,
             {
                 {R"({"m":"bob@example.com"})", R"({"m":"[redacted]"})"},
                 {R"({"m":"bob\u0040example.com, \"x\""})", R"({"m":"[redacted], \"x\""})"},
                 {R"({"m":"4111\u00201111 1111\u00201111"})", R"({"m":"[redacted]"})"},
                 {R"({"bob@example.com":1,"n":"a"})", R"({"[redacted]":1,"n":"a"})"},
                 {R"({"n":4111111111111111,"m":-4111111111111111})",
                  R"({"n":"[redacted]","m":"[redacted]"})"},
                 {R"(4111111111111111)", R"("[redacted]")"},
                 {R"([ 4111111111111111 , 5 ])", R"([ "[redacted]" , 5 ])"},
                 {"{\"k\":\"-----BEGIN PRIVATE KEY-----\\nMIIabc\\n-----END PRIVATE KEY-----\\n\"}",
                  "{\"k\":\"[redacted]\\n\"}"},
                 // JSON in a string stays that.
                 {R"({"s":"{\"n\":4111111111111111}"})", R"({"s":"{\"n\":\"[redacted]\"}"})"},
             });
  const auto body =
      masks.whole(BodyForm::json, R"({"a":"bob@example.com or eve@example.com","b":["x"]})");
  CHECK(body.hidden.detected[static_cast<std::size_t>(DetectorClass::email)] == 2);
  CHECK(body.hidden.columns == 0);
}

TEST_CASE("a name tells that its value is a secret, as it does in text") {
  BodyMasks masks({BodyMasks::detectors({"all"})});
  const std::string random = "aK3xP9qLm2Zr7Tv4";
  const std::string hidden = R"("[redacted]")";
  check_json(masks,
             {
                 {R"({"apiKey":")" + random + R"(","id":")" + random + R"("})",
                  R"({"apiKey":)" + hidden + R"(,"id":")" + random + R"("})"},
                 {R"({"client\u005fsecret":")" + random + R"("})",
                  R"({"client\u005fsecret":)" + hidden + "}"},
                 {R"({"tokens":[")" + random + R"(","plain words"],"x":")" + random + R"("})",
                  R"({"tokens":[)" + hidden + R"(,"plain words"],"x":")" + random + R"("})"},
                 {R"({"password":"plain words"})", R"({"password":"plain words"})"},
                 {R"({"token_type":")" + random + R"("})", R"({"token_type":")" + random + R"("})"},
                 {R"({"SecretAccessKey":")" + std::string(kSecretKey) + R"("})",
                  R"({"SecretAccessKey":)" + hidden + "}"},
             });
}

TEST_CASE("an access key and the secret that follows it are hidden, however they are cut") {
  BodyMasks masks({BodyMasks::detectors({"aws_access_key", "aws_secret_key"})});
  const std::string id(kAccessKey), secret(kSecretKey);
  const std::string hidden = R"("[redacted]")";
  check_json(masks,
             {
                 {R"([")" + id + R"(",")" + secret + R"("])", "[" + hidden + "," + hidden + "]"},
                 {R"({"i":")" + id + R"(","n":1,"s":")" + secret + R"("})",
                  R"({"i":)" + hidden + R"(,"n":1,"s":)" + hidden + "}"},
                 {R"({")" + id + R"(":")" + secret + R"("})", "{" + hidden + ":" + hidden + "}"},
                 {R"([")" + secret + R"("])", R"([")" + secret + R"("])"},
             });
}

TEST_CASE("a field that is masked is not looked at by detectors, and its neighbours are") {
  BodyMasks masks(
      {BodyMasks::fields({"$.a"}, MaskStrategy::partial), BodyMasks::detectors({"email"})});
  CHECK(masked_json(masks, R"({"a":"bob@example.com","b":"bob@example.com"})") ==
        R"({"a":"b***@example.com","b":"[redacted]"})");
}

TEST_CASE("the policy's own detectors see each value from its begin to its end") {
  access::Mask own;
  own.name = "own";
  own.patterns = {{"pin", "^[0-9]{4}$"}};
  BodyMasks masks({own});
  CHECK(
      masked_json(masks, R"({"1234":"1234","a":1234,"b":12345,"secret":"1234","c":"x1234"})") ==
      R"({"[redacted]":"[redacted]","a":"[redacted]","b":12345,"secret":"[redacted]","c":"x1234"})");
  CHECK(masks.whole(BodyForm::json, R"(["1234",1234])").hidden.own ==
        std::vector<std::uint64_t>{2});
}

TEST_CASE("rows are elements of arrays that stand in no other") {
  BodyMasks masks({});
  const auto rows = [&](std::string_view text) {
    return masks.however_cut(BodyForm::json, text).rows;
  };
  CHECK(rows("{}") == 0);
  CHECK(rows("[]") == 0);
  CHECK(rows("5") == 0);
  CHECK(rows("[1,[2,3,[4]],{\"a\":[5,6]}]") == 3);
  CHECK(rows(R"({"items":[{"tags":[1,2]},{"tags":[]}],"more":["x"],"n":{"o":[null]}})") == 4);
}

TEST_CASE("a document a line, each under the masks by itself") {
  BodyMasks masks({BodyMasks::fields({"$.ssn"}), BodyMasks::detectors({"email"})});
  const auto lines = [&](std::string_view text) {
    return masks.however_cut(BodyForm::json_lines, text);
  };
  const auto body = lines(
      "{\"ssn\":1}\n\r\n\n{\"a\":[{\"ssn\":2}],\"m\":\"bob@example.com\"}\r\n 5 \n[1,2,3]\n\"x\"");
  CHECK_FALSE(body.failure);
  CHECK(body.text ==
        "{\"ssn\":\"[redacted]\"}\n\r\n\n{\"a\":[{\"ssn\":2}],\"m\":\"[redacted]\"}\r\n 5 "
        "\n[1,2,3]\n\"x\"");
  CHECK(body.rows == 5);
  CHECK(body.hidden.columns == 1);
  CHECK(lines("").rows == 0);
  CHECK_FALSE(lines("\n\n").failure);
  for (const std::string_view text :
       {"{\"ssn\":\n1}", "{} {}", "{}{}\n", "[1\n", "{}\n{", "tr\nue", "1\n-\n"}) {
    INFO(text);
    CHECK(lines(text).failure == ErrorCode::malformed);
  }
}

TEST_CASE("a large body is the same in small pieces") {
  BodyMasks masks({BodyMasks::fields({"$[*].person.ssn"}), BodyMasks::detectors({"all"})});
  std::string text = "[", want = "[";
  for (int i = 0; i < 6000; ++i) {
    const std::string head = (i == 0 ? "" : ",\n ") + std::string("{\"id\": ") + std::to_string(i) +
                             ", \"note\": \"n\\u00b0 " + std::to_string(i);
    text += head + " of eve" + std::to_string(i) + "@example.com\", \"person\": {\"ssn\": \"" +
            std::to_string(100'000'000 + i) + "\"}, \"k" + std::to_string(i) + "\": [true]}";
    want += (i == 0 ? "" : ",\n ") + std::string("{\"id\": ") + std::to_string(i) +
            ", \"note\": \"n\xc2\xb0 " + std::to_string(i) +
            " of [redacted]\", \"person\": {\"ssn\": \"[redacted]\"}, \"k" + std::to_string(i) +
            "\": [true]}";
  }
  text += "]", want += "]";
  for (const std::size_t size : {text.size(), std::size_t{1000}, std::size_t{77'777}}) {
    const auto body = masks.cut(BodyForm::json, text, [&] { return size; });
    CHECK(body.text == want);
    CHECK(body.rows == 6000);
    CHECK(body.hidden.columns == 6000);
    CHECK(body.hidden.total() == 12'000);
  }
}

TEST_CASE("text bodies go through detectors, line by line, and fields say nothing of them") {
  BodyMasks masks({BodyMasks::fields({"$"}), BodyMasks::detectors({"email"})});
  BodyMasker body = masks.body(BodyForm::text);
  Bytes out;
  REQUIRE(body.take(as_bytes("to bob@exam"), out));
  CHECK(out.empty());
  REQUIRE(body.take(as_bytes("ple.com\nfrom "), out));
  CHECK(to_text(out) == "to [redacted]\n");
  REQUIRE(body.flush(out));
  CHECK(to_text(out) == "to [redacted]\nfrom ");
  REQUIRE(body.take(as_bytes("eve@example.com"), out));
  REQUIRE(body.finish(out));
  CHECK(to_text(out) == "to [redacted]\nfrom [redacted]");
  CHECK(body.hidden().total() == 2);
  CHECK(body.rows() == 0);
}

TEST_CASE("a path that is none makes no masks") {
  const auto masks = FieldMasks::create({BodyMasks::fields({"$.a", "$.b[0]"})});
  REQUIRE_FALSE(masks);
  CHECK(masks.error().code == ErrorCode::config);
  CHECK(masks.error().message.find("mask 'fields'") == 0);
  CHECK(FieldMasks::create({})->empty());
  CHECK_FALSE(FieldMasks::create({BodyMasks::fields({"$"})})->empty());
}

}  // namespace hoop::mask
