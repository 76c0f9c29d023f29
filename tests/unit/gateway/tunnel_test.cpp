// SPDX-License-Identifier: Apache-2.0
// The gateway path in process: a client's end over TLS, and a real PostgreSQL behind the gateway.
#include "gateway/tunnel.h"

#include "core/record/spool.h"
#include "gateway/issuers/postgres_role.h"
#include "gateway/sqlite_store.h"
#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("tunnel: what the client is given opens nothing but streams") {
  Gateway g;
  FarSession far(g);
  CHECK(far.grant.path == access::DataPath::gateway);
  CHECK(far.has_role());
  for (const std::string& hidden :
       {"hoop_" + far.grant.session.substr(2), std::string("password"), std::string("credential"),
        std::string("mask_key"), std::string("127.0.0.1"), std::to_string(g.postgres.port()),
        std::string("people"), std::string("no-locks")}) {
    INFO(hidden);
    CHECK(far.answer.body.find(hidden) == std::string::npos);
  }
  const std::string path = "/v1/sessions/" + far.grant.session;
  CHECK(code_of(g.put(far.grant.session, far.token, 0, "x", "x")) == "gateway_path");
  const auto finish =
      g.post(path + "/finish", far.token, {{"length", 1}, {"digest", std::string(64, '0')}});
  CHECK(finish.status == 409);
  CHECK(code_of(finish) == "gateway_path");
  CHECK(Json::parse(g.get(path, far.token).body)["path"] == "gateway");
  g.stop();
  CHECK_FALSE(far.has_role());
}

TEST_CASE("tunnel: policy, masks and the record hold, and the end says what came of it") {
  Gateway g;
  FarSession far(g);
  auto first = ready_stream(far, 1), second = ready_stream(far, 2);
  CHECK(g.run(query(*first, "select name, email from people")) == "Ann|[redacted]\nready");
  CHECK(g.run(query(*second, "select current_user")) == "app\nready");
  CHECK_THAT(g.run(query(*first, "lock table people")),
             ContainsSubstring("ERROR 42501 locks are not for you"));
  second->close();
  first->close();

  const std::string bob = g.token("bob", {"dev"});
  const std::string path = "/v1/sessions/" + far.grant.session;
  CHECK(g.post(path + "/end", bob, {{"cause", "program_exit"}, {"program_status", 0}}).status ==
        404);
  CHECK(far.end("bored").status == 400);
  CHECK(far.end("program_exit", 256).status == 400);
  const auto ended = far.end("program_exit", 3);
  INFO(ended.body);
  REQUIRE(ended.status == 200);
  const Json result = Json::parse(ended.body);
  CHECK(result["upload"] == "receipted");
  CHECK(result["expired"] == false);
  CHECK(result["totals"]["denied"] == 1);
  CHECK(result["totals"]["masked_values"] == 1);
  CHECK(result["totals"]["allowed"] == 2);
  CHECK_FALSE(far.has_role());
  CHECK(far.end().body == ended.body);
  CHECK(far.status({.stream = 4}) == "403 access_ended");
  CHECK(far.status({.stream = 4, .ticket = std::string(43, 'A')}) == "401 tunnel_refused");

  const Json session = Json::parse(g.get(path, far.token).body);
  CHECK(session["state"] == "ended");
  CHECK(session["receipt"] == result["receipt"]);
  CHECK(session["digest"] == result["log_digest"]);
  CHECK(session["seal_key"] != session["client_key"]);
  const std::string log = log_text(g.get(path + "/log", far.token).body);
  CHECK_THAT(log, ContainsSubstring("\"path\":\"gateway\""));
  CHECK_THAT(log, ContainsSubstring("\"command\":[\"psql\",\"-c\",\"select 1\"]"));
  CHECK_THAT(log, ContainsSubstring("locks are not for you"));
  CHECK_THAT(log, ContainsSubstring("\"program_status\":3"));
  CHECK_THAT(log, ContainsSubstring("\nsealed"));
  CHECK(log.find("ann@example.com") == std::string::npos);
  CHECK(std::filesystem::is_empty(g.directory + "/state/spool"));
  g.stop();
}

