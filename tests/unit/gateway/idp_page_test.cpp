// SPDX-License-Identifier: Apache-2.0
#include "gateway/audit.h"
#include "gateway/idp/device_requests.h"
#include "gateway/idp/pages.h"
#include "tests/unit/gateway/idp_support.h"

using namespace hoop;
using namespace hoop::test;
using namespace std::chrono_literals;

namespace {

/// A browser that has signed in and sees the two buttons.
Browser at_decision(IdpWorld& world, const std::string& user_code) {
  Browser browser(world);
  browser.open(user_code);
  REQUIRE(browser.sign_in("alice", kPassword).status == 200);
  return browser;
}

}  // namespace

TEST_CASE("every page forbids scripts, frames, caches and referrers") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  const std::vector<http::Response> pages{world.get("/device"),
                                          browser.open(started.user_code),
                                          browser.sign_in("alice", "wrong password"),
                                          browser.sign_in("alice", kPassword),
                                          browser.decide("approve"),
                                          browser.open("BCDF-GHJK"),
                                          world.post("/device", "x=1")};
  for (const auto& page : pages) {
    const std::string policy(page.headers.find("content-security-policy").value());
    CHECK(policy.find("default-src 'none'") != std::string::npos);
    CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(page.headers.find("x-frame-options") == "DENY");
    CHECK(page.headers.find("cache-control") == "no-store");
    CHECK(page.headers.find("referrer-policy") == "no-referrer");
    CHECK(page.headers.find("x-content-type-options") == "nosniff");
    CHECK(page.body.find("<script") == std::string::npos);
  }
}

TEST_CASE("the policy names the digest of exactly the style that the pages carry") {
  const std::string html = gateway::idp::code_page("");
  const std::size_t start = html.find("<style>") + 7;
  const std::string style = html.substr(start, html.find("</style>") - start);
  CHECK(gateway::idp::page_security_policy().find(
            "'sha256-" + to_base64(crypto::sha256(as_bytes(style))) + "'") != std::string::npos);
}

TEST_CASE(
    "the cookie is for this host, over TLS, unseen by scripts and other sites, and changes at "
    "sign-in") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  const auto form = browser.open(started.user_code);
  const std::string field(form.headers.find("set-cookie").value());
  CHECK(field.starts_with("__Host-"));
  for (const char* attribute : {"; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"})
    CHECK(field.find(attribute) != std::string::npos);
  const std::string before = browser.cookie;
  CHECK(browser.open(started.user_code).status == 200);
  CHECK(browser.cookie == before);
  browser.sign_in("alice", kPassword);
  CHECK(browser.cookie != before);
}

TEST_CASE("what a requester calls itself cannot become markup or move the cursor") {
  IdpWorld world;
  http::Form form;
  form.add("client_id", "hoopctl");
  form.add("client_host", "<b onload=x>\"'&\x1b[2J\xe2\x80\xae" + std::string(500, 'y'));
  const auto answer =
      nlohmann::json::parse(world.post("/oauth/device_authorization", form.encode()).body);
  Browser browser(world);
  browser.open(answer["user_code"]);
  const auto page = browser.sign_in("alice", kPassword);
  CHECK(page.body.find("&lt;b onload=x&gt;&quot;&#39;&amp;[2J") != std::string::npos);
  CHECK(page.body.find('\x1b') == std::string::npos);
  CHECK(page.body.find(std::string(100, 'y')) == std::string::npos);
}

TEST_CASE("a form without its token, its cookie or its site is refused") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser = at_decision(world, started.user_code);
  const Browser good = browser;
  SECTION("no token") { browser.csrf.clear(); }
  SECTION("a made-up token") { browser.csrf = std::string(43, 'A'); }
  SECTION("no cookie") { browser.cookie.clear(); }
  SECTION("another browser's cookie") {
    Browser other(world);
    other.open(started.user_code);
    browser.cookie = other.cookie;
  }
  SECTION("the token of another step") {
    Browser other = good;
    other.open(started.user_code);
    browser.csrf = other.csrf;
  }
  SECTION("the token of another request") {
    const auto second = world.start();
    browser = at_decision(world, second.user_code);
    browser.user_code = started.user_code;
  }
  SECTION("two cookies") { browser.cookie += "; " + browser.cookie; }
  CHECK(browser.decide("approve").status == 403);
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
}

