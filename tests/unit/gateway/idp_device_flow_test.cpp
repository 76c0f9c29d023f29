// SPDX-License-Identifier: Apache-2.0
#include "core/identity/device_login.h"
#include "core/identity/discovery.h"
#include "gateway/idp/logins.h"
#include "gateway/idp/schema.h"
#include "tests/unit/gateway/idp_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::test;
using namespace std::chrono_literals;

namespace {

/// Approves as alice and answers the tokens.
nlohmann::json log_in(IdpWorld& world) {
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  REQUIRE(browser.decide("approve").status == 200);
  const auto response = world.poll(started.device_code);
  REQUIRE(response.status == 200);
  return nlohmann::json::parse(response.body);
}

}  // namespace

TEST_CASE("our own client logs in through the whole device flow and the gateway knows who it is") {
  IdpWorld world;
  const auto metadata =
      identity::parse_issuer_metadata(world.get("/.well-known/openid-configuration").body,
                                      "https://gw.example:8443")
          .value();
  CHECK(metadata.token_endpoint == "https://gw.example:8443/oauth/token");
  CHECK(identity::parse_jwks(world.get("/oauth/jwks").body).value() == world.idp->keys());

  identity::DeviceLogin login("hoopctl", "laptop", world.clock);
  const auto answer = world.post("/oauth/device_authorization", login.start_request().reveal());
  const auto prompt = login.started(answer.status, answer.body).value();
  CHECK(prompt.verification_uri == "https://gw.example:8443/device");
  CHECK(prompt.expires_in == 300s);
  const auto poll = [&] {
    world.clock.advance(std::chrono::duration_cast<std::chrono::milliseconds>(login.next_poll() -
                                                                              world.clock.steady));
    const auto response = world.post("/oauth/token", login.poll_request().reveal());
    return login.polled(response.status, response.body);
  };
  CHECK_FALSE(poll().value());

  Browser browser(world);
  CHECK(browser.open(prompt.user_code).status == 200);
  const auto decision = browser.sign_in("alice", kPassword);
  CHECK(decision.status == 200);
  for (const std::string& shown :
       {prompt.user_code, std::string("hoopctl command line"), std::string("192.0.2.7"),
        std::string("laptop"), std::string("2026-11-20T00:00:00"), std::string("alice")}) {
    INFO(shown);
    CHECK(decision.body.find(shown) != std::string::npos);
  }
  CHECK_FALSE(poll().value());
  CHECK(browser.decide("approve").status == 200);
  const auto tokens = poll().value();
  REQUIRE(tokens);
  const auto identity = verifier_of(world).verify(tokens->access_token.reveal()).value();
  CHECK(identity.subject == "alice");
  CHECK(identity.groups == std::vector<std::string>{"dba", "ops"});
  CHECK(identity.kind == access::IdentityKind::person);
  CHECK(tokens->expires_in == 300s);
  world.clock.advance(361s);
  CHECK_FALSE(verifier_of(world).verify(tokens->access_token.reveal()));
}

TEST_CASE("a code gives tokens once") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  browser.decide("approve");
  CHECK(world.poll(started.device_code).status == 200);
  CHECK(error_of(world.poll(started.device_code)) == "invalid_grant");
}

TEST_CASE("who polls faster than the interval is slowed down by five seconds each time") {
  IdpWorld world;
  const auto started = world.start();
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
  world.clock.advance(4s);
  CHECK(error_of(world.poll(started.device_code)) == "slow_down");
  world.clock.advance(9s);
  CHECK(error_of(world.poll(started.device_code)) == "slow_down");
  world.clock.advance(14s);
  CHECK(error_of(world.poll(started.device_code)) == "slow_down");
  world.clock.advance(20s);
  CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
}

TEST_CASE("the interval can be set for tests") {
  gateway::idp::Settings settings;
  settings.poll_interval = 1s;
  IdpWorld world(settings);
  const auto started = world.start();
  for (int i = 0; i < 5; ++i) {
    CHECK(error_of(world.poll(started.device_code)) == "authorization_pending");
    world.clock.advance(1s);
  }
}

TEST_CASE("a denied request stays denied") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  CHECK(browser.decide("deny").body.find("Denied") != std::string::npos);
  CHECK(error_of(world.poll(started.device_code)) == "access_denied");
  CHECK(error_of(world.poll(started.device_code)) == "access_denied");
  CHECK(browser.open(started.user_code).status == 400);
}

TEST_CASE("a code expires for the browser and for the client") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  world.clock.advance(300s);
  CHECK(browser.sign_in("alice", kPassword).status == 400);
  CHECK(error_of(world.poll(started.device_code)) == "expired_token");
  world.clock.advance(1h);
  world.start();  // purges
  CHECK(error_of(world.poll(started.device_code)) == "invalid_grant");
  CHECK(world.database.find("SELECT count(*) FROM idp_device_requests").value()->integer(0) == 1);
}