TEST_CASE("tunnel: a cancel comes on a stream of its own") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = g.run(far.open({.stream = 1}));
  Bytes cancel_key;
  REQUIRE(g.run(read_replies(*tunnel, &cancel_key)) == "ready");
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  g.run(pause_for(std::chrono::milliseconds(200)));
  session::Opening cancel;
  cancel.kind = session::Opening::Kind::cancel;
  cancel.cancel_key = cancel_key;
  auto second = g.run(far.open_with({.stream = 2}, std::move(cancel)));
  CHECK_THAT(g.run(read_replies(*tunnel)), ContainsSubstring("ERROR 57014"));
  CHECK(g.run(query(*tunnel, "select 1")) == "1\nready");
  g.stop();
}

TEST_CASE("tunnel: only whoever has ticket and key opens a stream, each number once") {
  Gateway g;
  FarSession far(g);
  const std::string refused = "401 tunnel_refused";
  const auto other = crypto::Ed25519Key::generate();
  CHECK(far.status({.stream = 1, .key = &other}) == refused);
  CHECK(far.status({.stream = 1, .ticket = std::string(43, 'A')}) == refused);
  CHECK(far.status({.stream = 1, .session = "s_aaaaaaaaaaaaaaaaaaaaaaaaaa"}) == refused);
  CHECK(far.status({.stream = 1, .exporter = Bytes(32, 1)}) == refused);
  // None of it has used the number up.
  CHECK(far.status({.stream = 1}) == "101");
  CHECK(far.status({.stream = 1}) == refused);
  CHECK(far.status({.stream = 5}) == "101");
  CHECK(far.status({.stream = 4}) == "101");
  CHECK(far.status({.stream = 4}) == refused);

  // The one answer, byte by byte but for the time.
  auto unknown = g.run(far.ask({.stream = 9, .session = "s_aaaaaaaaaaaaaaaaaaaaaaaaaa"}));
  auto replayed = g.run(far.ask({.stream = 4}));
  CHECK(std::get<http::Response>(unknown).body == std::get<http::Response>(replayed).body);

  // A second client with the ticket, and a key of its own in a session of its own.
  FarSession stranger(g);
  CHECK(stranger.status(
            {.stream = 6, .session = far.grant.session, .ticket = far.grant.ticket.reveal()}) ==
        refused);
  CHECK(far.status({.stream = 6}) == "101");
  g.stop();
}

TEST_CASE("tunnel: a proof is worth nothing on another connection") {
  Gateway g;
  FarSession far(g);
  // What a man in the middle can copy: all fields of a request that was not let through.
  http::Headers stolen;
  http::Client::UpgradeHeaders look = [&](const net::Stream& stream) -> Result<http::Headers> {
    auto fields = far.fields({.stream = 1}, stream);
    stolen = *fields;
    return fail(ErrorCode::cancelled, "kept back");
  };
  const auto kept_back = [&]() -> asio::awaitable<bool> {
    http::Url url =
        *http::parse_url(g.server->base_url() + "/v1/sessions/" + far.grant.session + "/tunnel");
    std::string protocol(session::kTunnelProtocol);
    auto answered = co_await g.client->upgrade(std::move(url), std::move(protocol), look,
                                               Deadline::after(g.clock, std::chrono::seconds(5)));
    co_return !answered.has_value();
  };
  REQUIRE(g.run(kept_back()));
  REQUIRE(stolen.size() == 3);
  CHECK(far.status({.stream = 1, .more = stolen}) == "401 tunnel_refused");
  CHECK(far.status({.stream = 1}) == "101");
  g.stop();
}

