// SPDX-License-Identifier: Apache-2.0
// Sessions that somebody ends from outside, on both paths, with a real PostgreSQL.
#include <libpq-fe.h>

#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string kill_path(const std::string& session) { return "/v1/sessions/" + session + "/kill"; }

}  // namespace

TEST_CASE("kill: who may, and what the request may say") {
  Gateway g;
  FarSession far(g);
  auto tunnel = ready_stream(far);
  const std::string path = kill_path(far.grant.session);
  const std::string bob = g.token("bob", {"dev"}), carol = g.token("carol", {"auditors"}),
                    root = g.token("root", {"admins"});
  const auto refused = g.post(path, bob, Json::object());
  CHECK(refused.status == 404);
  CHECK(code_of(refused) == "not_found");
  // An auditor reads, and ends nothing.
  CHECK(g.post(path, carol, Json::object()).body == refused.body);
  CHECK(g.ask({"DELETE", "/v1/grants/" + far.grant.session, carol, "", {}}).status == 404);
  CHECK(g.post(kill_path("s_" + std::string(26, 'a')), root, Json::object()).body == refused.body);
  CHECK(g.post(kill_path("nothing"), root, Json::object()).status == 404);
  CHECK(g.ask({"GET", path, root, "", {}}).status == 405);
  CHECK(g.post(path, "", Json::object()).status == 401);
  for (const Json& bad : {Json::array(), Json("why"), Json{{"reason", 5}}, Json{{"cause", "x"}},
                          Json{{"reason", "x"}, {"cause", "x"}},
                          Json{{"reason", std::string(201, 'x')}}, Json{{"reason", nullptr}}}) {
    INFO(bad.dump());
    CHECK(g.post(path, root, bad).status == 400);
  }
  CHECK(g.run(query(*tunnel, "select 1")) == "1\nready");
  g.stop();
}

TEST_CASE("kill: a program on the gateway path reads why, and the log says who") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  const std::string root = g.token("root", {"admins"});
  const auto begun = std::chrono::steady_clock::now();
  const auto killed = g.post(kill_path(far.grant.session), root, {{"reason", "it\nlocks"}});
  INFO(killed.body);
  CHECK(killed.status == 204);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  CHECK_FALSE(far.has_role());
  CHECK_THAT(
      g.run(read_replies(*tunnel)),
      ContainsSubstring("FATAL 57P01 the session was ended by an operator: it\\u000alocks\n"));
  CHECK(far.status({.stream = 2}) == "403 access_ended");
  // Once more is no error, and changes nothing.
  CHECK(g.post(kill_path(far.grant.session), far.token, Json::object()).status == 204);
  const Json result = Json::parse(far.end("program_exit", 2).body);
  CHECK(result["ended_by"] == "killed");
  CHECK(result["expired"] == false);
  CHECK(result["upload"] == "receipted");
  const std::string log =
      log_text(g.get("/v1/sessions/" + far.grant.session + "/log", far.token).body);
  CHECK_THAT(log, ContainsSubstring("\"cause\":\"killed\""));
  CHECK_THAT(log, ContainsSubstring("\"event\":\"ended_by\""));
  CHECK_THAT(log, ContainsSubstring("\"subject\":\"root\""));
  CHECK_THAT(log, ContainsSubstring("\"reason\":\"it\\nlocks\""));
  g.stop();
}

