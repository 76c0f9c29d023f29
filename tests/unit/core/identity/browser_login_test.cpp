// SPDX-License-Identifier: Apache-2.0
// The code flow's client half: what leaves in the address, and which of what comes back counts.
#include "core/identity/browser_login.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::identity;

namespace {

constexpr const char* kRedirect = "http://127.0.0.1:40123/callback";

IssuerMetadata an_issuer() {
  IssuerMetadata out;
  out.issuer = "https://issuer.example";
  out.token_endpoint = "https://issuer.example/token";
  out.authorization_endpoint = "https://issuer.example/authorize";
  return out;
}

BrowserLogin a_login(RequestParameters parameters = {}) {
  static crypto::SystemRandom random;
  return BrowserLogin("hoop-cli", kRedirect, std::move(parameters), random);
}

/// The value of a field in an address or a form; nothing in these tests is encoded but signs.
std::string field(std::string_view text, std::string name) {
  const std::size_t at = text.find((name += '='));
  if (at == std::string_view::npos) return "(none)";
  REQUIRE((at == 0 || text[at - 1] == '?' || text[at - 1] == '&'));
  text.remove_prefix(at + name.size());
  return std::string(text.substr(0, text.find('&')));
}

}  // namespace

TEST_CASE("browser login: the page names client, way back and challenge, and no secret") {
  const BrowserLogin login = a_login({{"resource", "https://gw.example"}});
  const std::string page = login.page(an_issuer()).value();
  CHECK(page.starts_with("https://issuer.example/authorize?response_type=code&"));
  CHECK(field(page, "client_id") == "hoop-cli");
  CHECK(field(page, "redirect_uri") == "http%3A%2F%2F127.0.0.1%3A40123%2Fcallback");
  CHECK(field(page, "resource") == "https%3A%2F%2Fgw.example");
  CHECK(field(page, "code_challenge_method") == "S256");
  const std::string form = login.code_request(SecretText("the code")).reveal();
  const std::string verifier = field(form, "code_verifier");
  CHECK(verifier.size() == 43);
  CHECK(page.find(verifier) == std::string::npos);
  CHECK(field(page, "code_challenge") == to_base64url(crypto::sha256(as_bytes(verifier))));
  CHECK(field(form, "grant_type") == "authorization_code");
  CHECK(field(form, "code") == "the%20code");
  CHECK(field(form, "redirect_uri") == field(page, "redirect_uri"));
  CHECK(field(form, "resource") == field(page, "resource"));
  // Two logins have nothing in common.
  const BrowserLogin other = a_login();
  CHECK(field(other.page(an_issuer()).value(), "state") != field(page, "state"));
  CHECK(field(other.code_request(SecretText("x")).reveal(), "code_verifier") != verifier);
}

TEST_CASE(
    "browser login: a lasting login is asked for with consent, and an endpoint keeps its query") {
  IssuerMetadata issuer = an_issuer();
  issuer.authorization_endpoint = "https://issuer.example/authorize?tenant=7";
  const BrowserLogin lasting = a_login({{"scope", "openid offline_access"}});
  const std::string page = lasting.page(issuer).value();
  CHECK(page.starts_with("https://issuer.example/authorize?tenant=7&response_type=code&"));
  CHECK(field(page, "prompt") == "consent");
  const std::string form = lasting.code_request(SecretText("x")).reveal();
  CHECK(field(form, "scope") == "(none)");
  CHECK(field(form, "prompt") == "(none)");
  CHECK(field(a_login({{"scope", "openid"}}).page(issuer).value(), "prompt") == "(none)");
  const BrowserLogin said = a_login({{"scope", "offline_access"}, {"prompt", "select_account"}});
  CHECK(field(said.page(issuer).value(), "prompt") == "select_account");
}

TEST_CASE("browser login: an issuer without the page or without S256 is none") {
  IssuerMetadata issuer = an_issuer();
  issuer.code_challenge_methods = {"plain"};
  CHECK(a_login().page(issuer).error().code == ErrorCode::unsupported);
  issuer.code_challenge_methods = {"plain", "S256"};
  CHECK(a_login().page(issuer));
  issuer.authorization_endpoint.clear();
  CHECK(a_login().page(issuer).error().code == ErrorCode::unsupported);
}

