// SPDX-License-Identifier: Apache-2.0
// The authorization code flow of the embedded identity provider.
#include "core/http/url.h"
#include "tests/unit/gateway/idp_support.h"

using namespace hoop;
using namespace hoop::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";   // RFC 7636, B
constexpr const char* kChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";  // of it
constexpr const char* kCallback = "http://127.0.0.1:45123/callback";

using Fields = std::map<std::string, std::string>;

Fields asked(const Fields& changes = {}) {
  Fields out{{"response_type", "code"},      {"client_id", "hoopctl"},
             {"redirect_uri", kCallback},    {"state", "st4te"},
             {"code_challenge", kChallenge}, {"code_challenge_method", "S256"}};
  for (const auto& [name, value] : changes) out[name] = value;
  return out;
}

std::string form_of(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    out += name + "=" + http::percent_encode(value);
  }
  return out;
}

std::string hidden_field(const std::string& html, const std::string& name) {
  const std::string begin = "name=\"" + name + "\" value=\"";
  const auto at = html.find(begin);
  if (at == std::string::npos) return {};
  return html.substr(at + begin.size(), html.find('"', at + begin.size()) - at - begin.size());
}

/// A browser at the page.
struct SigningIn {
  explicit SigningIn(IdpWorld& of, const Fields& with = asked()) : world(of), fields(with) {
    shown = world.get("/oauth/authorize?" + form_of(with));
    const std::string field(shown.headers.find("set-cookie").value_or(""));
    cookie = field.substr(0, field.find(';'));
    fields["csrf"] = hidden_field(shown.body, "csrf");
  }
  http::Response submit(const Fields& more = {}) {
    Fields all = fields;
    all.insert({{"username", "alice"}, {"password", kPassword}, {"decision", "approve"}});
    for (const auto& [name, value] : more) all[name] = value;
    return world.post("/oauth/authorize", form_of(all), cookie);
  }
  IdpWorld& world;
  Fields fields;
  http::Response shown;
  std::string cookie;
};

std::string location(const http::Response& response) {
  CHECK(response.status == 303);
  return std::string(response.headers.find("location").value_or(""));
}

std::string code_in(const std::string& url) {
  const auto at = url.find("?code=");
  REQUIRE(at != std::string::npos);
  return url.substr(at + 6, url.find('&', at) - at - 6);
}

std::string token_form(const std::string& code, const Fields& changes = {}) {
  Fields out{{"grant_type", "authorization_code"},
             {"client_id", "hoopctl"},
             {"code", code},
             {"redirect_uri", kCallback},
             {"code_verifier", kVerifier}};
  for (const auto& [name, value] : changes) out[name] = value;
  return form_of(out);
}

}  // namespace

TEST_CASE("authorize: a sign-in gives a code, and the code gives tokens once") {
  IdpWorld world;
  SigningIn page(world);
  REQUIRE(page.shown.status == 200);
  CHECK(page.shown.body.find("hoopctl login --browser") != std::string::npos);
  const std::string policy(page.shown.headers.find("content-security-policy").value());
  CHECK(policy.find("form-action 'self' http://127.0.0.1:45123;") != std::string::npos);
  const std::string to = location(page.submit());
  CHECK(to.starts_with(std::string(kCallback) + "?code="));
  CHECK(to.find("&state=st4te&iss=https%3A%2F%2Fgw.example%3A8443") != std::string::npos);
  const std::string code = code_in(to);
  const auto answer = world.ask_for_tokens(token_form(code), nullptr);
  REQUIRE(answer.status == 200);
  CHECK(answer.body.find("refresh_token") != std::string::npos);
  const auto again = world.ask_for_tokens(token_form(code), nullptr);
  CHECK(again.status == 400);
  CHECK(again.body.find("invalid_grant") != std::string::npos);
}

TEST_CASE("authorize: tokens are bound to the key that the client proves") {
  IdpWorld world;
  const auto key = crypto::P256Key::generate();
  const auto answer =
      world.ask_for_tokens(token_form(code_in(location(SigningIn(world).submit()))), &key);
  REQUIRE(answer.status == 200);
  CHECK(nlohmann::json::parse(answer.body)["token_type"] == "DPoP");
}

TEST_CASE("authorize: a code is for its client alone, for a minute, and spent by a wrong try") {
  IdpWorld world;
  const auto refused = [&](const Fields& changes, std::chrono::seconds later = 0s) {
    const std::string code = code_in(location(SigningIn(world).submit()));
    world.clock.advance(later);
    const auto wrong = world.ask_for_tokens(token_form(code, changes), nullptr);
    const auto right = world.ask_for_tokens(token_form(code), nullptr);
    return wrong.status == 400 && right.status == 400;
  };
  CHECK(refused({{"code_verifier", std::string(43, 'a')}}));
  CHECK(refused({{"code_verifier", ""}}));
  CHECK(refused({{"redirect_uri", "http://127.0.0.1:45124/callback"}}));
  CHECK(refused({}, 61s));
  CHECK(world.ask_for_tokens(token_form("guessed"), nullptr).status == 400);
  CHECK(world.ask_for_tokens("grant_type=authorization_code&client_id=hoopctl&code=x", nullptr)
            .status == 400);
}