TEST_CASE("a form that another site sends is refused even with token and cookie") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser = at_decision(world, started.user_code);
  http::Request request{
      "POST",
      "/device",
      {{"Content-Type", "application/x-www-form-urlencoded"},
       {"Cookie", browser.cookie},
       {"Sec-Fetch-Site", "cross-site"}},
      "step=decide&csrf=" + browser.csrf + "&user_code=" + browser.user_code + "&decision=approve"};
  CHECK(world.send(request)->status == 403);
  request.headers.set("Sec-Fetch-Site", "same-origin");
  CHECK(world.send(request)->status == 200);
}

TEST_CASE("approving needs a sign-in of this browser for this request a moment ago") {
  IdpWorld world;
  const auto started = world.start();
  Browser first = at_decision(world, started.user_code);
  SECTION("too long ago") { world.clock.advance(181s); }
  SECTION("another browser has signed in since") { at_decision(world, started.user_code); }
  const auto response = first.decide("approve");
  CHECK(response.status == 403);
  CHECK(response.body.find("Sign in again") != std::string::npos);
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
  REQUIRE(first.sign_in("alice", kPassword).status == 200);
  CHECK(first.decide("approve").status == 200);
}

TEST_CASE("the page says when a sign-in is for approving, and of others it does not") {
  IdpWorld world;
  const std::string words =
      "This sign-in lets whoever asked for it approve or reject requests of others as you, for "
      "five minutes. It is for nothing else.";
  Browser login(world);
  login.open(world.start().user_code);
  CHECK(login.sign_in("alice", kPassword).body.find(words) == std::string::npos);
  const auto started = world.start_approving();
  Browser browser(world);
  browser.open(started.user_code);
  const auto page = browser.sign_in("alice", kPassword);
  CHECK(page.body.find(words) != std::string::npos);
  CHECK(page.body.find("Let this device act as you") == std::string::npos);
  CHECK(page.body.find(started.user_code) != std::string::npos);
  // It signs in, and approves no request.
  CHECK(page.body.find(">Approve<") == std::string::npos);
  CHECK(browser.decide("approve").body.find("Nothing is decided yet") != std::string::npos);
}

TEST_CASE("a sign-in for approving needs the password, whoever has signed in in this browser") {
  IdpWorld world;
  const auto first = world.start();
  Browser browser = at_decision(world, first.user_code);
  const auto started = world.start_approving();
  SECTION("after a login") { CHECK(browser.decide("approve").status == 200); }
  SECTION("beside one that is not decided") {}
  SECTION("after another sign-in for approving") {
    browser = at_decision(world, world.start_approving().user_code);
    CHECK(browser.decide("approve").status == 200);
  }
  Browser other = browser;
  const auto form = other.open(started.user_code);
  CHECK(form.body.find("name=\"password\"") != std::string::npos);
  CHECK(form.body.find("name=\"decision\"") == std::string::npos);
  CHECK(other.decide("approve").status == 403);
  // The token of the form that is there, for the request that it is not about.
  browser.user_code = started.user_code;
  CHECK(browser.decide("approve").status == 403);
  CHECK(other.sign_in("alice", "wrong password").status == 403);
  CHECK(other.decide("approve").status == 403);
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
}

TEST_CASE("a decision is approve or deny, and the first one counts") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser = at_decision(world, started.user_code);
  CHECK(browser.decide("maybe").status == 400);
  CHECK(browser.decide("").status == 400);
  Browser again = browser;
  CHECK(browser.decide("deny").status == 200);
  CHECK(again.decide("approve").status == 400);
  CHECK(error_of(world.poll(started.device_code)) == "access_denied");
}

