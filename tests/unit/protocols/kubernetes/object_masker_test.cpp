// SPDX-License-Identifier: Apache-2.0
// The objects of tests/conformance/kubernetes/objects.txt, and what they cannot say.
#include "protocols/kubernetes/object_masker.h"

#include <fstream>
#include <optional>

#include "core/base/encoding.h"
#include "protocols/kubernetes/json_document.h"
#include "protocols/kubernetes/object_name.h"
#include "protocols/kubernetes/write_back.h"
#include "tests/support/catch.h"

namespace hoop::kubernetes {
namespace {

using access::MaskStrategy;

access::Mask mask_of(std::vector<std::string> columns, std::vector<std::string> fields,
                     std::vector<std::string> detectors, MaskStrategy with = MaskStrategy::redact) {
  access::Mask out;
  out.name = "m";
  out.columns = std::move(columns);
  out.fields = std::move(fields);
  out.detectors = std::move(detectors);
  out.with = with;
  return out;
}

/// A masker, rules and what they are of.
struct MaskWorld {
  explicit MaskWorld(const std::vector<access::Mask>& masks,
                     SecretValues of_secrets = SecretValues::hide)
      : masker(std::move(*mask::Masker::create(masks, SecretBytes(Bytes(32, 7))))),
        rules(std::move(*ObjectMaskRules::create(masks, of_secrets))) {}

  std::string operator()(std::string_view json, ObjectScope expected = {}) {
    ObjectMasker objects(masker, rules, std::move(expected));
    auto out = objects.mask(json);
    INFO(json);
    REQUIRE(out);
    hidden = objects.hidden();
    rows = objects.rows();
    secrets = objects.take_secrets();
    return std::move(*out);
  }
  mask::Masker masker;
  ObjectMaskRules rules;
  mask::HiddenCounts hidden;
  std::uint64_t rows = 0;
  std::vector<SecretText> secrets;
};

/// What objects.txt says at its top.
MaskWorld table_world() {
  return MaskWorld({mask_of({"*.configmaps.*password*", "shop.env.DB_*", "*.annotations.*token"},
                            {"$.spec.apiToken", "$..ssn"},
                            {"email", "payment_card", "aws_access_key", "aws_secret_key",
                             "assigned_secret", "jwt", "private_key"})});
}

struct ObjectCase {
  std::string name, request, given, expected;
};

std::vector<ObjectCase> object_table() {
  std::ifstream in(HOOP_SOURCE_DIR "/tests/conformance/kubernetes/objects.txt");
  std::vector<ObjectCase> out;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto value = [&](std::string_view key) -> std::optional<std::string> {
      if (!line.starts_with(key)) return std::nullopt;
      return line.substr(key.size());
    };
    if (const auto name = value("case: ")) out.push_back({*name, {}, {}, {}});
    REQUIRE_FALSE(out.empty());
    if (const auto request = value("request: ")) out.back().request = *request;
    if (const auto given = value("given: ")) out.back().given = *given;
    if (const auto expected = value("masked: ")) out.back().expected = *expected;
  }
  return out;
}

ObjectScope scope_for(const std::string& target) {
  const auto info = read_request_info("GET", target);
  REQUIRE(info);
  return expected_objects(*info);
}

}  // namespace

TEST_CASE("kubernetes objects: the table") {
  MaskWorld world = table_world();
  const auto cases = object_table();
  CHECK(cases.size() >= 30);
  for (const ObjectCase& one : cases) {
    INFO(one.name);
    CHECK(world(one.given, scope_for(one.request)) ==
          (one.expected.empty() ? one.given : one.expected));
  }
}

TEST_CASE("kubernetes objects: what was masked is masked once, and would be known again") {
  MaskWorld world = table_world();
  for (const ObjectCase& one : object_table()) {
    if (one.expected.empty()) continue;
    INFO(one.name);
    const ObjectScope scope = scope_for(one.request);
    const std::string once = world(one.given, scope);
    CHECK(carries_mask(as_bytes(once)));
    CHECK_FALSE(carries_mask(as_bytes(one.given)));
    CHECK(world(once, scope) == once);
  }
}

TEST_CASE("kubernetes objects: data of Secrets, by every strategy, is base64") {
  const std::string given =
      R"({"apiVersion":"v1","kind":"Secret","data":{"card":"NDExMTExMTExMTExMTExMQ=="}})";
  const auto masked = [&](MaskStrategy with) {
    return MaskWorld({mask_of({"*.secrets.*"}, {}, {}, with)})(given);
  };
  const auto value = [&](MaskStrategy with) {
    const auto document = parse_json(masked(with));
    REQUIRE(document);
    const std::string* text = document->member("data")->text_of("card");
    REQUIRE(text != nullptr);
    const auto bytes = from_base64(*text);
    REQUIRE(bytes);
    return to_text(*bytes);
  };
  CHECK(value(MaskStrategy::redact) == "[redacted]");
  CHECK(value(MaskStrategy::partial) == "****1111");
  CHECK(value(MaskStrategy::hash).starts_with("hmac:"));
  CHECK(masked(MaskStrategy::null) ==
        R"({"apiVersion":"v1","kind":"Secret","data":{"card":null}})");
}