TEST_CASE("tunnel: a malformed request is told so") {
  Gateway g;
  FarSession far(g);
  const auto with = [&](const char* name, const std::string& value) {
    return far.status({.stream = 1, .more = {{name, value}}});
  };
  CHECK(with("Hoopctl-Ticket", "AAAA") == "400 malformed");
  CHECK(with("Hoopctl-Proof", "") == "400 malformed");
  for (const char* number :
       {"0", "01", "-1", "+1", "1x", "9007199254740993", "99999999999999999999"}) {
    INFO(number);
    CHECK(with("Hoopctl-Stream", number) == "400 malformed");
  }
  const std::string path = "/v1/sessions/" + far.grant.session + "/tunnel";
  const auto plain = g.get(path, "");
  CHECK(plain.status == 426);
  CHECK(plain.headers.find("Upgrade") == session::kTunnelProtocol);
  CHECK(g.ask({"POST", path, "", "", {}}).status == 405);
  CHECK(g.get("/v1/sessions//tunnel", "").status == 401);
  CHECK(far.status({.stream = 1}) == "101");
  g.stop();
}

TEST_CASE("tunnel: what comes before the 101 is refused") {
  Gateway g;
  FarSession far(g);
  const auto hasty = [&]() -> asio::awaitable<std::string> {
    auto tcp = co_await net::connect_tcp(g.context.get_executor(), "127.0.0.1", g.server->port(),
                                         Deadline::after(g.clock, std::chrono::seconds(5)));
    net::Trust trust;
    trust.ca_pem = read_text(g.directory + "/tls/ca.pem");
    auto tls = net::TlsClient::create(trust);
    auto stream = co_await tls->handshake(std::move(*tcp), "localhost", "",
                                          Deadline::after(g.clock, std::chrono::seconds(5)));
    const auto fields = far.fields({.stream = 1}, **stream);
    std::string request = "GET /v1/sessions/" + far.grant.session +
                          "/tunnel HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: "
                          "hoopctl-tunnel/1\r\n";
    for (const auto& field : *fields) request += field.name + ": " + field.value + "\r\n";
    request += "\r\n";
    request.append("\x01\x00\x00\x03\x00\x00\x00", 7);
    const auto written = co_await (*stream)->write_all(as_bytes(request));
    Bytes buffer(4096);
    const auto count = co_await (*stream)->read_some(buffer);
    co_return written&& count ? to_text(ByteSpan(buffer).first(*count)) : "nothing";
  };
  CHECK_THAT(g.run(hasty()), Catch::Matchers::StartsWith("HTTP/1.1 400"));
  CHECK(far.status({.stream = 1}) == "101");
  g.stop();
}

TEST_CASE("tunnel: garbage ends that stream and nothing else") {
  Gateway g;
  FarSession far(g);
  auto healthy = ready_stream(far, 1);
  auto upgraded = g.run(far.raw({.stream = 2}));
  const auto shout = [&]() -> asio::awaitable<std::string> {
    const std::string garbage(100, '\xff');
    const auto written = co_await upgraded.stream->write_all(as_bytes(garbage));
    if (!written) co_return "not written";
    Bytes buffer(4096), all;
    for (;;) {
      const auto count = co_await upgraded.stream->read_some(buffer);
      if (!count || *count == 0) co_return to_text(all);
      all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
    }
  };
  const std::string said = g.run(shout());
  REQUIRE(said.size() > 4);
  CHECK(said[0] == '\x05');
  CHECK_THAT(said, ContainsSubstring("the opening did not come as it must"));
  CHECK(g.run(query(*healthy, "select 1")) == "1\nready");
  g.stop();
}

TEST_CASE("tunnel: more streams than a session may have are turned away") {
  Gateway g;
  FarSession far(g);
  std::vector<http::Client::Upgraded> idle;
  // One address may have 128 connections before it is known who comes: these have left that count.
  for (std::uint64_t n = 1; n <= 256; ++n) idle.push_back(g.run(far.raw({.stream = n})));
  CHECK(far.status({.stream = 257}) == "429 too_many_streams");
  idle.pop_back();
  g.run(pause_for(std::chrono::milliseconds(200)));
  CHECK(far.status({.stream = 257}) == "101");
  idle.clear();
  CHECK(far.end().status == 200);
  g.stop();
}