TEST_CASE("sessions: the live ones are those whose credential lives") {
  Gateway g;
  FarSession far(g, "pg-calm"), ended(g, "pg-calm");
  const auto key = crypto::Ed25519Key::generate();
  auto local =
      access::grant_from_json(g.post("/v1/grants", far.token, grant_body(key, "pg-a")).body);
  REQUIRE(local);
  CHECK(ended.end().status == 200);
  const auto live = [&](const std::string& token, const std::string& more = "") {
    const auto answer = g.get("/v1/sessions?live=1" + more, token);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    const Json list = Json::parse(answer.body)["sessions"];
    std::vector<std::string> ids;
    for (const Json& one : list) {
      CHECK(one["live"] == true);
      ids.push_back(one["session"].get<std::string>());
    }
    return ids;
  };
  const std::string bob = g.token("bob", {"dev"}), root = g.token("root", {"admins"});
  CHECK(live(far.token) == std::vector{local->session, far.grant.session});
  CHECK(live(root) == live(far.token));
  CHECK(live(root, "&limit=1") == std::vector{local->session});
  CHECK(live(bob).empty());
  CHECK(g.get("/v1/sessions?live=0", bob).status == 400);
  const Json all = Json::parse(g.get("/v1/sessions", far.token).body)["sessions"];
  REQUIRE(all.size() == 3);
  CHECK(all[1]["live"] == false);
  CHECK(g.post(kill_path(local->session), root, Json::object()).status == 204);
  CHECK(live(root) == std::vector{far.grant.session});
  CHECK(Json::parse(g.get("/v1/sessions/" + local->session, root).body)["live"] == false);
  g.stop();
}

TEST_CASE("kill: the owner ends a session, without a word") {
  Gateway g;
  FarSession far(g, "pg-calm"), other(g, "pg-calm");
  auto tunnel = ready_stream(far), stays = ready_stream(other);
  CHECK(g.ask({"POST", kill_path(far.grant.session), far.token, "", {}}).status == 204);
  CHECK_THAT(g.run(read_replies(*tunnel)),
             ContainsSubstring("FATAL 57P01 the session was ended by its owner\n"));
  CHECK(g.run(query(*stays, "select 1")) == "1\nready");
  CHECK(Json::parse(other.end().body)["ended_by"] == "program_exit");
  g.stop();
}

TEST_CASE("kill: a client that says its program has ended cannot put it off") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(g.run(send_query(*tunnel, "select pg_sleep(30)")));
  asio::co_spawn(g.context,
                 g.send({"POST",
                         "/v1/sessions/" + far.grant.session + "/end",
                         far.token,
                         R"({"cause":"program_exit","program_status":0})",
                         {}}),
                 [](std::exception_ptr, http::Response) {});
  g.run(pause_for(std::chrono::milliseconds(300)));
  const auto begun = std::chrono::steady_clock::now();
  CHECK(g.post(kill_path(far.grant.session), far.token, Json::object()).status == 204);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::milliseconds(2000));
  CHECK_THAT(g.run(read_replies(*tunnel)),
             ContainsSubstring("FATAL 57P01 the session was ended by its owner"));
  g.stop();
}

TEST_CASE("kill: on the local path the credential goes, and every connection of it") {
  Gateway g;
  const std::string alice = g.token("alice", {"dev"}), root = g.token("root", {"admins"});
  const auto key = crypto::Ed25519Key::generate();
  auto grant = access::grant_from_json(g.post("/v1/grants", alice, grant_body(key, "pg-a")).body);
  REQUIRE(grant);
  const std::string login =
      "host=127.0.0.1 port=" + std::to_string(grant->target.port) +
      " dbname=postgres sslmode=disable user=" +
      grant->credential_as<access::PostgresCredential>()->username +
      " password=" + grant->credential_as<access::PostgresCredential>()->password.reveal();
  PGconn* connection = PQconnectdb(login.c_str());
  REQUIRE(PQstatus(connection) == CONNECTION_OK);
  CHECK(g.post(kill_path(grant->session), g.token("bob", {"dev"}), Json::object()).status == 404);
  CHECK(g.post(kill_path(grant->session), root, {{"reason", "enough"}}).status == 204);
  PGresult* result = PQexec(connection, "select 1");
  CHECK(PQresultStatus(result) == PGRES_FATAL_ERROR);
  PQclear(result);
  PQfinish(connection);
  PGconn* again = PQconnectdb(login.c_str());
  CHECK(PQstatus(again) == CONNECTION_BAD);
  PQfinish(again);
  // Its log still comes from the client.
  CHECK(g.put(grant->session, alice, 0, "x", "x").status == 200);
  g.stop();
}