TEST_CASE("an approval that nobody fetched in time is worth nothing") {
  IdpWorld world;
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  browser.decide("approve");
  world.clock.advance(300s);
  CHECK(error_of(world.poll(started.device_code)) == "expired_token");
}

TEST_CASE("a refresh token is good once, and its successor takes over") {
  IdpWorld world;
  const auto first = log_in(world);
  const auto second = world.refresh(first["refresh_token"]);
  REQUIRE(second.status == 200);
  const auto json = nlohmann::json::parse(second.body);
  CHECK(json["refresh_token"] != first["refresh_token"]);
  CHECK(verifier_of(world).verify(json["access_token"].get<std::string>()));
  CHECK(world.refresh(json["refresh_token"]).status == 200);
}

TEST_CASE("a login is bound to the key that its client proves, refresh tokens included") {
  IdpWorld world;
  const auto key = crypto::P256Key::generate(), other = crypto::P256Key::generate();
  const auto started = world.start();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  REQUIRE(browser.decide("approve").status == 200);
  const std::string device =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=hoopctl&"
      "device_code=" +
      started.device_code;
  // A clock that is off costs one more question, and not the code.
  const auto late = world.ask_for_tokens(device, &key, std::chrono::hours(-2));
  CHECK(late.status == 400);
  CHECK(error_of(late) == "use_dpop_nonce");
  const std::string nonce(late.headers.only("DPoP-Nonce").value_or(""));
  const auto answer = world.ask_for_tokens(device, &key, std::chrono::hours(-2), nonce);
  REQUIRE(answer.status == 200);
  const auto json = nlohmann::json::parse(answer.body);
  CHECK(json["token_type"] == "DPoP");
  const std::string access = json["access_token"],
                    thumbprint = identity::thumbprint(key.public_key());
  CHECK(verifier_of(world).verify(access, thumbprint)->subject == "alice");
  CHECK_FALSE(verifier_of(world).verify(access));

  const std::string refresh = "grant_type=refresh_token&client_id=hoopctl&refresh_token=" +
                              json["refresh_token"].get<std::string>();
  CHECK(error_of(world.ask_for_tokens(refresh, nullptr)) == "invalid_grant");
  CHECK(error_of(world.ask_for_tokens(refresh, &other)) == "invalid_grant");
  // Nobody without the key has used it up.
  const auto second = world.ask_for_tokens(refresh, &key);
  REQUIRE(second.status == 200);
  CHECK(verifier_of(world).verify(
      nlohmann::json::parse(second.body)["access_token"].get<std::string>(), thumbprint));
}

TEST_CASE("a proof that is none gets no tokens") {
  IdpWorld world;
  http::Request request{"POST",
                        "/oauth/token",
                        {{"Content-Type", "application/x-www-form-urlencoded"},
                         {"Host", "gw.example:8443"},
                         {"DPoP", "a.b.c"}},
                        "grant_type=refresh_token&client_id=hoopctl&refresh_token=x"};
  CHECK(error_of(world.send(request).value()) == "invalid_dpop_proof");
  request.headers.add("DPoP", "d.e.f");
  CHECK(error_of(world.send(request).value()) == "invalid_dpop_proof");
}

TEST_CASE("a database from before there were keys goes on to be used") {
  auto database = Database::open_in_memory().value();
  REQUIRE(database.script(
      "CREATE TABLE idp_logins (family INTEGER PRIMARY KEY, subject TEXT NOT NULL, client_id TEXT "
      "NOT NULL, started_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, ended INTEGER NOT NULL "
      "DEFAULT 0) STRICT"));
  REQUIRE(idp::make_tables(database));
  REQUIRE(idp::make_tables(database));
  crypto::SystemRandom random;
  FakeClock clock;
  idp::Logins logins(database);
  const auto token =
      logins.start("alice", "hoopctl", "", clock.system_now(), std::chrono::hours(1), random);
  REQUIRE(token);
  CHECK(logins.rotate(token->reveal(), "hoopctl", "", clock.system_now(), random)->state ==
        idp::Logins::Rotation::State::rotated);
}

TEST_CASE("a refresh token that comes twice ends the login for both holders") {
  IdpWorld world;
  const auto stolen = log_in(world);
  const auto other = log_in(world);
  const auto next = nlohmann::json::parse(world.refresh(stolen["refresh_token"]).body);
  CHECK(error_of(world.refresh(stolen["refresh_token"])) == "invalid_grant");
  CHECK(error_of(world.refresh(next["refresh_token"])) == "invalid_grant");
  // Another login of the same person is another family.
  CHECK(world.refresh(other["refresh_token"]).status == 200);
}

TEST_CASE("a login ends after its absolute life however often it is refreshed") {
  IdpWorld world;
  std::string token = log_in(world)["refresh_token"];
  for (int hour = 0; hour < 11; ++hour) {
    world.clock.advance(1h);
    const auto response = world.refresh(token);
    REQUIRE(response.status == 200);
    token = nlohmann::json::parse(response.body)["refresh_token"];
  }
  world.clock.advance(1h);
  CHECK(error_of(world.refresh(token)) == "invalid_grant");
  CHECK(world.database.find("SELECT count(*) FROM idp_refresh_tokens").value()->integer(0) == 0);
}

