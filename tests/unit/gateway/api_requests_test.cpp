// SPDX-License-Identifier: Apache-2.0
// Requests for approvals over HTTPS: asked for in sessions, decided by people.
#include "tests/unit/gateway/gateway_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

namespace {

struct AskingGateway : Gateway {
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  std::string alice = token("alice", {"dev"});

  AskingGateway()
      : Gateway("30m", [](Gateway& before) {
          write_private(before.directory + "/conf.d/ask.toml",
                        "[[rule]]\nname = \"ask\"\nwhen = { verb = \"delete\" }\neffect = "
                        "\"require_approval\"\napprovers = [\"group:dba\"]\nmessage = \"two "
                        "people read this\"\n[gateway]\napproval_time = \"2h\"\n");
        }) {}

  std::string approver(const std::string& subject, const std::vector<std::string>& groups,
                       int signed_in_ago = 1) {
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(clock.system_now().time_since_epoch())
            .count();
    const Json claims = {{"iss", server->base_url()},
                         {"aud", server->base_url()},
                         {"sub", subject},
                         {"client_id", "hoopctl"},
                         {"groups", groups},
                         {"iat", now},
                         {"exp", now + 300},
                         {"jti", to_hex(random.bytes(8))},
                         {"auth_time", now - signed_in_ago},
                         {"scope", "approve"}};
    const auto signer = crypto::P256Key::from_pem(read_text(directory + "/keys/token.pem"));
    return identity::sign_jws(*signer, "at+jwt", claims.dump());
  }
  std::string session(const std::string& target = "pg-a", const Json& more = Json::object()) {
    Json body = grant_body(key, target);
    body.update(more);
    const auto answer = post("/v1/grants", alice, body);
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return Json::parse(answer.body)["session"];
  }
  static Json question(const std::string& text = "delete from people") {
    return {{"protocol", "postgres"},
            {"verb", "delete"},
            {"place", "app"},
            {"text", text},
            {"digest", to_hex(crypto::sha256(as_bytes(text)))},
            {"rule", "ask"},
            {"message", "words of the client"}};
  }
  static Json decision(const std::string& text = "delete from people") {
    return {{"digest", to_hex(crypto::sha256(as_bytes(text)))}, {"reason", "looks right"}};
  }
  std::string request(const std::string& in, const Json& body = question()) {
    const auto answer = post("/v1/sessions/" + in + "/requests", alice, body);
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    return Json::parse(answer.body)["id"];
  }
  std::size_t listed(const std::string& query, const std::string& bearer) {
    const auto answer = get("/v1/requests" + query, bearer);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return Json::parse(answer.body)["requests"].size();
  }
};

}  // namespace