TEST_CASE("tunnel: expiry ends running streams, and the log says so") {
  Gateway g("2s");
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  auto waiting = g.run(far.raw({.stream = 2}));  // has not said what it wants
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  const std::string said = g.run(read_replies(*tunnel));
  INFO(said);
  CHECK_THAT(said, ContainsSubstring("FATAL 57P01 access expired"));
  const auto ended = far.end("program_exit", 1);
  INFO(ended.body);
  REQUIRE(ended.status == 200);
  CHECK(Json::parse(ended.body)["expired"] == true);
  CHECK(Json::parse(ended.body)["upload"] == "receipted");
  CHECK(far.status({.stream = 3}) == "403 access_ended");
  CHECK_FALSE(far.has_role());
  const std::string log =
      log_text(g.get("/v1/sessions/" + far.grant.session + "/log", far.token).body);
  CHECK_THAT(log, ContainsSubstring("\"cause\":\"expired\""));
  g.stop();
}

TEST_CASE("tunnel: a program that says good-bye sees the tunnel end in order") {
  Gateway g;
  FarSession far(g);
  auto tunnel = ready_stream(far);
  const auto leave = [&]() -> asio::awaitable<std::string> {
    const Bytes terminate{'X', 0, 0, 0, 4};
    const auto written = co_await tunnel->write_all(terminate);
    const auto ended = co_await tunnel->shutdown_write();
    if (!written || !ended) co_return "not said";
    co_return co_await read_replies(*tunnel);
  };
  CHECK(g.run(leave()) == "end");
  const auto begun = std::chrono::steady_clock::now();
  CHECK(far.end().status == 200);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(1));
  g.stop();
}