TEST_CASE("browser login: which of what comes back counts") {
  const BrowserLogin login = a_login();
  IssuerMetadata issuer = an_issuer();
  issuer.names_itself_in_answers = GENERATE(false, true);
  const std::string state = field(login.page(issuer).value(), "state");
  const auto returned = [&](BrowserLogin::Fields fields) { return login.returned(fields, issuer); };
  const std::pair<std::string, std::string> ours{"state", state}, from{"iss", issuer.issuer};

  const auto good = returned({{"code", "abc"}, ours, from});
  REQUIRE(good);
  REQUIRE(*good);
  CHECK((*good)->reveal() == "abc");

  // Not the person's: nothing happens.
  for (const BrowserLogin::Fields& fields :
       std::vector<BrowserLogin::Fields>{{},
                                         {{"code", "abc"}},
                                         {{"code", "abc"}, {"state", ""}, from},
                                         {{"code", "abc"}, {"state", state + "x"}, from},
                                         {{"code", "abc"}, {"state", state.substr(1)}, from},
                                         {{"error", "access_denied"}, {"state", "other"}},
                                         {{"code", "abc"}, {"State", state}, from}}) {
    const auto ignored = returned(fields);
    REQUIRE(ignored);
    CHECK_FALSE(*ignored);
  }

  struct Refused {
    BrowserLogin::Fields fields;
    ErrorCode code;
  };
  for (const Refused& refused : std::vector<Refused>{
           {{{"code", "abc"}, ours, {"iss", "https://evil.example"}}, ErrorCode::integrity},
           {{{"code", "abc"}, ours, {"iss", issuer.issuer + "/"}}, ErrorCode::integrity},
           {{{"code", "abc"}, ours, {"iss", ""}}, ErrorCode::integrity},
           {{{"error", "access_denied"}, ours, {"iss", "https://evil.example"}},
            ErrorCode::integrity},
           {{{"error", "access_denied"}, ours, from}, ErrorCode::denied},
           {{{"error", "access_denied"}, {"code", "abc"}, ours, from}, ErrorCode::denied},
           {{{"error", "invalid_scope"}, ours, from}, ErrorCode::upstream_refused},
           {{{"error", ""}, ours, from}, ErrorCode::upstream_refused},
           {{ours, from}, ErrorCode::malformed},
           {{{"code", ""}, ours, from}, ErrorCode::malformed},
           {{{"code", "a\nb"}, ours, from}, ErrorCode::malformed},
           {{{"code", std::string(5000, 'a')}, ours, from}, ErrorCode::malformed}}) {
    const auto answer = returned(refused.fields);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == refused.code);
  }

  const auto unnamed = returned({{"code", "abc"}, ours});
  CHECK(unnamed.has_value() != issuer.names_itself_in_answers);
  // What a peer says is shown without what a terminal would obey.
  const auto words = returned({{"error", "\x1b[31mred"}, ours, from});
  CHECK(words.error().message.find('\x1b') == std::string::npos);
}

TEST_CASE("browser login: what the issuer says to the code") {
  constexpr std::string_view kTokens =
      R"({"access_token":"at","token_type":"Bearer","expires_in":300,"refresh_token":"rt"})";
  const auto tokens = BrowserLogin::redeemed(200, kTokens);
  REQUIRE(tokens);
  CHECK(tokens->refresh_token.reveal() == "rt");
  CHECK(BrowserLogin::redeemed(200, "{}").error().code == ErrorCode::malformed);
  CHECK(BrowserLogin::redeemed(400, R"({"error":"invalid_grant"})").error().code ==
        ErrorCode::unauthenticated);
  CHECK_THAT(BrowserLogin::redeemed(401, R"({"error":"invalid_client"})").error().hint,
             Catch::Matchers::ContainsSubstring("public"));
  CHECK(BrowserLogin::redeemed(503, "").error().code == ErrorCode::upstream_refused);
}