TEST_CASE("kubernetes objects: Secrets are hidden without any mask, and shown only on demand") {
  const std::string given =
      R"({"kind":"Secret","apiVersion":"v1","data":{"mail":"YUBleGFtcGxlLmNvbQ=="},"stringData":{"b":"c"}})";
  MaskWorld none({});
  CHECK(
      none(given) ==
      R"({"kind":"Secret","apiVersion":"v1","data":{"mail":"W3JlZGFjdGVkXQ=="},"stringData":{"b":"[redacted]"}})");
  CHECK(none.hidden.columns == 2);
  REQUIRE(none.secrets.size() == 2);
  CHECK(none.secrets[0].reveal() == "a@example.com");
  CHECK(none.secrets[1].reveal() == "c");
  CHECK(MaskWorld({}, SecretValues::show)(given) == given);
  // Detectors look at what is shown, behind its base64.
  MaskWorld detecting({mask_of({}, {}, {"email"})}, SecretValues::show);
  CHECK(detecting(given).find("W3JlZGFjdGVkXQ==") != std::string::npos);
}

TEST_CASE("kubernetes objects: no shape of data lets a Secret out") {
  MaskWorld world({});
  const auto masked = [&](const std::string& data) {
    return world(R"({"kind":"Secret","apiVersion":"v1","data":)" + data + "}");
  };
  for (const char* data :
       {R"("cGxhaW4tc2VjcmV0")", R"(["cGxhaW4tc2VjcmV0"])", R"({"a":{"b":"cGxhaW4tc2VjcmV0"}})",
        R"({"a":["cGxhaW4tc2VjcmV0"]})", R"({"a":"not base64: plain-secret"})"}) {
    INFO(data);
    const std::string out = masked(data);
    CHECK(out.find("cGxhaW4tc2VjcmV0") == std::string::npos);
    CHECK(out.find("plain-secret") == std::string::npos);
  }
  CHECK(masked(R"({"a":42})").find("42") == std::string::npos);
  CHECK(masked("null") == R"({"kind":"Secret","apiVersion":"v1","data":null})");
}

TEST_CASE("kubernetes objects: kinds that are not said are taken from the request") {
  MaskWorld world({});
  const std::string given = R"({"data":{"a":"c2VjcmV0"}})";
  CHECK(world(given, {ObjectKind::secret, "shop"}) == R"({"data":{"a":"W3JlZGFjdGVkXQ=="}})");
  CHECK(world(given) == given);
  CHECK(scope_for("/api/v1/namespaces/shop/secrets/a").kind == ObjectKind::secret);
  CHECK(scope_for("/api/v1/namespaces/shop/secrets/a").space == "shop");
  CHECK(scope_for("/api/v1/watch/secrets").kind == ObjectKind::secret);
  CHECK(scope_for("/api/v1/configmaps").kind == ObjectKind::config_map);
  CHECK(scope_for("/apis/example.com/v1/secrets").kind == ObjectKind::other);
  CHECK(scope_for("/version").kind == ObjectKind::other);
}

TEST_CASE("kubernetes objects: rules by namespace") {
  MaskWorld world({mask_of({"shop.configmaps.url"}, {}, {})});
  const auto map = [](const char* space) {
    return std::string(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{)") + space +
           R"(},"data":{"URL":"x","other":"y"}})";
  };
  CHECK(world(map(R"("namespace":"shop")")).find("[redacted]") != std::string::npos);
  CHECK(world(map(R"("namespace":"bank")")).find("[redacted]") == std::string::npos);
  // Of which it is nobody knows.
  CHECK(world(map("")).find("[redacted]") != std::string::npos);
  CHECK(world(map(""), {ObjectKind::other, "bank"}).find("[redacted]") == std::string::npos);
}

TEST_CASE("kubernetes objects: what comes as it was") {
  MaskWorld world({mask_of({}, {}, {"all"})});
  for (
      const char* given :
      {"{ \"kind\" : \"Pod\",\n \"apiVersion\":\"v1\", \"spec\": {\"n\": 1.50, \"m\": -0, "
       "\"e\":1E5 } }\n",
       R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"pods \"x\" not found","code":404})",
       "[]", "true", "\"text\"", "12"})
    CHECK(world(given) == given);
  // What is rewritten keeps the order of members, and numbers as they are.
  CHECK(world(R"({"z": 1.50, "a": "a@example.com", "m": 18446744073709551615, "f": 1e300})") ==
        R"({"z":1.50,"a":"[redacted]","m":18446744073709551615,"f":1e300})");
}