TEST_CASE("requests: from asking to spending") {
  AskingGateway g;
  const std::string session = g.session("pg-a", {{"claimed_agent", "helper"}});
  const std::string asking = "/v1/sessions/" + session + "/requests";
  const auto made = g.post(asking, g.alice, g.question());
  INFO(made.body);
  REQUIRE(made.status == 201);
  const Json first = Json::parse(made.body);
  const std::string id = first["id"], path = "/v1/requests/" + id;
  CHECK(first["state"] == "pending");
  CHECK(first["subject"] == "alice");
  CHECK(first["kind"] == "person");
  CHECK(first["claimed_agent"] == "helper");
  CHECK(first["session"] == session);
  CHECK(first["target"] == "pg-a");
  CHECK(first["place"] == "app");
  CHECK(first["text"] == "delete from people");
  CHECK(first["digest"] == g.question()["digest"]);
  CHECK(first["exact"] == true);
  CHECK(first["message"] == "two people read this");
  CHECK(first["reason"] == "test");
  CHECK(first["approvers"] == Json{"group:dba"});
  CHECK(first["may_decide"] == false);
  for (const char* unset : {"decided_at", "decided_by", "decision_reason", "spent_at", "spent_by"})
    CHECK(first[unset].is_null());
  const auto expires = parse_rfc3339(first["expires_at"].get<std::string>());
  CHECK(*expires - *parse_rfc3339(first["requested_at"].get<std::string>()) ==
        std::chrono::hours(2));
  const auto joined = g.post(asking, g.alice, g.question());
  CHECK(joined.status == 200);
  CHECK(joined.body == made.body);

  const std::string dba = g.token("dora", {"dba"}), fresh = g.approver("dora", {"dba"});
  const Json seen = Json::parse(g.get(path, dba).body);
  CHECK(seen["may_decide"] == true);
  CHECK(g.get(path, g.token("bob", {"dev"})).status == 404);
  CHECK(g.get(path, g.token("eve", {"auditors"})).status == 200);
  CHECK(g.get(path + "?wait=26", dba).status == 400);
  CHECK(g.get(path + "?wait=1&x=1", dba).status == 400);
  CHECK(Json::parse(g.get(path + "?wait=1", dba).body)["state"] == "pending");
  CHECK(g.listed("", dba) == 1);
  CHECK(g.listed("?mine=1", dba) == 0);
  CHECK(g.listed("?mine=1", g.alice) == 1);
  CHECK(g.listed("?state=approved", g.alice) == 0);
  CHECK(g.get("/v1/requests?state=open", dba).status == 400);
  CHECK(g.get("/v1/requests?mine=yes", dba).status == 400);

  const auto code = [&](const std::string& token, const Json& body = AskingGateway::decision()) {
    return code_of(g.post(path + "/approve", token, body));
  };
  CHECK(code(dba) == "fresh_sign_in_needed");
  CHECK(code(g.approver("dora", {"dba"}, 600)) == "fresh_sign_in_needed");
  CHECK(code(g.approver("alice", {"dba"})) == "denied");
  CHECK(code(g.approver("bob", {"dev"})) == "not_found");
  CHECK(code(g.approver("eve", {"admins"})) == "denied");
  CHECK(code(fresh, g.decision("delete from orders")) == "malformed");
  CHECK(code(fresh, Json::object()) == "malformed");
  CHECK(code(fresh, {{"digest", "00"}}) == "malformed");
  CHECK(code(fresh, {{"digest", g.question()["digest"]}, {"reason", std::string(201, 'a')}}) ==
        "malformed");
  const auto spend = [&](const std::string& token, const std::string& in) {
    return g.post(path + "/spend", token, {{"session", in}});
  };
  CHECK(code_of(spend(g.alice, session)) == "not_approved");
  const auto approved = g.post(path + "/approve", fresh, g.decision());
  INFO(approved.body);
  REQUIRE(approved.status == 200);
  const Json now = Json::parse(approved.body);
  CHECK(now["state"] == "approved");
  CHECK(now["decided_by"] == "dora");
  CHECK(now["decision_reason"] == "looks right");
  CHECK(code_of(g.post(path + "/reject", fresh, g.decision())) == "decided");
  CHECK(Json::parse(g.get(path + "?wait=20", g.alice).body)["state"] == "approved");

  const std::string elsewhere = g.session("pg-calm", {{"claimed_agent", "helper"}});
  // That one runs at the gateway, which neither asks nor spends by its client's word.
  CHECK(code_of(spend(g.alice, elsewhere)) == "not_local_path");
  CHECK(code_of(g.post("/v1/sessions/" + elsewhere + "/requests", g.alice, g.question())) ==
        "not_local_path");
  CHECK(spend(g.token("bob", {"dev"}), session).status == 404);
  const std::string person = g.session();
  const auto spent = spend(g.alice, person);
  INFO(spent.body);
  REQUIRE(spent.status == 200);
  CHECK(Json::parse(spent.body)["spent_by"] == person);
  CHECK(spend(g.alice, person).status == 409);
  CHECK(g.listed("?state=spent", g.alice) == 1);
  CHECK(g.listed("?state=all", dba) == 1);
  g.stop();
}

TEST_CASE("requests: the same text in another database is another request") {
  AskingGateway g;
  const std::string session = g.session(), path = "/v1/sessions/" + session + "/requests";
  const std::string id = g.request(session);
  Json body = g.question();
  body["place"] = "other";
  const std::string other = g.request(session, body);
  CHECK(other != id);
  REQUIRE(
      g.post("/v1/requests/" + id + "/approve", g.approver("dora", {"dba"}), g.decision()).status ==
      200);
  const Json again = Json::parse(g.post(path, g.alice, body).body);
  CHECK(again["id"] == other);
  CHECK(again["state"] == "pending");
  body.erase("place");
  const Json nowhere = Json::parse(g.post(path, g.alice, body).body);
  CHECK(nowhere["place"] == "");
  CHECK(nowhere["state"] == "pending");
  body["place"] = "";
  CHECK(Json::parse(g.post(path, g.alice, body).body)["id"] == nowhere["id"]);
  CHECK(g.listed("", g.alice) == 2);
  g.stop();
}

TEST_CASE("requests: what is not asked so") {
  AskingGateway g;
  const std::string session = g.session(), path = "/v1/sessions/" + session + "/requests";
  const auto code = [&](const Json& body) { return code_of(g.post(path, g.alice, body)); };
  CHECK(g.post(path, g.token("bob", {"dev"}), g.question()).status == 404);
  for (const char* member : {"protocol", "verb", "text", "digest", "rule"}) {
    Json body = g.question();
    body.erase(member);
    CHECK(code(body) == "malformed");
    body[member] = 5;
    CHECK(code(body) == "malformed");
  }
  Json body = g.question();
  body["target"] = "pg-b";
  CHECK(code(body) == "malformed");
  for (const Json& place : {Json(5), Json(), Json(std::string(257, 'a'))}) {
    body = g.question();
    body["place"] = place;
    CHECK(code(body) == "malformed");
  }
  body = g.question();
  body["place"] = std::string(256, 'a');
  CHECK(g.post(path, g.alice, body).status == 201);
  body = g.question();
  body["protocol"] = "ssh";
  CHECK(code(body) == "malformed");
  body = g.question();
  body["rule"] = "work";
  CHECK(code(body) == "denied");
  CHECK(code(g.question("")) == "malformed");
  CHECK(code(g.question(std::string((64U << 10) + 1, 'a'))) == "malformed");
  CHECK(g.post(path, g.alice, g.question(std::string(64U << 10, '\n'))).status == 201);
  CHECK(code(g.question(std::string(256U << 10, 'a'))) == "too_large");
  for (int i = 0; i < 18; ++i) g.request(session, g.question("delete " + std::to_string(i)));
  CHECK(code(g.question("delete more")) == "too_many_requests");
  CHECK(g.ask({"DELETE", "/v1/grants/" + session, g.alice, "", {}}).status == 204);
  CHECK(code(g.question()) == "session_ended");
  g.stop();
}

