// SPDX-License-Identifier: Apache-2.0
// Sign-ins of people who decide requests of others.
#include "core/identity/jwt.h"
#include "gateway/idp/device_requests.h"
#include "gateway/idp/schema.h"
#include "tests/unit/gateway/idp_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::test;
using namespace std::chrono_literals;

TEST_CASE("a sign-in for approving gives one token that says so and when, and nothing to renew") {
  IdpWorld world;
  const auto started = world.start_approving();
  Browser browser(world);
  browser.open(started.user_code);
  world.clock.advance(20s);
  REQUIRE(browser.sign_in("alice", kPassword).status == 200);
  const SystemTime signed_in = world.clock.system_now();
  world.clock.advance(30s);
  REQUIRE(browser.decide("approve").status == 200);
  world.clock.advance(40s);
  const auto answer = world.poll(started.device_code);
  REQUIRE(answer.status == 200);
  const auto json = nlohmann::json::parse(answer.body);
  CHECK_FALSE(json.contains("refresh_token"));
  CHECK(json["scope"] == "approve");
  CHECK(json["expires_in"] == 300);
  const std::string token = json["access_token"];
  const auto identity = verifier_of(world).verify(token).value();
  CHECK(identity.subject == "alice");
  CHECK(identity.groups == std::vector<std::string>{"dba", "ops"});
  CHECK(identity.is_for_approving);
  CHECK(identity.signed_in_at == signed_in);
  CHECK(identity.expires_at - identity.issued_at == 300s);
  const auto claims = identity::parse_jws(token)->claims;
  CHECK(*claims.text("scope") == "approve");

  CHECK(error_of(world.poll(started.device_code)) == "invalid_grant");
  CHECK(error_of(world.refresh(token)) == "invalid_grant");
  for (const char* table : {"idp_logins", "idp_refresh_tokens", "idp_device_requests"}) {
    INFO(table);
    CHECK(world.database.find(std::string("SELECT count(*) FROM ") + table).value()->integer(0) ==
          0);
  }
  const auto metadata = nlohmann::json::parse(world.get("/.well-known/openid-configuration").body);
  CHECK(metadata["scopes_supported"] == nlohmann::json{"hoopctl", "approve"});
}

TEST_CASE("a token for approving is bound to the key that its client proves") {
  IdpWorld world;
  const auto key = crypto::P256Key::generate();
  const auto started = world.start_approving();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  browser.decide("approve");
  const auto answer = world.ask_for_tokens(
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=hoopctl&"
      "device_code=" +
          started.device_code,
      &key);
  REQUIRE(answer.status == 200);
  const auto json = nlohmann::json::parse(answer.body);
  CHECK(json["token_type"] == "DPoP");
  const std::string token = json["access_token"];
  CHECK_FALSE(verifier_of(world).verify(token));
  CHECK(verifier_of(world).verify(token, identity::thumbprint(key.public_key()))->is_for_approving);
}

TEST_CASE("a token for approving lives no longer than other tokens, and never above five minutes") {
  gateway::idp::Settings settings;
  settings.access_token_life = GENERATE(60s, 3600s);
  const auto expected = std::min(settings.access_token_life, 300s);
  IdpWorld world(settings);
  const auto started = world.start_approving();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  browser.decide("approve");
  const auto json = nlohmann::json::parse(world.poll(started.device_code).body);
  CHECK(json["expires_in"] == expected.count());
  const auto identity = verifier_of(world).verify(json["access_token"].get<std::string>()).value();
  CHECK(identity.expires_at - identity.issued_at == expected);
}