TEST_CASE("tunnel: a program that is sending reads why its access has ended") {
  Gateway g;
  g.postgres.sql("CREATE TABLE IF NOT EXISTS heap (x text); GRANT INSERT ON heap TO app");
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(g.run(send_query(*tunnel, "copy heap from stdin")));
  bool flooding = true;
  const auto flood = [&]() -> asio::awaitable<void> {
    Bytes line(20'000, 'x');
    line.back() = '\n';
    Bytes message;
    ByteWriter writer(message);
    writer.u8('d');
    writer.u32(static_cast<std::uint32_t>(line.size() + 4));
    writer.bytes(line);
    while (flooding) {
      const auto written = co_await tunnel->write_all(message);
      flooding = written.has_value();
    }
  };
  asio::co_spawn(g.context, flood(), [](std::exception_ptr) {});
  g.run(pause_for(std::chrono::milliseconds(200)));
  REQUIRE(flooding);
  std::string said;
  asio::co_spawn(g.context, read_replies(*tunnel),
                 [&](std::exception_ptr, std::string replies) { said = std::move(replies); });
  CHECK(g.ask({"DELETE", "/v1/grants/" + far.grant.session, far.token, "", {}}).status == 204);
  g.run(pause_for(std::chrono::milliseconds(1200)));
  CHECK_FALSE(flooding);
  CHECK_THAT(said, ContainsSubstring("FATAL 57P01 access was revoked"));
  CHECK(g.postgres.sql("SELECT count(*) FROM heap") == "0");
  g.stop();
}

TEST_CASE("tunnel: revoking a grant ends its streams") {
  Gateway g;
  FarSession far(g);
  auto tunnel = ready_stream(far);
  CHECK(g.ask({"DELETE", "/v1/grants/" + far.grant.session, far.token, "", {}}).status == 204);
  CHECK_THAT(g.run(read_replies(*tunnel)), ContainsSubstring("FATAL 57P01 access was revoked"));
  CHECK_FALSE(far.has_role());
  CHECK_THAT(log_text(g.get("/v1/sessions/" + far.grant.session + "/log", far.token).body),
             ContainsSubstring("\"cause\":\"revoked\""));
  g.stop();
}

TEST_CASE("tunnel: a gateway that stops ends its sessions, and keeps their logs") {
  Gateway g;
  FarSession busy(g, "pg-calm"), idle(g, "pg-calm");
  auto tunnel = ready_stream(busy);
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  std::string said;
  const auto stop = [&]() -> asio::awaitable<bool> {
    co_await g.server->stop();
    co_return true;
  };
  asio::co_spawn(g.context, read_replies(*tunnel),
                 [&](std::exception_ptr, std::string replies) { said = std::move(replies); });
  const auto begun = std::chrono::steady_clock::now();
  REQUIRE(g.run(stop()));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  CHECK_THAT(said, ContainsSubstring("FATAL 57P01 the gateway is stopping"));
  for (const FarSession* far : {&busy, &idle}) {
    CHECK_FALSE(far->has_role());
    CHECK_THAT(log_text(read_text(g.directory + "/state/logs/" + far->grant.session + ".hslog")),
               ContainsSubstring("\"cause\":\"gateway_stopped\""));
  }
  CHECK(std::filesystem::is_empty(g.directory + "/state/spool"));
  g.client.reset();
}

namespace {

/// What a gateway that was killed has left of a session: a credential that is known, and a log
/// without an end.
std::string leave_behind(Gateway& g, const std::string& letter, bool damaged) {
  SessionRecord record;
  record.session = "s_" + std::string(26, letter[0]);
  record.target = "pg-far";
  record.protocol = "postgres";
  record.subject = "alice";
  record.credential = "hoop_" + record.session.substr(2);
  record.state = CredentialState::active;
  record.path = access::DataPath::gateway;
  auto key = crypto::Ed25519Key::generate();
  record.seal_key = to_base64url(key.public_key());
  record.started_at = g.clock.system_now() - std::chrono::seconds(5);
  record.expires_at = g.clock.system_now() + std::chrono::minutes(10);
  REQUIRE((*SqliteStore::open(g.directory + "/state/gateway.db"))->add(record));
  auto spool = record::Spool::open(g.directory + "/state/spool");
  REQUIRE(spool);
  auto sink = spool->create(record.session, "https://localhost", record.target);
  REQUIRE(sink);
  record::SessionStart start;
  start.session = record.session;
  start.gateway = damaged ? "gw_another" : g.id;
  start.target = record.target;
  start.subject = record.subject;
  auto log = record::SessionLog::create(std::move(*sink), std::move(key), start);
  REQUIRE(log);
  REQUIRE(log->append(record::RecordType::note, R"({"event":"last words"})"));
  REQUIRE(log->commit());
  // A commit that was cut.
  std::ofstream(spool->path_of(record.session), std::ios::app) << "half";
  return record.session;
}

}  // namespace

TEST_CASE("tunnel: what a killed gateway has left is kept, and its credential ended") {
  std::string left, damaged;
  Gateway g("30m", [&](Gateway& before) {
    std::filesystem::create_directories(before.directory + "/state");
    left = leave_behind(before, "a", false);
    damaged = leave_behind(before, "b", true);
    const std::string marker = marker_group(before.id);
    before.postgres.sql("CREATE ROLE " + marker + "; CREATE ROLE hoop_" + left.substr(2) +
                        " IN ROLE " + marker);
  });
  const std::string alice = g.token("alice", {"dev"});
  g.run(pause_for(std::chrono::seconds(1)));
  const Json session = Json::parse(g.get("/v1/sessions/" + left, alice).body);
  CHECK(session["state"] == "unsealed");
  CHECK(session["receipt"].is_string());
  const std::string log = log_text(g.get("/v1/sessions/" + left + "/log", alice).body);
  CHECK_THAT(log, ContainsSubstring("last words"));
  CHECK_THAT(log, ContainsSubstring("not sealed"));
  CHECK(g.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'hoop_" + left.substr(2) +
                       "'") == "0");
  const auto ended = g.post("/v1/sessions/" + left + "/end", alice,
                            {{"cause", "program_exit"}, {"program_status", 0}});
  CHECK(ended.status == 200);
  CHECK(Json::parse(ended.body)["receipt"] == session["receipt"]);
  CHECK(Json::parse(ended.body)["log_digest"] == session["digest"]);

  // A log that no receipt can be given for stays for the operator to look at.
  CHECK(Json::parse(g.get("/v1/sessions/" + damaged, alice).body)["receipt"].is_null());
  CHECK(std::filesystem::exists(g.directory + "/state/spool/refused/" + damaged + ".hslog"));
  CHECK(g.post("/v1/sessions/" + damaged + "/end", alice,
               {{"cause", "program_exit"}, {"program_status", 0}})
            .status == 503);
  g.stop();
}

