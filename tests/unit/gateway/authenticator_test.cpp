// SPDX-License-Identifier: Apache-2.0
// The keys of a foreign issuer: when they are asked for, how often, and what becomes of logins
// while they cannot be had.
#include "gateway/authenticator.h"

#include <fmt/format.h>

#include "core/identity/jwt.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/http_fixture.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

using std::chrono::seconds;

/// An issuer of whose answers a test decides.
struct Issuer {
  Issuer() {
    clock.steady = std::chrono::steady_clock::now();
    identity::TrustedIssuer trusted;
    trusted.issuer = url();
    trusted.audience = "https://gw.example";
    trusted.clients.emplace("hoop-cli", access::IdentityKind::person);
    net::Trust trust;
    trust.ca_pem = test::http_pki().ca_pem;
    authenticator = std::make_unique<Authenticator>(clock);
    auto keys =
        IssuerKeys::create(url(), std::move(trust), http.context.get_executor(), clock, log);
    authenticator->accept_foreign(std::move(trusted), std::move(keys).value());
  }
  std::string url() {
    const http::Url root = http.url("/");
    return fmt::format("https://localhost:{}", root.port);
  }
  asio::awaitable<http::Response> answer(http::Request request) {
    ++asked;
    if (status != 200) co_return http::problem_response(status, "away", "away");
    if (request.path() == "/jwks") {
      identity::KeySet set;
      for (const crypto::P256Key* key : published)
        set.keys.push_back(identity::verification_key(*key));
      co_return http::json_response(200, broken ? "{" : identity::jwks_to_json(set));
    }
    co_return http::json_response(
        200, fmt::format(R"({{"issuer":"{0}","token_endpoint":"{0}/token","jwks_uri":"{0}/jwks"}})",
                         claimed.empty() ? url() : claimed));
  }
  std::string token(const crypto::P256Key& key) {
    const auto now = std::chrono::duration_cast<seconds>(clock.system.time_since_epoch()).count();
    return identity::sign_jws(
        key, "at+jwt",
        fmt::format(
            R"({{"iss":"{}","sub":"alice","aud":"https://gw.example","client_id":"hoop-cli",)"
            R"("iat":{},"exp":{},"jti":"1"}})",
            url(), now, now + 300));
  }
  /// "alice", or the code of the failure.
  asio::awaitable<std::string> who(std::string token) {
    const auto identity = co_await authenticator->authenticate(std::move(token));
    co_return identity ? identity->subject : std::string(to_string(identity.error().code));
  }
  void run(const std::function<asio::awaitable<void>()>& scenario) { http.run(scenario); }

  test::FakeClock clock;
  NullLog log;
  crypto::P256Key first = crypto::P256Key::generate();
  crypto::P256Key second = crypto::P256Key::generate();
  std::vector<const crypto::P256Key*> published{&first};
  int asked = 0;
  int status = 200;
  bool broken = false;
  std::string claimed;  // instead of its own name
  test::HttpFixture http{test::Transport::tls,
                         [this](http::Request request,
                                const http::ConnectionInfo&) -> asio::awaitable<http::Response> {
                           return answer(std::move(request));
                         }};
  std::unique_ptr<Authenticator> authenticator;
};

}  // namespace

TEST_CASE("authenticator: keys are asked for once, and again for a new one, a minute apart") {
  Issuer issuer;
  issuer.run([&]() -> asio::awaitable<void> {
    const std::string old_token = issuer.token(issuer.first);
    const auto who1 = co_await issuer.who(old_token);
    CHECK(who1 == "alice");
    CHECK(issuer.asked == 2);
    const auto who2 = co_await issuer.who(old_token);
    CHECK(who2 == "alice");
    CHECK(issuer.asked == 2);
    issuer.published = {&issuer.second};
    const auto who3 = co_await issuer.who(issuer.token(issuer.second));
    CHECK(who3 == "unauthenticated");
    CHECK(issuer.asked == 2);
    issuer.clock.advance(seconds(61));
    const auto who4 = co_await issuer.who(issuer.token(issuer.second));
    CHECK(who4 == "alice");
    CHECK(issuer.asked == 4);
    // What the first key signed is good no more; nor does it make anybody ask at once.
    const auto who5 = co_await issuer.who(issuer.token(issuer.first));
    CHECK(who5 == "unauthenticated");
    CHECK(issuer.asked == 4);
    // What is no token of this issuer's never does.
    issuer.clock.advance(seconds(61));
    for (const char* other : {"", "a.b.c", "eyJhbGciOiJub25lIn0.e30.AA"}) {
      const auto who6 = co_await issuer.who(other);
      CHECK(who6 == "unauthenticated");
    }
    CHECK(issuer.asked == 4);
  });
}