TEST_CASE("kubernetes objects: what is no document, or too much of one") {
  MaskWorld world({});
  ObjectMasker objects(world.masker, world.rules, {});
  for (const char* bad : {"", "{", "{}{}", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}", "NaN",
                          "{'a':1}", "{\"kind\":\"Pod\",\"kind\":\"Secret\"}", "[1,]"}) {
    INFO(bad);
    CHECK(test::code_of(objects.mask(bad)) == ErrorCode::malformed);
  }
  const std::string deep(kMostDocumentDepth + 1, '[');
  CHECK(test::code_of(objects.mask(deep)) == ErrorCode::too_large);
  const std::string allowed =
      std::string(kMostDocumentDepth, '[') + std::string(kMostDocumentDepth, ']');
  CHECK(objects.mask(allowed));
  CHECK(test::code_of(objects.mask(std::string(kMostDocumentBytes + 1, ' '))) ==
        ErrorCode::too_large);
}

TEST_CASE("kubernetes objects: rows are what limits count") {
  MaskWorld world({});
  const auto rows = [&](const char* json) {
    world(json);
    return world.rows;
  };
  CHECK(rows(R"({"kind":"PodList","apiVersion":"v1","items":[{},{},{}]})") == 3);
  CHECK(
      rows(
          R"({"kind":"Table","apiVersion":"meta.k8s.io/v1","rows":[{"cells":[]},{"cells":[]}]})") ==
      2);
  CHECK(rows(R"({"kind":"Pod","apiVersion":"v1"})") == 1);
  CHECK(rows(R"({"type":"ADDED","object":{"kind":"Table","rows":[{},{}]}})") == 1);
  CHECK(rows(R"({"kind":"PodList","apiVersion":"v1","items":[]})") == 0);
}

TEST_CASE("kubernetes objects: names of members that detectors know, none lost") {
  MaskWorld world({mask_of({}, {}, {"email"})});
  CHECK(
      world(R"({"kind":"X","apiVersion":"v1","by":{"a@example.com":1,"b@example.com":2,"c":3}})") ==
      R"({"kind":"X","apiVersion":"v1","by":{"[redacted]":1,"[redacted]-2":2,"c":3}})");
}

TEST_CASE("kubernetes objects: a mask that comes back") {
  const auto carries = [](std::string_view body) { return carries_mask(as_bytes(body)); };
  CHECK(carries(R"({"stringData":{"a":"[redacted]"}})"));
  CHECK(carries(R"({"data":{"a":"W3JlZGFjdGVkXQ=="}})"));
  CHECK(carries("data:\n  a: W3JlZGFjdGVkXQ==\n"));
  CHECK(carries("data:\n  a: W3JlZGFj\n     dGVkXQ==\n"));
  CHECK(carries(std::string_view("k8s\0\n\x05[redacted]\x12", 18)));
  // In a file that was put into a Secret: at any offset.
  for (const char* before : {"", "a", "ab", "abc"}) {
    const std::string file = std::string(before) + "password=[redacted]\nhost=db\n";
    CHECK(carries("{\"data\":{\"f\":\"" + to_base64(as_bytes(file)) + "\"}}"));
    CHECK(carries("{\"data\":{\"f\":\"" + to_base64url(as_bytes(file)) + "\"}}"));
  }
  CHECK(carries("a: " + to_base64(as_bytes("****1111"))));
  CHECK(carries("a: " + to_base64(as_bytes("b***@example.com"))));
  CHECK(carries("a: " + to_base64(as_bytes("hmac:0123456789abcdef0123456789abcdef"))));
  CHECK_FALSE(carries(
      R"({"data":{"a":"c2VjcmV0"},"metadata":{"uid":"2f0c1a9e-7b2d-4f6e-9a53-d7c3e1b0a4f8"}})"));
  CHECK_FALSE(carries("a: " + to_base64(Bytes(3000, 0x2a))));
  CHECK_FALSE(carries(""));
}

TEST_CASE("kubernetes objects: the name in a body") {
  CHECK(name_in_body(R"({"metadata":{"name":"a"}})") == "a");
  CHECK(
      name_in_body(
          R"({"spec":{"metadata":{"name":"b"}},"metadata":{"labels":{"name":"c"},"name":"a"}})") ==
      "a");
  CHECK(name_in_body(R"({"name":"a"})") == std::nullopt);
  CHECK(name_in_body(R"({"metadata":{"name":7}})") == std::nullopt);
  CHECK(name_in_body(R"({"metadata":{"name":""}})") == std::nullopt);
  CHECK(name_in_body(R"([{"metadata":{"name":"a"}}])") == std::nullopt);
  CHECK(name_in_body(R"({"metadata":{"name":"a"},"metadata":{}})") == std::nullopt);
  CHECK(name_in_body("") == std::nullopt);
}

}  // namespace hoop::kubernetes