TEST_CASE("tunnel: a log that cannot be delivered now waits, and is delivered later") {
  Gateway g;
  FarSession far(g);
  const std::string logs = g.directory + "/state/logs";
  // A file where the folder should be: nobody, root neither, can write there.
  std::filesystem::rename(logs, logs + ".away");
  std::ofstream(logs) << "";
  const auto ended = far.end();
  INFO(ended.body);
  REQUIRE(ended.status == 200);
  CHECK(Json::parse(ended.body)["upload"] == "spooled");
  CHECK_FALSE(Json::parse(ended.body).contains("receipt"));
  CHECK_FALSE(far.has_role());
  CHECK(std::filesystem::exists(g.directory + "/state/spool/" + far.grant.session + ".hslog"));
  std::filesystem::remove(logs);
  std::filesystem::rename(logs + ".away", logs);
  g.stop();
  g.server.reset();
  auto again = load_config(g.directory);
  REQUIRE(again);
  auto made = GatewayServer::create(std::move(*again), g.context, g.clock, g.random,
                                    std::make_shared<NullLog>());
  INFO((made ? "" : made.error().message));
  REQUIRE(made);
  g.server = std::move(*made);
  REQUIRE(g.server->start());
  g.run(pause_for(std::chrono::milliseconds(500)));
  CHECK_THAT(log_text(read_text(logs + "/" + far.grant.session + ".hslog")),
             ContainsSubstring("\nsealed"));
  CHECK(std::filesystem::is_empty(g.directory + "/state/spool"));
  g.stop();
}

TEST_CASE("tunnel: a gateway that goes without stopping takes its sessions with it") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  auto waiting = g.run(far.raw({.stream = 2}));
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  g.run(pause_for(std::chrono::milliseconds(100)));
  // Nothing may touch what is gone: the sanitizers watch.
  g.client.reset();
  g.server.reset();
  CHECK(std::filesystem::exists(g.directory + "/state/spool/" + far.grant.session + ".hslog"));
}

TEST_CASE("tunnel: a session on the local path is not ended here") {
  Gateway g;
  const std::string alice = g.token("alice", {"dev"});
  const auto key = crypto::Ed25519Key::generate();
  auto grant = access::grant_from_json(g.post("/v1/grants", alice, grant_body(key, "pg-a")).body);
  REQUIRE(grant);
  const auto refused = g.post("/v1/sessions/" + grant->session + "/end", alice,
                              {{"cause", "program_exit"}, {"program_status", 0}});
  CHECK(refused.status == 409);
  CHECK(code_of(refused) == "not_gateway_path");
  for (const Json& command : {Json("psql"), Json{1}, Json(std::vector<std::string>(65, "x")),
                              Json{std::string(9000, 'x')}}) {
    Json body = grant_body(key, "pg-a");
    body["command"] = command;
    CHECK(g.post("/v1/grants", alice, body).status == 400);
  }
  g.stop();
}