TEST_CASE("authorize: nothing is sent to anybody but a program on this computer") {
  IdpWorld world;
  for (const char* uri :
       {"", "https://127.0.0.1:45123/callback", "http://127.0.0.1/callback",
        "http://127.0.0.1:0/callback", "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:45123/callback/x", "http://127.0.0.1:45123@evil.example/callback",
        "http://127.0.0.1:45123.evil.example/callback", "http://localhost:45123/callback",
        "http://127.0.0.1:/callback", "http://127.0.0.1:08/callback",
        "http://evil.example/callback", "http://127.0.0.1:45123/callback?x=/callback",
        "http://127.0.0.1:/callback:1/callback"}) {
    INFO(uri);
    const auto shown = world.get("/oauth/authorize?" + form_of(asked({{"redirect_uri", uri}})));
    CHECK(shown.status == 400);
    CHECK_FALSE(shown.headers.find("location"));
  }
  for (const Fields& wrong :
       {Fields{{"client_id", "other"}}, Fields{{"state", ""}},
        Fields{{"state", std::string(600, 'x')}}, Fields{{"state", "a\nb"}}}) {
    CHECK(world.get("/oauth/authorize?" + form_of(asked(wrong))).status == 400);
  }
  CHECK(world.get("/oauth/authorize").status == 400);
  CHECK(world.get("/oauth/authorize?" + form_of(asked()) + "&state=twice").status == 400);
}

TEST_CASE("authorize: what the client asks for wrongly it is told, as RFC 6749 has it") {
  IdpWorld world;
  const auto told = [&](const Fields& changes) {
    return location(world.get("/oauth/authorize?" + form_of(asked(changes))));
  };
  CHECK(told({{"response_type", "token"}}).find("error=unsupported_response_type&state=st4te") !=
        std::string::npos);
  CHECK(told({{"code_challenge_method", "plain"}}).find("error=invalid_request") !=
        std::string::npos);
  CHECK(told({{"code_challenge", ""}}).find("error=invalid_request") != std::string::npos);
  CHECK(told({{"code_challenge", "short"}}).find("error=invalid_request") != std::string::npos);
}

TEST_CASE("authorize: a person may say no") {
  IdpWorld world;
  const std::string to =
      location(SigningIn(world).submit({{"decision", "deny"}, {"username", ""}, {"password", ""}}));
  CHECK(to.find("?error=access_denied&state=st4te") != std::string::npos);
}

TEST_CASE("authorize: wrong passwords are told on the page, and slow down on every page") {
  IdpWorld world;
  SigningIn page(world);
  const auto wrong = page.submit({{"password", "wrong"}});
  CHECK(wrong.status == 403);
  CHECK(wrong.body.find("is wrong") != std::string::npos);
  CHECK_FALSE(wrong.headers.find("location"));
  for (int i = 0; i < 10; ++i) static_cast<void>(page.submit({{"password", "wrong"}}));
  CHECK(page.submit().status == 429);
  Browser device(world);
  device.open(world.start().user_code);
  CHECK(device.sign_in("alice", kPassword).status == 429);
}

TEST_CASE("authorize: a form of another page, browser or request is none") {
  IdpWorld world;
  SigningIn page(world), other(world);
  CHECK(page.submit({{"csrf", "x"}}).status == 403);
  CHECK(page.submit({{"csrf", other.fields["csrf"]}}).status == 403);
  CHECK(page.submit({{"state", "another"}}).status == 403);
  CHECK(page.submit({{"redirect_uri", "http://127.0.0.1:45124/callback"}}).status == 403);
  CHECK(page.submit({{"redirect_uri", "http://evil.example/callback"}}).status == 400);
  page.cookie.clear();
  CHECK(page.submit().status == 403);
  CHECK(world.post("/oauth/authorize", "x=1").status == 400);
  http::Request put{"PUT", "/oauth/authorize", {}, {}};
  CHECK(world.send(std::move(put))->status == 405);
}

TEST_CASE("authorize: what a request holds is text on the page") {
  IdpWorld world;
  const SigningIn page(world, asked({{"state", "\"><script>x</script>"}}));
  CHECK(page.shown.status == 200);
  CHECK(page.shown.body.find("<script") == std::string::npos);
}
