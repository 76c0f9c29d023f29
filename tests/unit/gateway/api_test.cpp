// SPDX-License-Identifier: Apache-2.0
// The whole gateway over HTTPS, in process, with a real PostgreSQL behind it.
#include "gateway/api.h"

#include <libpq-fe.h>

#include "core/record/session_log.h"
#include "tests/support/memory_log.h"
#include "tests/unit/gateway/gateway_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

namespace {

bool can_connect(const access::Grant& grant) {
  PGconn* connection =
      PQconnectdb(("host=127.0.0.1 port=" + std::to_string(grant.target.port) +
                   " dbname=postgres sslmode=disable user=" +
                   grant.credential_as<access::PostgresCredential>()->username + " password=" +
                   grant.credential_as<access::PostgresCredential>()->password.reveal())
                      .c_str());
  const bool connected = PQstatus(connection) == CONNECTION_OK;
  if (!connected) UNSCOPED_INFO(PQerrorMessage(connection));
  PQfinish(connection);
  return connected;
}

}  // namespace

TEST_CASE("api: a grant from asking to receipt") {
  Gateway g;
  const std::string alice = g.token("alice", {"dev"}), bob = g.token("bob", {"dev"}),
                    auditor = g.token("carol", {"auditors"});

  SECTION("who asks") {
    const Json discovery = Json::parse(g.get("/.well-known/hoopctl", "").body);
    CHECK(discovery["gateway"] == g.id);
    CHECK(discovery["issuer"] == g.server->base_url());
    CHECK(discovery["approving_scope"] == "approve");
    const auto refused = g.get("/v1/whoami", "");
    CHECK(refused.status == 401);
    CHECK(code_of(refused) == "unauthenticated");
    CHECK(refused.headers.find("WWW-Authenticate").has_value());
    CHECK(g.get("/v1/whoami", alice + "x").status == 401);
    CHECK(g.get("/v1/whoami", g.token("alice", {"dev"}, -120)).status == 401);
    const Json me = Json::parse(g.get("/v1/whoami", alice).body);
    CHECK(me["subject"] == "alice");
    CHECK(me["groups"] == Json{"dev"});
    const Json targets = Json::parse(g.get("/v1/targets", alice).body)["targets"];
    CHECK(targets.size() == 5);
    CHECK(targets[0]["path"] == "local");
    CHECK(targets[3]["name"] == "pg-far");
    CHECK(targets[3]["path"] == "gateway");
    CHECK(Json::parse(g.get("/v1/targets", auditor).body)["targets"].empty());
    CHECK(g.get("/v1/nothing", alice).status == 404);
    CHECK(g.ask({"PATCH", "/v1/whoami", alice, "", {}}).status == 405);
  }

  SECTION("no grant") {
    const auto key = crypto::Ed25519Key::generate();
    constexpr const char* kCountRoles =
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'hoop\\_%' AND rolname NOT LIKE "
        "'hoop\\_gw%' AND rolname <> 'hoop_admin'";
    const std::string roles = g.postgres.sql(kCountRoles);
    const auto unknown = g.post("/v1/grants", alice, grant_body(key, "nowhere"));
    CHECK(unknown.status == 403);
    CHECK(code_of(unknown) == "target_unavailable");
    CHECK(g.post("/v1/grants", alice, grant_body(key, "secret")).body == unknown.body);
    const auto down = g.post("/v1/grants", alice, grant_body(key, "pg-down"));
    CHECK(down.status == 503);
    CHECK(code_of(down) == "target_unreachable");
    const auto boss = g.post("/v1/grants", alice, grant_body(key, "pg-boss"));
    CHECK(boss.status == 503);
    CHECK(code_of(boss) == "issuer_failed");
    for (const Json& bad :
         {Json::array(), Json{{"target", "pg-a"}}, Json{{"target", "pg-a"}, {"client_key", "AAAA"}},
          Json{{"target", 5}, {"client_key", "AAAA"}},
          Json{{"target", "pg-a"},
               {"client_key", to_base64url(key.public_key())},
               {"role", "boss"}}}) {
      INFO(bad.dump());
      CHECK(g.post("/v1/grants", alice, bad).status == 400);
    }
    CHECK(g.postgres.sql(kCountRoles) == roles);
  }

  SECTION("the whole way") {
    auto key = crypto::Ed25519Key::generate();
    const std::string public_key = to_base64url(key.public_key());
    const auto answer = g.post("/v1/grants", alice, grant_body(key, "pg-a"));
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    auto grant = access::grant_from_json(answer.body);
    REQUIRE(grant);
    CHECK(grant->key_id == to_base64url(crypto::sha256(*from_base64url(public_key))));
    CHECK(can_connect(*grant));
    const std::string path = "/v1/grants/" + grant->session;
    CHECK(g.ask({"DELETE", path, bob, "", {}}).status == 404);
    CHECK(can_connect(*grant));
    CHECK(g.ask({"DELETE", path, alice, "", {}}).status == 204);
    CHECK_FALSE(can_connect(*grant));
    CHECK(g.ask({"DELETE", path, alice, "", {}}).status == 204);

    auto log = std::make_shared<test::MemoryLog>();
    record::SessionStart start;
    start.session = grant->session;
    start.gateway = grant->gateway;
    start.target = grant->target.name;
    start.subject = "alice";
    start.at = g.clock.system_now();
    auto writer =
        record::SessionLog::create(std::make_unique<test::MemorySink>(log), std::move(key), start);
    REQUIRE(writer);
    record::SessionEnd end;
    end.at = g.clock.system_now();
    end.actions = 4;
    end.rows = 9;
    REQUIRE(writer->seal(end));
    const std::string bytes = to_text(log->bytes), half = bytes.substr(0, 100),
                      rest = bytes.substr(100), s = grant->session;
    const Json claim = {{"length", bytes.size()}, {"digest", to_hex(writer->head())}};
    const std::string finish = "/v1/sessions/" + s + "/finish";

    CHECK(g.put(s, bob, 0, half, half).status == 404);
    CHECK(code_of(g.put(s, alice, 0, half, rest)) == "digest");
    CHECK(g.put(s, alice, 0, half, half).status == 200);
    const auto wrong = g.put(s, alice, 50, rest, rest);
    CHECK(wrong.status == 409);
    CHECK(code_of(wrong) == "offset");
    CHECK(Json::parse(wrong.body)["offset"] == 100);
    CHECK(g.ask({"HEAD", "/v1/sessions/" + s + "/log", alice, "", {}})
              .headers.find("Upload-Offset") == "100");
    CHECK(code_of(g.post(finish, alice, claim)) == "log_invalid");
    CHECK(g.put(s, alice, 100, rest, rest).status == 200);
    CHECK(code_of(g.post(finish, alice,
                         {{"length", bytes.size()}, {"digest", std::string(64, '0')}})) ==
          "log_invalid");
    const auto finished = g.post(finish, alice, claim);
    INFO(finished.body);
    REQUIRE(finished.status == 200);
    CHECK(g.post(finish, alice, claim).body == finished.body);
    CHECK(g.put(s, alice, bytes.size(), "more", "more").status == 409);

    const Json discovery = Json::parse(g.get("/.well-known/hoopctl", "").body);
    const auto keys = identity::parse_jwks(discovery["receipt_keys"].dump());
    REQUIRE(keys);
    const auto receipt = identity::verify_jws(
        Json::parse(finished.body)["receipt"].get<std::string>(), *keys, "hoopctl-receipt+jwt");
    REQUIRE(receipt);
    CHECK(*receipt->text("session") == s);
    CHECK(*receipt->text("digest") == claim["digest"].get<std::string>());
    CHECK(*receipt->text("iss") == g.server->base_url());

    const Json mine = Json::parse(g.get("/v1/sessions", alice).body)["sessions"];
    REQUIRE(mine.size() == 1);
    CHECK(mine[0]["state"] == "ended");
    CHECK(mine[0]["actions"] == 4);
    CHECK(mine[0]["rows"] == 9);
    CHECK(Json::parse(g.get("/v1/sessions", bob).body)["sessions"].empty());
    CHECK(Json::parse(g.get("/v1/sessions?limit=5", auditor).body)["sessions"].size() == 1);
    for (const char* bad : {"limit=x", "limit=0", "live=2", "denied=yes", "since=yesterday",
                            "until=", "target=", "before=", "unknown=1", "limit=1&limit=2"})
      CHECK(g.get(std::string("/v1/sessions?") + bad, alice).status == 400);
    CHECK(g.get("/v1/sessions?before=s_unknown", alice).status == 404);
    const auto count = [&](const std::string& query, const std::string& token) {
      return Json::parse(g.get("/v1/sessions?" + query, token).body)["sessions"].size();
    };
    CHECK(count("since=2020-01-01T00:00:00Z&until=2999-01-01T00:00:00Z", auditor) == 1);
    CHECK(count("until=2020-01-01T00:00:00Z", auditor) == 0);
    CHECK(count("target=nothing", auditor) == 0);
    CHECK(count("subject=nobody", auditor) == 0);
    CHECK(g.get("/v1/sessions/" + s, bob).status == 404);
    const Json one = Json::parse(g.get("/v1/sessions/" + s, auditor).body);
    CHECK(one["client_key"] == public_key);
    CHECK(one["receipt"] == Json::parse(finished.body)["receipt"]);
    CHECK(g.get("/v1/sessions/" + s + "/log", alice).body == bytes);
    CHECK(g.get("/v1/sessions/..%2f..%2fgateway.toml/log", alice).status == 404);
  }
  g.stop();
}

