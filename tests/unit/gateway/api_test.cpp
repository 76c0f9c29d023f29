// SPDX-License-Identifier: Apache-2.0
// The whole gateway over HTTPS, in process, with a real PostgreSQL behind it.
#include "gateway/api.h"

#include <libpq-fe.h>
#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/access/grant.h"
#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/http/client.h"
#include "core/identity/jwt.h"
#include "core/record/session_log.h"
#include "gateway/init.h"
#include "gateway/server.h"
#include "tests/support/catch.h"
#include "tests/support/memory_log.h"
#include "tests/support/postgres_server.h"
#include "tests/support/run_task.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;
using Json = nlohmann::json;

namespace {

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

void write_private(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
}

/// A gateway that init made, with one target that works and one whose server is not there.
struct Gateway {
  test::PostgresServer postgres;
  test::TempDir dir;
  SystemClock clock;
  crypto::SystemRandom random;
  asio::io_context context;
  std::string directory = dir / "gw";
  std::unique_ptr<GatewayServer> server;
  std::optional<http::Client> client;
  std::string id;

  Gateway() {
    postgres.sql(
        "CREATE ROLE hoop_admin LOGIN CREATEROLE PASSWORD 'admin password'; GRANT "
        "pg_signal_backend TO hoop_admin;"
        "CREATE ROLE app; GRANT app TO hoop_admin WITH ADMIN OPTION; CREATE ROLE boss SUPERUSER");
    auto report = init_directory({directory, {}, "127.0.0.1:0"}, random);
    REQUIRE(report);
    id = report->gateway_id;
    write_private(directory + "/keys/pg", "admin password\n");
    const auto target = [&](const std::string& name, int port) {
      return "[[target]]\nname = \"" + name +
             "\"\nprotocol = \"postgres\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(port) +
             "\ndatabases = [\"postgres\"]\ntls = \"disable\"\nadmin = { user = \"hoop_admin\", "
             "password = \"file:keys/pg\" }\n";
    };
    write_private(directory + "/conf.d/t.toml",
                  target("pg-a", postgres.port()) + target("pg-down", 1) +
                      target("pg-boss", postgres.port()) + target("secret", postgres.port()));
    write_private(directory + "/policy.toml",
                  "[[role]]\nname = \"dev\"\nmembers = [\"group:dev\"]\ntargets = [\"pg-a\", "
                  "\"pg-down\"]\ndatabase_role = \"app\"\n"
                  "[[role]]\nname = \"boss\"\nmembers = [\"group:dev\"]\ntargets = "
                  "[\"pg-boss\"]\ndatabase_role = \"boss\"\n");
    auto config = load_config(directory);
    INFO((config ? "" : config.error().message));
    REQUIRE(config);
    auto made = GatewayServer::create(std::move(*config), context, clock, random,
                                      std::make_shared<NullLog>());
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    server = std::move(*made);
    REQUIRE(server->start());
    net::Trust trust;
    trust.ca_pem = read_text(directory + "/tls/ca.pem");
    auto connected = http::Client::create(context.get_executor(), trust);
    REQUIRE(connected);
    client.emplace(std::move(*connected));
  }

  std::string token(const std::string& subject, const std::vector<std::string>& groups,
                    int life = 300) {
    const auto key = crypto::P256Key::from_pem(read_text(directory + "/keys/token.pem"));
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(clock.system_now().time_since_epoch())
            .count();
    const Json claims = {{"iss", server->base_url()},
                         {"aud", server->base_url()},
                         {"sub", subject},
                         {"client_id", "hoopctl"},
                         {"groups", groups},
                         {"iat", now},
                         {"exp", now + life},
                         {"jti", to_hex(random.bytes(8))},
                         {"scope", "hoopctl"}};
    return identity::sign_jws(*key, "at+jwt", claims.dump());
  }

  using Answers = std::vector<http::Response>;
  struct Call {
    std::string method, path, token, body;
    http::Headers headers;
  };
  asio::awaitable<http::Response> send(Call call) {
    http::Headers headers = call.headers;
    if (!call.token.empty()) headers.set("Authorization", "Bearer " + call.token);
    http::Url url = *http::parse_url(server->base_url() + call.path);
    auto response = co_await client->send(call.method, url, headers, call.body,
                                          Deadline::after(clock, std::chrono::seconds(20)));
    if (!response)
      co_return http::Response{.status = 0, .headers = {}, .body = response.error().message};
    co_return std::move(*response);
  }
  /// The server's coroutines never end by themselves, so the context is run until this answer is
  /// there.
  http::Response ask(Call call) {
    std::optional<http::Response> answer;
    asio::co_spawn(context, send(std::move(call)),
                   [&](std::exception_ptr, http::Response response) {
                     answer.emplace(std::move(response));
                     context.stop();
                   });
    context.restart();
    context.run();
    REQUIRE(answer.has_value());
    return std::move(*answer);
  }
  http::Response get(const std::string& path, const std::string& bearer) {
    return ask({"GET", path, bearer, "", {}});
  }
  http::Response post(const std::string& path, const std::string& bearer, const Json& body) {
    return ask({"POST", path, bearer, body.dump(), {}});
  }
  http::Response put(const std::string& session, const std::string& bearer, std::uint64_t offset,
                     const std::string& chunk, const std::string& digest_of) {
    return ask(
        {"PUT",
         "/v1/sessions/" + session + "/log",
         bearer,
         chunk,
         {{"Upload-Offset", std::to_string(offset)},
          {"Content-Digest", "sha-256=:" + to_base64(crypto::sha256(as_bytes(digest_of))) + ":"}}});
  }
  void stop() {
    asio::co_spawn(context, server->stop(), [&](std::exception_ptr) { context.stop(); });
    context.restart();
    context.run();
    client.reset();
  }
};

std::string code_of(const http::Response& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  return body.is_object() && body.contains("code") ? body["code"].get<std::string>()
                                                   : response.body;
}

Json grant_body(const crypto::Ed25519Key& key, const std::string& target) {
  return {{"target", target}, {"reason", "test"}, {"client_key", to_base64url(key.public_key())}};
}

bool can_connect(const access::Grant& grant) {
  PGconn* connection =
      PQconnectdb(("host=127.0.0.1 port=" + std::to_string(grant.target.port) +
                   " dbname=postgres sslmode=disable user=" + grant.credential->username +
                   " password=" + grant.credential->password.reveal())
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
    CHECK(targets.size() == 3);
    CHECK(Json::parse(g.get("/v1/targets", auditor).body)["targets"].empty());
    CHECK(g.get("/v1/nothing", alice).status == 404);
    CHECK(g.ask({"PATCH", "/v1/whoami", alice, "", {}}).status == 405);
  }

  SECTION("no grant") {
    const auto key = crypto::Ed25519Key::generate();
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
    CHECK(g.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'hoop\\_%' AND rolname "
                         "NOT LIKE 'hoop\\_gw%' AND rolname <> 'hoop_admin'") == "0");
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
    CHECK(g.get("/v1/sessions?limit=x", alice).status == 400);
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