TEST_CASE("an unknown user, a disabled user and a wrong password look the same") {
  IdpWorld world;
  auto users = gateway::idp::UserStore::open(world.database).value();
  REQUIRE(users.add_user("bob", SecretText(kPassword), {}, world.random, world.clock.system_now()));
  REQUIRE(users.set_state("bob", gateway::idp::UserStore::State::disabled));
  const auto started = world.start();
  const auto attempt = [&](const std::string& user, const std::string& password) {
    Browser browser(world);
    browser.open(started.user_code);
    const auto response = browser.sign_in(user, password);
    std::string body = response.body;
    body.replace(body.find(browser.csrf), browser.csrf.size(), "CSRF");
    return std::to_string(response.status) + body;
  };
  const std::string wrong = attempt("alice", "wrong password");
  CHECK(wrong.starts_with("403"));
  CHECK(attempt("nobody", kPassword) == wrong);
  CHECK(attempt("bob", kPassword) == wrong);
  CHECK(attempt("alice", "") == wrong);
}

TEST_CASE("a hundred wrong passwords lock a user out, until an operator says otherwise") {
  using gateway::idp::UserStore;
  IdpWorld world;
  auto users = UserStore::open(world.database).value();
  // All but the last two as they would come over days.
  for (std::int64_t i = 2; i < UserStore::kMostWrongPasswords; ++i)
    CHECK_FALSE(users.wrong_password("alice").value());
  const auto status_of = [&](const std::string& password) {
    world.clock.advance(std::chrono::seconds(61));
    const auto started = world.start();
    Browser browser(world);
    browser.open(started.user_code);
    return browser.sign_in("alice", password).status;
  };
  CHECK(status_of("wrong password") == 403);
  CHECK_FALSE(users.find_user("alice").value()->locked);
  CHECK(status_of("wrong password") == 403);
  CHECK(users.find_user("alice").value()->locked);
  CHECK(users.list_users().value()[0].locked);
  const auto acts = gateway::Audit::open(world.database).value().newest(10).value();
  REQUIRE(acts.size() == 1);
  CHECK(acts[0].by == "hoopctl");
  CHECK(acts[0].act == "user.lock");
  CHECK(acts[0].what == "alice");
  CHECK(acts[0].words.starts_with("100 wrong passwords, the last from "));
  CHECK(status_of(kPassword) == 403);
  REQUIRE(users.set_state("alice", UserStore::State::enabled));
  CHECK(status_of(kPassword) == 200);

  // A right one begins the count anew, and so does another password.
  for (std::int64_t i = 1; i < UserStore::kMostWrongPasswords; ++i)
    REQUIRE(users.wrong_password("alice"));
  CHECK(status_of(kPassword) == 200);
  for (std::int64_t i = 1; i < UserStore::kMostWrongPasswords; ++i)
    CHECK_FALSE(users.wrong_password("alice").value());
  CHECK(users.wrong_password("alice").value());
  CHECK_FALSE(users.wrong_password("alice").value());
  REQUIRE(users.set_password("alice", SecretText("another password"), world.random));
  CHECK(status_of("another password") == 200);
}

TEST_CASE("wrong passwords of unknown names are written too, under one name, and lock nobody") {
  using gateway::idp::UserStore;
  IdpWorld world;
  auto users = UserStore::open(world.database).value();
  for (std::int64_t i = 0; i < UserStore::kMostWrongPasswords + 1; ++i)
    CHECK_FALSE(users.wrong_password(i % 2 == 0 ? "nobody" : "").value());
  const auto rows = world.database.find("SELECT count(*), max(tries) FROM idp_wrong_passwords");
  REQUIRE((rows && *rows));
  CHECK((*rows)->integer(0) == 1);
  CHECK((*rows)->integer(1) == UserStore::kMostWrongPasswords + 1);
  // Whoever takes one of the names later begins at none.
  REQUIRE(
      users.add_user("nobody", SecretText(kPassword), {}, world.random, world.clock.system_now()));
  CHECK(users.password_hash("nobody").value());
}