TEST_CASE("requests: somebody who asks without end is slowed down") {
  AskingGateway g;
  const std::string session = g.session(), path = "/v1/sessions/" + session + "/requests";
  g.request(session);
  int slowed = 0;
  for (int i = 0; i < 70 && slowed == 0; ++i)
    slowed = g.post(path, g.alice, g.question()).status == 429 ? i : 0;
  CHECK(slowed >= 59);
  g.stop();
}

TEST_CASE("requests: a token that was made for deciding is good for nothing else") {
  AskingGateway g;
  const std::string id = g.request(g.session());
  const std::string fresh = g.approver("dora", {"dba", "dev", "admins"});
  CHECK(g.get("/v1/whoami", fresh).status == 200);
  CHECK(g.listed("", fresh) == 1);
  CHECK(g.get("/v1/requests/" + id, fresh).status == 200);
  const std::vector<std::pair<std::string, std::string>> others{
      {"GET", "/v1/targets"},
      {"POST", "/v1/grants"},
      {"DELETE", "/v1/grants/s_abcdefghijklmnopqrstuvwxyz"},
      {"GET", "/v1/sessions"},
      {"POST", "/v1/policy/reload"},
      {"POST", "/v1/identities/revoke"},
      {"POST", "/v1/requests"},
      {"GET", "/v1/nothing"},
      {"POST", "/v1/sessions/s_abcdefghijklmnopqrstuvwxyz/requests"},
      {"POST", "/v1/requests/" + id + "/spend"}};
  for (const auto& [method, path] : others) {
    INFO(method << " " << path);
    CHECK(code_of(g.ask({method, path, fresh, "", {}})) == "token_for_approving");
  }
  CHECK(g.post("/v1/requests/" + id + "/reject", fresh, g.decision()).status == 200);
  g.stop();
}

TEST_CASE("requests: routes and methods") {
  AskingGateway g;
  for (const auto& [method, path, allowed] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"POST", "/v1/requests", "GET, HEAD"},
           {"DELETE", "/v1/requests/apr_x", "GET, HEAD"},
           {"GET", "/v1/requests/apr_x/approve", "POST"},
           {"GET", "/v1/requests/apr_x/spend", "POST"},
           {"GET", "/v1/sessions/s_x/requests", "POST"}}) {
    const auto answer = g.ask({method, path, g.alice, "", {}});
    CHECK(answer.status == 405);
    CHECK(answer.headers.find("Allow") == allowed);
  }
  for (const char* path : {"/v1/requests/apr_x", "/v1/requests/", "/v1/requests/apr_x/nothing",
                           "/v1/requests/apr_x/approve/now"})
    CHECK(g.get(path, g.alice).status == 404);
  g.stop();
}

TEST_CASE("requests: a grant is asked for with an approval") {
  AskingGateway g;
  const std::string id = g.request(g.session());
  const auto ask = [&](const std::string& token, const std::string& target) {
    Json body = grant_body(g.key, target);
    body["approval"] = id;
    return g.post("/v1/grants", token, body);
  };
  const auto early = ask(g.alice, "pg-a");
  CHECK(early.status == 403);
  CHECK(code_of(early) == "approval_not_usable");
  CHECK_THAT(early.body, Catch::Matchers::ContainsSubstring("nobody has decided it yet"));
  REQUIRE(
      g.post("/v1/requests/" + id + "/approve", g.approver("dora", {"dba"}), g.decision()).status ==
      200);
  CHECK(ask(g.alice, "pg-a").status == 201);
  // The grant has not spent it.
  CHECK(ask(g.alice, "pg-a").status == 201);
  CHECK(code_of(ask(g.alice, "pg-calm")) == "approval_not_usable");
  CHECK(code_of(ask(g.token("bob", {"dev"}), "pg-a")) == "approval_not_usable");
  CHECK(code_of(ask(g.alice, "secret")) == "target_unavailable");
  Json bad = grant_body(g.key, "pg-a");
  bad["approval"] = "s_x";
  CHECK(code_of(g.post("/v1/grants", g.alice, bad)) == "malformed");
  bad["approval"] = nullptr;
  CHECK(g.post("/v1/grants", g.alice, bad).status == 201);
  g.stop();
}