TEST_CASE("a revoked login refreshes no more, and revoking tells nothing") {
  IdpWorld world;
  const auto tokens = log_in(world);
  const auto known = world.post(
      "/oauth/revoke", "client_id=hoopctl&token=" + tokens["refresh_token"].get<std::string>());
  const auto unknown = world.post("/oauth/revoke", "client_id=hoopctl&token=whatever");
  CHECK(known.status == 200);
  CHECK(known.body == unknown.body);
  CHECK(error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant");
}

TEST_CASE("a new password, disabling and removing end every login of that user") {
  IdpWorld world;
  auto users = gateway::idp::UserStore::open(world.database).value();
  const auto tokens = log_in(world);
  SECTION("a new password") {
    REQUIRE(users.set_password("alice", SecretText("another password"), world.random));
  }
  SECTION("disabling") {
    REQUIRE(users.set_state("alice", gateway::idp::UserStore::State::disabled));
  }
  SECTION("removing, even if the name comes again") {
    REQUIRE(users.remove_user("alice"));
    REQUIRE(users.add_user("alice", SecretText("another password"), {}, world.random,
                           world.clock.system_now()));
  }
  CHECK(error_of(world.refresh(tokens["refresh_token"])) == "invalid_grant");
}

TEST_CASE("neither codes nor tokens nor passwords stand in the database") {
  IdpWorld world;
  const auto pending = world.start();
  const auto tokens = log_in(world);
  std::string all;
  for (const char* table :
       {"idp_users", "idp_device_requests", "idp_logins", "idp_refresh_tokens"}) {
    auto rows = world.database.prepare(std::string("SELECT * FROM ") + table).value();
    while (rows.step().value()) {
      for (int column = 0; column < 14; ++column) all += rows.text(column) + "\n";
    }
  }
  CHECK(all.find("alice") != std::string::npos);
  for (const std::string& secret :
       {pending.device_code, pending.user_code, tokens["refresh_token"].get<std::string>(),
        tokens["access_token"].get<std::string>(), std::string(kPassword)}) {
    CHECK(all.find(secret) == std::string::npos);
  }
}

TEST_CASE("bad requests of the token endpoints get OAuth errors") {
  IdpWorld world;
  const struct {
    const char* path;
    const char* body;
    int status;
    const char* error;
  } cases[] = {
      {"/oauth/device_authorization", "", 401, "invalid_client"},
      {"/oauth/device_authorization", "client_id=other", 401, "invalid_client"},
      {"/oauth/device_authorization", "client_id=hoopctl&client_id=hoopctl", 400,
       "invalid_request"},
      {"/oauth/device_authorization", "client_id=%zz", 400, "invalid_request"},
      {"/oauth/token", "client_id=hoopctl", 400, "invalid_request"},
      {"/oauth/token", "client_id=hoopctl&grant_type=password&username=alice&password=x", 400,
       "unsupported_grant_type"},
      {"/oauth/token", "client_id=hoopctl&grant_type=client_credentials", 400,
       "unsupported_grant_type"},
      {"/oauth/token", "client_id=hoopctl&grant_type=refresh_token", 400, "invalid_request"},
      {"/oauth/token", "client_id=hoopctl&grant_type=refresh_token&refresh_token=x", 400,
       "invalid_grant"},
      {"/oauth/token", "client_id=hoopctl&grant_type=urn:ietf:params:oauth:grant-type:device_code",
       400, "invalid_request"},
      {"/oauth/token",
       "client_id=hoopctl&grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x",
       400, "invalid_grant"},
      {"/oauth/revoke", "client_id=hoopctl", 400, "invalid_request"},
  };
  for (const auto& c : cases) {
    INFO(c.path << " " << c.body);
    const auto response = world.post(c.path, c.body);
    CHECK(response.status == c.status);
    CHECK(error_of(response) == c.error);
    CHECK(response.headers.find("cache-control") == "no-store");
  }
  CHECK(world.post("/oauth/token", std::string(9000, 'a')).status == 413);
  CHECK(world.get("/oauth/token").status == 405);
  http::Request json{"POST", "/oauth/token", {{"Content-Type", "application/json"}}, "{}"};
  CHECK(world.send(json)->status == 415);
  CHECK(world.get("/oauth/other").status == 404);
  CHECK_FALSE(world.send({"GET", "/v1/targets", {}, {}}));
  CHECK_FALSE(world.send({"GET", "/devices", {}, {}}));
}

TEST_CASE("one address cannot fill the table of requests") {
  IdpWorld world;
  for (int i = 0; i < 60; ++i) world.start();
  const auto response = world.post("/oauth/device_authorization", "client_id=hoopctl");
  CHECK(response.status == 429);
  CHECK(response.headers.find("retry-after"));
  world.start("203.0.113.5");
  world.clock.advance(60s);
  world.start();
}