TEST_CASE("who did not ask for it on the page is never given a token for approving") {
  IdpWorld world;
  const auto started = world.start("192.0.2.7", GENERATE("", "&scope=", "&scope=hoopctl"));
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  const SystemTime signed_in = world.clock.system_now();
  browser.decide("approve");
  const auto answer = world.poll(started.device_code + "&scope=approve");
  REQUIRE(answer.status == 200);
  const auto json = nlohmann::json::parse(answer.body);
  CHECK(json["scope"] == "hoopctl");
  const auto first = verifier_of(world).verify(json["access_token"].get<std::string>()).value();
  CHECK_FALSE(first.is_for_approving);
  CHECK(first.signed_in_at == signed_in);
  const auto second = world.refresh(json["refresh_token"].get<std::string>() + "&scope=approve");
  REQUIRE(second.status == 200);
  const std::string token = nlohmann::json::parse(second.body)["access_token"];
  CHECK_FALSE(verifier_of(world).verify(token)->is_for_approving);
}

TEST_CASE("a scope that there is not is refused, and no request made") {
  IdpWorld world;
  for (const char* scope : {"openid", "Approve", "approve%20", "approve%20hoopctl",
                            "hoopctl%20approve", "approve,hoopctl", "approve%09", "*"}) {
    INFO(scope);
    const auto response =
        world.post("/oauth/device_authorization", "client_id=hoopctl&scope=" + std::string(scope));
    CHECK(response.status == 400);
    CHECK(error_of(response) == "invalid_scope");
  }
  const auto twice =
      world.post("/oauth/device_authorization", "client_id=hoopctl&scope=hoopctl&scope=approve");
  CHECK(error_of(twice) == "invalid_request");
  CHECK(world.database.find("SELECT count(*) FROM idp_device_requests").value()->integer(0) == 0);
}

TEST_CASE("who was disabled between the page and the poll decides nothing") {
  IdpWorld world;
  const auto started = world.start_approving();
  Browser browser(world);
  browser.open(started.user_code);
  browser.sign_in("alice", kPassword);
  browser.decide("approve");
  SECTION("as an operator does it") {
    auto users = gateway::idp::UserStore::open(world.database).value();
    REQUIRE(users.set_state("alice", gateway::idp::UserStore::State::disabled));
    CHECK(error_of(world.poll(started.device_code)) == "invalid_grant");
  }
  SECTION("by that alone") {
    REQUIRE(world.database.run("UPDATE idp_users SET disabled = 1", {}));
    CHECK(error_of(world.poll(started.device_code)) == "access_denied");
  }
}

TEST_CASE("a device request from before there were scopes is one for a login") {
  auto database = Database::open_in_memory().value();
  REQUIRE(database.script(
      "CREATE TABLE idp_device_requests (device_code BLOB PRIMARY KEY, user_code BLOB NOT NULL "
      "UNIQUE, client_id TEXT NOT NULL, client_host TEXT NOT NULL, address TEXT NOT NULL, "
      "requested_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, interval INTEGER NOT NULL, "
      "polled_at INTEGER NOT NULL, state TEXT NOT NULL, browser BLOB, subject TEXT, signed_in_at "
      "INTEGER) STRICT"));
  FakeClock clock;
  const SystemTime now = clock.system_now();
  const auto code = crypto::sha256(as_bytes("code")), user_code = crypto::sha256(as_bytes("user"));
  REQUIRE(database.run(
      "INSERT INTO idp_device_requests VALUES (?, ?, 'hoopctl', '', '', 0, ?, 5, 0, 'approved', "
      "NULL, 'alice', 7000)",
      {code, user_code, to_column(now + 60s)}));
  REQUIRE(idp::make_tables(database));
  REQUIRE(idp::make_tables(database));
  idp::DeviceRequests requests(database);
  const auto poll = requests.poll("code", "hoopctl", now).value();
  CHECK(poll.state == idp::DeviceRequests::Poll::State::approved);
  CHECK(poll.scope == "hoopctl");
  CHECK(poll.signed_in_at == SystemTime(7s));
  crypto::SystemRandom random;
  idp::DeviceRequest wanted;
  wanted.requested_at = now;
  wanted.scope = "approve";
  const auto codes = requests.issue(wanted, 60s, 5s, random).value();
  CHECK(requests.find_pending(codes.user_code, now).value()->scope == "approve");
}
