// SPDX-License-Identifier: Apache-2.0
// People whose access is taken back, on both paths, with a real PostgreSQL.
#include "gateway/revocations.h"

#include <thread>

#include <asio/experimental/awaitable_operators.hpp>

#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

namespace {

http::Response revoke(Gateway& g, const std::string& token, const Json& body) {
  return g.post("/v1/identities/revoke", token, body);
}

/// As `gateway user disable` writes it, from another process.
void revoke_outside(Gateway& g, const std::string& subject) {
  auto database = Database::open(g.directory + "/state/gateway.db");
  REQUIRE(database);
  auto store = RevocationStore::open(*database);
  REQUIRE(store);
  REQUIRE(store->add({subject, g.clock.system_now(), {}, "left"}));
}

}  // namespace

TEST_CASE("revocations: the latest of a subject counts, and is told with its reason") {
  auto database = Database::open_in_memory();
  REQUIRE(database);
  auto store = RevocationStore::open(*database);
  REQUIRE(store);
  const SystemTime early(std::chrono::milliseconds(1'000)), late(std::chrono::milliseconds(9'000));
  REQUIRE(store->add({"bob", late, "root", "x"}));
  REQUIRE(store->add({"alice", early, {}, {}}));
  // A clock that was set back takes nothing back.
  REQUIRE(store->add({"bob", early, "carol", "y"}));
  const auto list = store->list();
  REQUIRE(list);
  CHECK(*list == std::vector<Revocation>{{"alice", early, "", ""}, {"bob", late, "carol", "y"}});
}

TEST_CASE("revocations: who may, and what the request may say") {
  Gateway g;
  const std::string root = g.token("root", {"admins"}), alice = g.token("alice", {"dev"}),
                    carol = g.token("carol", {"auditors"});
  CHECK(revoke(g, alice, {{"subject", "bob"}}).status == 403);
  CHECK(revoke(g, carol, {{"subject", "bob"}}).status == 403);
  CHECK(revoke(g, "", {{"subject", "bob"}}).status == 401);
  for (const Json& bad :
       {Json::array(), Json::object(), Json{{"subject", ""}}, Json{{"subject", 5}},
        Json{{"subject", std::string(257, 'x')}}, Json{{"subject", "bob"}, {"reason", 5}},
        Json{{"subject", "bob"}, {"reason", std::string(201, 'x')}},
        Json{{"subject", "bob"}, {"by", "me"}}}) {
    INFO(bad.dump());
    CHECK(revoke(g, root, bad).status == 400);
  }
  CHECK(g.get("/v1/identities/revoke", root).status == 405);
  const auto done = revoke(g, root, {{"subject", "somebody|else"}});
  CHECK(done.status == 200);
  CHECK(Json::parse(done.body)["sessions_ended"] == 0);
  CHECK(g.get("/v1/whoami", alice).status == 200);
  g.stop();
}

TEST_CASE("revocations: sessions end with the reason, tokens of before open nothing more") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  const std::string old = far.token, bob = g.token("bob", {"dev"});
  FarSession others(g, "pg-calm");
  const auto key = crypto::Ed25519Key::generate();
  const auto local = g.post("/v1/grants", old, grant_body(key, "pg-a"));
  REQUIRE(local.status == 201);
  const std::string near = Json::parse(local.body)["session"];
  const std::string root = g.token("root", {"admins"});
  const auto begun = std::chrono::steady_clock::now();
  const auto done = revoke(g, root, {{"subject", "alice"}, {"reason", "lap\ntop"}});
  INFO(done.body);
  REQUIRE(done.status == 200);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(4));
  CHECK(Json::parse(done.body)["sessions_ended"] == 3);
  CHECK_THAT(g.run(read_replies(*tunnel)),
             ContainsSubstring("FATAL 57P01 access was revoked: lap\\u000atop\n"));
  CHECK_FALSE(far.has_role());
  CHECK(g.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'hoop_" + near.substr(2) +
                       "'") == "0");
  CHECK(far.status({.stream = 2}) == "403 access_ended");
  for (const char* path : {"/v1/whoami", "/v1/targets", "/v1/sessions"})
    CHECK(g.get(path, old).status == 401);
  CHECK(g.post("/v1/grants", old, grant_body(key, "pg-a")).status == 401);
  // What was recorded is still delivered, and what came of the session is still told.
  const std::string log = g.get("/v1/sessions/" + far.grant.session + "/log", root).body;
  CHECK_THAT(log, ContainsSubstring("\"subject\":\"root\""));
  CHECK(far.end().status == 200);
  CHECK(g.ask({"HEAD", "/v1/sessions/" + near + "/log", old, "", {}}).status == 200);
  CHECK(g.get("/v1/sessions/" + near + "/log", old).status == 401);
  CHECK(g.get("/v1/whoami", bob).status == 200);
  g.stop();
}

