// SPDX-License-Identifier: Apache-2.0
#include "core/identity/token_verifier.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/identity/jwt.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::identity;
using hoop::test::FakeClock;

namespace {

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

/// DER of a signature (X9.62): two INTEGERs.
Bytes to_der(ByteSpan raw) {
  Bytes body;
  for (const std::size_t start : {std::size_t{0}, std::size_t{32}}) {
    body.insert(body.end(), {2, 33, 0});
    body.insert(body.end(), raw.begin() + static_cast<std::ptrdiff_t>(start),
                raw.begin() + static_cast<std::ptrdiff_t>(start) + 32);
  }
  Bytes out{0x30, static_cast<std::uint8_t>(body.size())};
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

/// The third part of a token, made right or wrong as a case of hostile.json says.
Bytes make_signature(const std::string& how, const std::string& input, const crypto::P256Key& key) {
  const auto own = key.sign(as_bytes(input));
  Bytes right(own.begin(), own.end());
  if (how == "es256") return right;
  if (how == "none") return {};
  if (how == "zero") return Bytes(64, 0);
  if (how == "der") return to_der(right);
  if (how == "short") return Bytes(right.begin(), right.end() - 1);
  if (how == "swapped") {
    std::rotate(right.begin(), right.begin() + 32, right.end());
    return right;
  }
  if (how == "long") {
    right.push_back(0);
    return right;
  }
  if (how == "other_key") {
    const auto foreign = crypto::P256Key::generate().sign(as_bytes(input));
    return Bytes(foreign.begin(), foreign.end());
  }
  if (how == "other_claims") {
    const auto other = key.sign(as_bytes(input + "x"));
    return Bytes(other.begin(), other.end());
  }
  if (how == "order") {
    const Bytes order =
        from_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551").value();
    std::copy(order.begin(), order.end(), right.begin());
    return right;
  }
  const crypto::P256PublicKey point = key.public_key();
  std::string secret = jwks_to_json(KeySet{{verification_key(key)}});
  if (how == "hmac_point") secret = "\x04" + to_text(point.x) + to_text(point.y);
  const auto mac = crypto::hmac_sha256(as_bytes(secret), as_bytes(input));
  return Bytes(mac.begin(), mac.end());
}

class Issuer {
 public:
  Issuer() { clock.system = SystemTime(std::chrono::seconds(1700000000)); }
  TokenVerifier verifier(std::chrono::seconds leeway = std::chrono::seconds(60)) const {
    TrustedIssuer issuer{"https://gw.example",
                         "https://gw.example:8443",
                         KeySet{{verification_key(key)}},
                         {{"hoopctl", access::IdentityKind::person}},
                         leeway,
                         std::chrono::seconds(300)};
    return TokenVerifier({issuer}, clock);
  }
  crypto::P256Key key = crypto::P256Key::generate();
  FakeClock clock;
};

}  // namespace

TEST_CASE("every hostile token is refused, and for its own reason") {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/jwt/hostile.json");
  const auto data = nlohmann::json::parse(file);
  REQUIRE(data["cases"].size() >= 60);
  Issuer issuer;
  const TokenVerifier verifier = issuer.verifier();
  const std::string kid = thumbprint(issuer.key.public_key());
  for (const auto& entry : data["cases"]) {
    const auto field = [&](const char* name) {
      const std::string text =
          replaced(entry.value(name, data[name].get<std::string>()), "$KID", kid);
      return replaced(replaced(text, "$LONG", std::string(17000, 'x')), "$MEDIUM",
                      std::string(2100, 'x'));
    };
    const std::string header = to_base64url(as_bytes(field("header")));
    const std::string claims = to_base64url(as_bytes(field("claims")));
    const Bytes signature = make_signature(field("sign"), header + "." + claims, issuer.key);
    std::string token = replaced(field("token"), "{h}", header);
    token = replaced(replaced(token, "{c}", claims), "{s}", to_base64url(signature));
    const auto identity = verifier.verify(token);
    INFO(entry["name"].get<std::string>());
    INFO((identity ? std::string("accepted") : identity.error().message));
    const std::string expect = entry["expect"];
    if (expect == "accept") {
      REQUIRE(identity);
      CHECK(identity->subject == "alice");
      CHECK(identity->kind == access::IdentityKind::person);
    } else {
      REQUIRE_FALSE(identity);
      CHECK(identity.error().code == ErrorCode::unauthenticated);
      CHECK(identity.error().message.find(expect) != std::string::npos);
    }
  }
}

TEST_CASE("a token that is bound to a key is for who has proven to hold it") {
  Issuer issuer;
  const auto token_with = [&issuer](const std::string& more) {
    return sign_jws(issuer.key, "at+jwt",
                    R"({"iss":"https://gw.example","sub":"alice","aud":"https://gw.example:8443",)"
                    R"("client_id":"hoopctl","iat":1700000000,"exp":1700000250,"jti":"1")" +
                        more + "}");
  };
  const auto verify = [&issuer](const std::string& token, std::string_view proven) {
    const auto identity = issuer.verifier().verify(token, proven);
    return identity ? identity->subject : identity.error().message;
  };
  const std::string bound = token_with(R"(,"cnf":{"jkt":"abc"})");
  CHECK(verify(bound, "abc") == "alice");
  CHECK(verify(bound, "") == "access token: bound to a key that was not proven");
  CHECK(verify(bound, "abd") == "access token: bound to another key");
  // What takes a bearer token for a bound one would let a proof by any key pass.
  CHECK(verify(token_with(""), "abc") == "access token: bound to no key, and sent as if it were");
  for (const std::string_view other : {R"("x")", "{}", R"({"x5t#S256":"abc"})",
                                       R"({"jkt":"abc","x5t#S256":"abc"})", R"({"jkt":7})"})
    CHECK(verify(token_with(R"(,"cnf":)" + std::string(other)), "abc") ==
          "access token: bound to a key in a way that is not supported");
}

TEST_CASE("an identity has the token's subject, groups and end, and its client's kind") {
  Issuer issuer;
  const std::string token = sign_jws(
      issuer.key, "at+jwt",
      R"({"iss":"https://gw.example","sub":"alice","aud":["x","https://gw.example:8443"],)"
      R"("client_id":"hoopctl","groups":["dba","ops"],"iat":1700000000,"exp":1700000250,"jti":"1"})");
  const access::Identity identity = issuer.verifier().verify(token).value();
  CHECK(identity.subject == "alice");
  CHECK(identity.groups == std::vector<std::string>{"dba", "ops"});
  CHECK(identity.expires_at == SystemTime(std::chrono::seconds(1700000250)));
  CHECK(identity.claimed_agent.empty());
}

TEST_CASE("a token says when its person has signed in, or it says nothing of it") {
  Issuer issuer;
  const auto verify = [&issuer](const std::string& more) {
    return issuer.verifier().verify(
        sign_jws(issuer.key, "at+jwt",
                 R"({"iss":"https://gw.example","sub":"alice","aud":"https://gw.example:8443",)"
                 R"("client_id":"hoopctl","iat":1700000000,"exp":1700000250,"jti":"1")" +
                     more + "}"));
  };
  CHECK(verify("")->signed_in_at == SystemTime());
  CHECK(verify(R"(,"auth_time":1699990000)")->signed_in_at ==
        SystemTime(std::chrono::seconds(1699990000)));
  CHECK(verify(R"(,"auth_time":1700000060)"));
  CHECK(verify(R"(,"auth_time":1700000061)").error().message ==
        "access token: signed in in the future");
  // What cannot be read is not taken for a token that does not say.
  for (const char* bad : {"-1", "1700000000.5", R"("1700000000")", "null", "true", "[1700000000]",
                          "253402300800", "9223372036854775807"}) {
    INFO(bad);
    CHECK(verify(R"(,"auth_time":)" + std::string(bad)).error().message ==
          "access token: 'auth_time' is missing or not a time");
  }
}

TEST_CASE("a token is for approving by one whole word of its scope, and by nothing like it") {
  Issuer issuer;
  TrustedIssuer trusted{"https://gw.example",
                        "aud",
                        KeySet{{verification_key(issuer.key)}},
                        {{"c", access::IdentityKind::person}}};
  const auto verify = [&](const std::string& more) {
    return TokenVerifier({trusted}, issuer.clock)
        .verify(sign_jws(issuer.key, "at+jwt",
                         R"({"iss":"https://gw.example","sub":"7","aud":"aud","client_id":"c",)"
                         R"("iat":1700000000,"exp":1700000060,"jti":"1")" +
                             more + "}"));
  };
  for (const char* approving :
       {R"(,"scope":"approve")", R"(,"scope":"openid approve")", R"(,"scope":"approve  openid")",
        R"(,"scp":"approve")", R"(,"scp":["openid","approve"])", R"(,"scope":["approve"])",
        R"(,"scope":"openid","scp":"approve")"}) {
    INFO(approving);
    CHECK(verify(approving)->is_for_approving);
  }
  for (const char* other :
       {"", R"(,"scope":"")", R"(,"scope":" ")", R"(,"scope":"hoopctl")", R"(,"scope":"approved")",
        R"(,"scope":"disapprove")", R"(,"scope":"Approve")", R"(,"scope":"openid,approve")",
        R"(,"scope":"openid\tapprove")", R"(,"scope":"https://other/approve")", R"(,"scp":[])",
        R"(,"scp":["openid approve"])", R"(,"scp":["approve "])", R"(,"scopes":"approve")",
        R"(,"roles":["approve"])"}) {
    INFO(other);
    CHECK_FALSE(verify(other)->is_for_approving);
  }
  for (const char* bad : {"true", "7", "null", "{}", R"({"approve":true})", R"(["approve",7])",
                          R"([["approve"]])", R"(["approve",null])"}) {
    INFO(bad);
    CHECK(verify(R"(,"scope":)" + std::string(bad)).error().message ==
          "access token: 'scope' is not a scope");
    CHECK(verify(R"(,"scp":)" + std::string(bad)).error().message ==
          "access token: 'scp' is not a scope");
  }
  // The issuer's own word, and no other one.
  trusted.approving_scope = "api://hoop/approve";
  CHECK(verify(R"(,"scope":"openid api://hoop/approve")")->is_for_approving);
  CHECK_FALSE(verify(R"(,"scope":"approve")")->is_for_approving);
}

TEST_CASE("names and groups are where a foreign issuer's tokens have them") {
  Issuer issuer;
  TrustedIssuer trusted{"https://login.example",
                        "aud",
                        KeySet{{verification_key(issuer.key)}},
                        {{"c", access::IdentityKind::person}}};
  trusted.subject_claim = "email";
  trusted.groups_claim = "realm_access.roles";
  trusted.group_names = {{"0000-1", "dba"}};
  const auto verify = [&](const std::string& more) {
    return TokenVerifier({trusted}, issuer.clock)
        .verify(sign_jws(issuer.key, "at+jwt",
                         R"({"iss":"https://login.example","sub":"7","aud":"aud","client_id":"c",)"
                         R"("iat":1700000000,"exp":1700000060,"jti":"1")" +
                             more + "}"));
  };
  const auto alice = verify(
      R"(,"email":"alice@example.com","realm_access":{"roles":["0000-1","ops"]},"groups":["admins"])");
  REQUIRE(alice);
  CHECK(alice->subject == "alice@example.com");
  CHECK(alice->groups == std::vector<std::string>{"dba", "ops"});
  CHECK(verify(R"(,"email":"a@example.com","email_verified":true)")->groups.empty());
  for (const char* bad :
       {"", R"(,"email":7)", R"(,"email":"")", R"(,"email":"a@example.com","email_verified":false)",
        R"(,"email":"a@example.com","email_verified":"true")",
        R"(,"email":"a@example.com","realm_access":{"roles":"dba"})",
        R"(,"email":"a@example.com","realm_access":{"roles":[{"name":"dba"}]})"}) {
    INFO(bad);
    CHECK_FALSE(verify(bad));
  }
  // A member whose own name holds dots goes before a path.
  trusted.groups_claim = "https://example.com/groups";
  CHECK(verify(R"(,"email":"a@example.com","https://example.com/groups":["0000-1"])")->groups ==
        std::vector<std::string>{"dba"});
  trusted.subject_claim = "sub";
  CHECK(verify(R"(,"email_verified":false)")->subject == "7");
}

TEST_CASE("no configuration stretches the leeway beyond a minute") {
  Issuer issuer;
  const std::string token =
      sign_jws(issuer.key, "at+jwt",
               R"({"iss":"https://gw.example","sub":"alice","aud":"https://gw.example:8443",)"
               R"("client_id":"hoopctl","iat":1699999700,"exp":1699999930,"jti":"1"})");
  CHECK_FALSE(issuer.verifier(std::chrono::hours(1)).verify(token));
}

TEST_CASE("a token of one trusted issuer does not pass with the other's key") {
  Issuer first;
  Issuer second;
  TrustedIssuer one{"https://one.example",
                    "aud",
                    KeySet{{verification_key(first.key)}},
                    {{"c", access::IdentityKind::ci}}};
  TrustedIssuer two{"https://two.example",
                    "aud",
                    KeySet{{verification_key(second.key)}},
                    {{"c", access::IdentityKind::ci}}};
  const TokenVerifier verifier({one, two}, first.clock);
  const std::string claims =
      R"({"iss":"https://two.example","sub":"s","aud":"aud","client_id":"c","iat":1700000000,"exp":1700000060,"jti":"1"})";
  CHECK(verifier.verify(sign_jws(second.key, "at+jwt", claims)));
  CHECK_FALSE(verifier.verify(sign_jws(first.key, "at+jwt", claims)));
}