TEST_CASE(
    "authenticator: while there are no keys nobody is let in, and the issuer is not pressed") {
  struct Trouble {
    const char* name;
    std::function<void(Issuer&)> begin;
  };
  const Trouble troubles[] = {
      {"an error", [](Issuer& issuer) { issuer.status = 500; }},
      {"no JSON", [](Issuer& issuer) { issuer.broken = true; }},
      {"no key", [](Issuer& issuer) { issuer.published.clear(); }},
      {"another issuer's description",
       [](Issuer& issuer) { issuer.claimed = "https://evil.example"; }},
  };
  for (const Trouble& trouble : troubles) {
    INFO(trouble.name);
    Issuer issuer;
    trouble.begin(issuer);
    issuer.run([&]() -> asio::awaitable<void> {
      const auto who1 = co_await issuer.who(issuer.token(issuer.first));
      CHECK(who1 == "upstream_unreachable");
      const int asked = issuer.asked;
      const auto who2 = co_await issuer.who(issuer.token(issuer.first));
      CHECK(who2 == "upstream_unreachable");
      CHECK(issuer.asked == asked);
      issuer.status = 200;
      issuer.broken = false;
      issuer.claimed.clear();
      issuer.published = {&issuer.first};
      issuer.clock.advance(seconds(6));
      const auto who3 = co_await issuer.who(issuer.token(issuer.first));
      CHECK(who3 == "alice");
    });
  }
}

TEST_CASE("authenticator: keys that cannot be renewed are good for a day") {
  Issuer issuer;
  issuer.run([&]() -> asio::awaitable<void> {
    const auto who1 = co_await issuer.who(issuer.token(issuer.first));
    CHECK(who1 == "alice");
    issuer.status = 503;
    issuer.clock.advance(std::chrono::hours(23));
    const int asked = issuer.asked;
    const auto who2 = co_await issuer.who(issuer.token(issuer.first));
    CHECK(who2 == "alice");
    CHECK(issuer.asked == asked + 1);
    issuer.clock.advance(std::chrono::hours(2));
    const auto who3 = co_await issuer.who(issuer.token(issuer.first));
    CHECK(who3 == "upstream_unreachable");
    issuer.status = 200;
    issuer.clock.advance(seconds(6));
    const auto who4 = co_await issuer.who(issuer.token(issuer.first));
    CHECK(who4 == "alice");
  });
}

TEST_CASE("authenticator: many who come at once wait for one answer") {
  Issuer issuer;
  issuer.run([&]() -> asio::awaitable<void> {
    int good = 0, open = 20;
    asio::steady_timer all(issuer.http.context, asio::steady_timer::time_point::max());
    const auto ask = [&]() -> asio::awaitable<void> {
      const auto who = co_await issuer.who(issuer.token(issuer.first));
      if (who == "alice") ++good;
      if (--open == 0) all.cancel();
    };
    for (int i = 0; i < 20; ++i)
      asio::co_spawn(issuer.http.context, ask(), [](const std::exception_ptr&) {});
    while (open > 0) co_await all.async_wait(as_result);
    CHECK(good == 20);
    CHECK(issuer.asked == 2);
  });
}

TEST_CASE("authenticator: the embedded provider's keys are at hand") {
  test::FakeClock clock;
  const auto key = crypto::P256Key::generate();
  identity::TrustedIssuer trusted;
  trusted.issuer = "https://gw.example";
  trusted.audience = "https://gw.example";
  trusted.clients.emplace("hoopctl", access::IdentityKind::person);
  trusted.keys.keys = {identity::verification_key(key)};
  Authenticator authenticator(clock);
  authenticator.accept(std::move(trusted));
  asio::io_context context;
  const auto now = std::chrono::duration_cast<seconds>(clock.system.time_since_epoch()).count();
  const std::string token = identity::sign_jws(
      key, "at+jwt",
      fmt::format(R"({{"iss":"https://gw.example","sub":"bob","aud":"https://gw.example",)"
                  R"("client_id":"hoopctl","iat":{},"exp":{},"jti":"1"}})",
                  now, now + 300));
  const auto identity = test::run(context, authenticator.authenticate(token));
  REQUIRE(identity);
  CHECK(identity->subject == "bob");
  const auto refused = test::run(context, authenticator.authenticate("x"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unauthenticated);
}