TEST_CASE("revocations: a token that was taken back reaches no session of a newer one") {
  Gateway g;
  const auto key = crypto::Ed25519Key::generate();
  const std::string root = g.token("root", {"admins"}), old = g.token("alice", {"dev", "auditors"}),
                    bob = g.token("bob", {"dev"});
  const auto session_of = [&](const std::string& token) {
    const auto granted = g.post("/v1/grants", token, grant_body(key, "pg-a"));
    REQUIRE(granted.status == 201);
    return Json::parse(granted.body)["session"].get<std::string>();
  };
  const auto status = [&](const std::string& token, const std::string& session) {
    return g.ask({"HEAD", "/v1/sessions/" + session + "/log", token, "", {}}).status;
  };
  const std::string before = session_of(old), others = session_of(bob);
  CHECK(status(old, others) == 200);
  REQUIRE(revoke(g, root, {{"subject", "alice"}}).status == 200);
  CHECK(status(old, before) == 200);
  CHECK(status(old, others) == 404);  // an auditor's office went with the token
  std::this_thread::sleep_for(std::chrono::milliseconds(2'100));
  const std::string fresh = g.token("alice", {"dev"}), after = session_of(fresh);
  CHECK(status(fresh, after) == 200);
  CHECK(status(old, after) == 401);
  g.stop();
}

TEST_CASE("revocations: a token that is issued later is let in") {
  Gateway g;
  const std::string root = g.token("root", {"admins"}), old = g.token("alice", {"dev"});
  REQUIRE(revoke(g, root, {{"subject", "alice"}}).status == 200);
  CHECK(g.get("/v1/whoami", old).status == 401);
  std::this_thread::sleep_for(std::chrono::milliseconds(1'100));
  const std::string fresh = g.token("alice", {"dev"});
  CHECK(g.get("/v1/whoami", fresh).status == 200);
  CHECK(g.post("/v1/grants", fresh, grant_body(crypto::Ed25519Key::generate(), "pg-a")).status ==
        201);
  g.stop();
}

TEST_CASE("revocations: what another process writes is seen within two seconds") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  const auto begun = std::chrono::steady_clock::now();
  revoke_outside(g, "alice");
  CHECK_THAT(g.run(read_replies(*tunnel)), ContainsSubstring("access was revoked: left"));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  CHECK(g.get("/v1/whoami", far.token).status == 401);
  g.stop();
}

TEST_CASE("revocations: a grant that is being made meanwhile is taken back") {
  const std::string target = GENERATE(as<std::string>{}, "pg-a", "pg-calm");
  CAPTURE(target);
  Gateway g;
  const std::string root = g.token("root", {"admins"});
  const auto both = [&](std::string who) -> asio::awaitable<std::pair<int, int>> {
    using namespace asio::experimental::awaitable_operators;
    const Json grant = grant_body(crypto::Ed25519Key::generate(), target);
    const Json wish = {{"subject", who}};
    Gateway::Call ask{"POST", "/v1/grants", g.token(who, {"dev"}), grant.dump(), {}};
    Gateway::Call end{"POST", "/v1/identities/revoke", root, wish.dump(), {}};
    auto [granted, ended] = co_await (g.send(ask) && g.send(end));
    co_return std::pair(granted.status, ended.status);
  };
  const std::string roles =
      "SELECT count(*) FROM pg_roles WHERE rolname ~ '^hoop_[a-z2-7]{26}$' AND rolcanlogin";
  const std::string before = g.postgres.sql(roles);  // sessions of other gateways
  // Whichever comes first: nothing is left that alice could use.
  for (int i = 0; i < 6; ++i) {
    const auto [granted, ended] = g.run(both("alice" + std::to_string(i)));
    CHECK((granted == 401 || granted == 201));
    CHECK(ended == 200);
    CHECK(g.postgres.sql(roles) == before);
  }
  g.stop();
}