TEST_CASE("api: a log of another key gets no receipt") {
  Gateway g;
  const std::string alice = g.token("alice", {"dev"});
  const auto registered = crypto::Ed25519Key::generate();
  auto grant =
      access::grant_from_json(g.post("/v1/grants", alice, grant_body(registered, "pg-a")).body);
  REQUIRE(grant);
  auto log = std::make_shared<test::MemoryLog>();
  record::SessionStart start;
  start.session = grant->session;
  start.gateway = grant->gateway;
  start.target = "pg-a";
  start.subject = "alice";
  auto writer = record::SessionLog::create(std::make_unique<test::MemorySink>(log),
                                           crypto::Ed25519Key::generate(), start);
  REQUIRE(writer);
  REQUIRE(writer->seal({}));
  const std::string bytes = to_text(log->bytes);
  CHECK(g.put(grant->session, alice, 0, bytes, bytes).status == 200);
  const auto refused = g.post("/v1/sessions/" + grant->session + "/finish", alice,
                              {{"length", bytes.size()}, {"digest", to_hex(writer->head())}});
  CHECK(refused.status == 422);
  CHECK_THAT(refused.body, Catch::Matchers::ContainsSubstring("key is not the grant's"));
  g.stop();
}

TEST_CASE("init: what it makes loads, is private, and is never overwritten") {
  test::TempDir dir;
  crypto::SystemRandom random;
  const std::string directory = dir / "gw";
  auto report = init_directory({directory, {"gw.example"}, "127.0.0.1:8443"}, random);
  REQUIRE(report);
  CHECK(report->url == "https://gw.example:8443");
  auto config = load_config(directory);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->id == report->gateway_id);
  CHECK(config->base_url(1) == "https://gw.example:8443");
  CHECK(net::certificate_sha256(read_text(directory + "/tls/ca.pem")) == report->ca_sha256);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    INFO(entry.path().string());
    CHECK((entry.status().permissions() & std::filesystem::perms(077)) ==
          std::filesystem::perms::none);
  }
  CHECK(init_directory({directory, {}, "127.0.0.1:0"}, random).error().code == ErrorCode::config);
  CHECK(init_directory({dir / "x", {"bad name"}, "127.0.0.1:0"}, random).error().code ==
        ErrorCode::usage);
  CHECK(init_directory({dir / "y", {}, "nonsense"}, random).error().code == ErrorCode::config);
}