TEST_CASE(
    "guessing one user's password slows down, from wherever it comes, and does not stop the "
    "others") {
  IdpWorld world;
  auto users = gateway::idp::UserStore::open(world.database).value();
  REQUIRE(users.add_user("bob", SecretText(kPassword), {}, world.random, world.clock.system_now()));
  const auto started = world.start();
  const auto attempt = [&](const std::string& user, const std::string& password, int host) {
    Browser browser(world, "203.0.113." + std::to_string(host));
    browser.open(started.user_code);
    return browser.sign_in(user, password);
  };
  for (int i = 1; i <= 6; ++i) CHECK(attempt("alice", "wrong password", i).status == 403);
  const auto limited = attempt("alice", kPassword, 7);
  CHECK(limited.status == 429);
  CHECK(limited.headers.find("retry-after"));
  CHECK(attempt("bob", kPassword, 8).status == 200);
  world.clock.advance(1s);
  CHECK(attempt("alice", "wrong password", 9).status == 403);
  world.clock.advance(1s);
  CHECK(attempt("alice", kPassword, 10).status == 429);
  world.clock.advance(1s);
  CHECK(attempt("alice", kPassword, 11).status == 200);
}

TEST_CASE(
    "guessing from one address slows down whoever it guesses at, also after a success of its own") {
  IdpWorld world;
  auto users = gateway::idp::UserStore::open(world.database).value();
  REQUIRE(
      users.add_user("mallory", SecretText(kPassword), {}, world.random, world.clock.system_now()));
  const auto started = world.start();
  Browser browser(world, "2001:db8::1");
  browser.open(started.user_code);
  for (int i = 0; i < 10; ++i)
    CHECK(browser.sign_in("user" + std::to_string(i), "wrong password").status == 403);
  Browser neighbour(world, "2001:db8::2");  // the same /64
  neighbour.open(started.user_code);
  CHECK(neighbour.sign_in("mallory", kPassword).status == 200);
  browser.open(started.user_code);
  CHECK(browser.sign_in("alice", "wrong password").status == 403);
  browser.open(started.user_code);
  CHECK(browser.sign_in("alice", "wrong password").status == 429);
}

TEST_CASE("guessing codes slows down an address, and in the end everybody") {
  gateway::idp::Settings settings;
  settings.wrong_codes_in_five_minutes = 30;
  IdpWorld world(settings);
  const auto started = world.start();
  const auto guess = [&](int host) {
    return world.get("/device?user_code=BBBBBBBB", {}, "203.0.113." + std::to_string(host)).status;
  };
  for (int i = 0; i < 11; ++i) CHECK(guess(1) == 400);
  CHECK(guess(1) == 429);
  CHECK(world.get("/device?user_code=" + started.user_code, {}, "203.0.113.1").status == 429);
  CHECK(world.get("/device?user_code=" + started.user_code, {}, "203.0.113.2").status == 200);
  for (int i = 0; i < 19; ++i) CHECK(guess(10 + i) == 400);
  CHECK(guess(99) == 429);
  CHECK(world.get("/device?user_code=" + started.user_code, {}, "203.0.113.98").status == 429);
  world.clock.advance(100s);
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
}

TEST_CASE("a code may be typed in any case, with or without its dash") {
  using gateway::idp::normalise_user_code;
  CHECK(normalise_user_code("bcdf ghjk") == "BCDF-GHJK");
  CHECK(normalise_user_code("BCDFGHJK") == "BCDF-GHJK");
  CHECK(normalise_user_code("-b-c-d-f-g-h-j-k-") == "BCDF-GHJK");
  for (const char* bad :
       {"", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ1", "BCDF_GHJK", "<script>"}) {
    INFO(bad);
    CHECK_FALSE(normalise_user_code(bad));
  }
  CHECK_FALSE(normalise_user_code(std::string(100, '-') + "BCDFGHJK"));
}

TEST_CASE("a page asked for wrongly answers and keeps its head") {
  IdpWorld world;
  CHECK(world.get("/device").status == 200);
  CHECK(world.get("/device?user_code=").status == 200);
  CHECK(world.get("/device?user_code=%zz").status == 400);
  CHECK(world.get("/device?user_code=a&user_code=b").status == 400);
  CHECK(world.get("/device?user_code=%3Cscript%3E").status == 400);
  CHECK(world.send({"DELETE", "/device", {}, {}})->status == 405);
  CHECK(world.send({"POST", "/device", {{"Content-Type", "text/plain"}}, "step=decide"})->status ==
        415);
  CHECK(world.post("/device", std::string(9000, 'a')).status == 413);
  CHECK(world.post("/device", "step=decide&step=sign_in").status == 400);
}
