// SPDX-License-Identifier: Apache-2.0
// Targets behind agents: a whole gateway, a real PostgreSQL, and agents both real and hostile.
#include "gateway/agents/agents.h"

#include "tests/unit/gateway/agent_peer.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;
using session::AgentPurpose;

namespace {

struct AgentGateway : Gateway {
  AgentGateway() : Gateway("30m", add_agent_target) {}
};

std::string grant_status(Gateway& g) {
  const auto key = crypto::Ed25519Key::generate();
  const auto answer = g.post("/v1/grants", g.token("alice", {"dev"}), grant_body(key, "pg-near"));
  return std::to_string(answer.status) + (answer.status == 201 ? "" : " " + code_of(answer));
}

}  // namespace

TEST_CASE("agents: grants, statements and a role's end go through a real agent") {
  AgentGateway g;
  CHECK(grant_status(g) == "503 agent_offline");
  RealAgent agent(g, "berlin");
  FarSession far(g, "pg-near");
  auto first = ready_stream(far, 1), second = ready_stream(far, 2);
  CHECK(g.run(query(*first, "select name from people")) == "Ann\nready");
  CHECK(g.run(query(*second, "select current_user")) == "app\nready");
  CHECK_THAT(g.run(query(*first, "lock table people")), ContainsSubstring("ERROR 42501"));
  const std::string bulk =
      g.run(query(*second, "select repeat('x', 1000) from generate_series(1, 3000)"));
  CHECK(bulk.size() == 3000 * 1001 + 5);
  CHECK(far.has_role());
  first->close();
  second->close();
  CHECK(far.end().status == 200);
  CHECK_FALSE(far.has_role());
  agent.stop();
  CHECK(until(g, [&] { return grant_status(g) == "503 agent_offline"; }));
  g.stop();
}

TEST_CASE("agents: one that is lost ends its sessions with the reason, and is welcome again") {
  AgentGateway g;
  {
    RealAgent agent(g, "berlin");
    FarSession far(g, "pg-near");
    auto tunnel = ready_stream(far, 1);
    REQUIRE(g.run(send_query(*tunnel,
                             "select count(*) from (select generate_series(1, "
                             "9000000000)) s")));
    g.run(pause_for(std::chrono::milliseconds(100)));
    agent.served->stop();
    agent.served->stop();
    CHECK_THAT(g.run(read_replies(*tunnel)),
               ContainsSubstring("FATAL 08006 the agent of this target was lost"));
    CHECK(until(g, [&] { return agent.ended; }));
    tunnel->close();
    static_cast<void>(far.end());
  }
  CHECK(grant_status(g) == "503 agent_offline");
  RealAgent again(g, "munich");
  CHECK(grant_status(g) == "201");
  again.stop();
  g.stop();
}

TEST_CASE("agents: what the allow-list does not have is refused, whatever the gateway asks") {
  AgentGateway g;
  RealAgent agent(g, "berlin", {"127.0.0.1:1"});
  CHECK(grant_status(g) == "503 agent_not_allowed");
  agent.stop();
  g.stop();
}

TEST_CASE("agents: the key changes under a running session, and the old one is forgotten") {
  AgentGateway g;
  RealAgent agent(g, "berlin");
  FarSession far(g, "pg-near");
  auto tunnel = ready_stream(far, 1);
  const auto before = record_of(g, "berlin").key;
  agent.served->change_key();
  REQUIRE(until(g, [&] { return record_of(g, "berlin").key != before; }));
  CHECK_FALSE(record_of(g, "berlin").next_key);
  CHECK(g.run(query(*tunnel, "select 1")) == "1\nready");
  auto second = ready_stream(far, 2);
  CHECK(g.run(query(*second, "select 2")) == "2\nready");
  agent.stop();
  g.stop();
}

TEST_CASE("agents: a lost answer to a new key locks nobody out") {
  AgentGateway g;
  ScriptedAgent agent{g, "berlin"};
  REQUIRE(agent.join(invite(g, "berlin")).status == 200);
  auto control = agent.control();
  const auto next = std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
  const auto offer = [&](const crypto::Ed25519Key& by) {
    session::NewKey out{next->public_key(), {}};
    out.signature = by.sign(
        session::agent_proof_text(AgentPurpose::key, control->exporter(), "berlin", out.key));
    return out;
  };
  REQUIRE(control->send(offer(*agent.key)));
  REQUIRE(until(g, [&] { return record_of(g, "berlin").next_key == next->public_key(); }));
  control->close();
  // It never heard that it was taken: the old key opens, the new one does, then the old one not.
  CHECK(agent.status({}) == "101");
  const auto old = std::exchange(agent.key, next);
  CHECK(agent.status({}) == "101");
  CHECK(record_of(g, "berlin").key == next->public_key());
  agent.key = old;
  CHECK(agent.status({}) == "401 agent_refused");
  // A key that the present one has not signed ends the stream.
  agent.key = next;
  control = agent.control();
  REQUIRE(control->send(offer(*old)));
  const auto taken = [&]() -> asio::awaitable<bool> {
    for (;;) {
      const auto message = co_await control->receive();
      if (!message) co_return false;
      // The gateway may also ask for a connection, to look after the target's roles.
      if (std::holds_alternative<session::KeyTaken>(*message)) co_return true;
    }
  };
  CHECK_FALSE(g.run(taken()));
  CHECK_FALSE(record_of(g, "berlin").next_key);
  g.stop();
}

TEST_CASE("agents: only who has joined, with the key of that name, opens a control stream") {
  AgentGateway g;
  ScriptedAgent berlin{g, "berlin"}, munich{g, "munich"};
  CHECK(berlin.status({}) == "401 agent_refused");
  const SecretText token = invite(g, "berlin");
  CHECK(until(g, [&] { return berlin.status({}) == "401 agent_refused"; }));  // invited only
  CHECK(berlin.join(token).status == 200);
  CHECK(munich.join(token).status == 401);
  CHECK(munich.join(invite(g, "munich")).status == 200);
  CHECK(berlin.status({}) == "101");
  berlin.name = "munich";
  CHECK(berlin.status({}) == "401 agent_refused");
  CHECK(berlin.status({.signed_name = "berlin"}) == "401 agent_refused");
  berlin.name = "nobody";
  CHECK(berlin.status({}) == "401 agent_refused");
  berlin.name = "berlin";
  CHECK(berlin.status({.signed_name = "munich"}) == "401 agent_refused");
  CHECK(berlin.status({.instead = {{"Hoopctl-Proof", "AAAA"}}}) == "400 malformed");
  CHECK(berlin.status({.instead = {{"Hoopctl-Other", "AAAA"}}}) == "400 malformed");
  const auto plain = g.get("/v1/agents/berlin/control", "");
  CHECK(plain.status == 426);
  CHECK(plain.headers.find("Upgrade") == session::kAgentProtocol);
  CHECK(g.post("/v1/agents/berlin/control", "", {}).status == 405);
  CHECK(g.get("/v1/agents/join", "").status == 405);
  CHECK(g.get("/v1/agents/berlin", "").status == 404);
  CHECK(g.get("/v1/agents/berlin/streams", "").status == 404);
  g.stop();
}

TEST_CASE("agents: a proof is worth nothing on another connection") {
  AgentGateway g;
  ScriptedAgent agent{g, "berlin"};
  REQUIRE(agent.join(invite(g, "berlin")).status == 200);
  http::Headers stolen;
  http::Client::UpgradeHeaders look = [&](const net::Stream& stream) -> Result<http::Headers> {
    stolen = *agent.fields({}, stream);
    return fail(ErrorCode::cancelled, "kept back");
  };
  const auto kept_back = [&]() -> asio::awaitable<bool> {
    http::Url url = *http::parse_url(g.server->base_url() + "/v1/agents/berlin/control");
    std::string protocol(session::kAgentProtocol);
    auto answered = co_await g.client->upgrade(std::move(url), std::move(protocol), look,
                                               Deadline::after(g.clock, std::chrono::seconds(5)));
    co_return !answered.has_value();
  };
  REQUIRE(g.run(kept_back()));
  REQUIRE(stolen.size() == 1);
  CHECK(agent.status({.instead = stolen}) == "401 agent_refused");
  CHECK(agent.status({}) == "101");
  g.stop();
}

TEST_CASE("agents: a stream is taken for a number that is waited for, once, from that agent") {
  AgentGateway g;
  ScriptedAgent berlin{g, "berlin"}, munich{g, "munich"};
  REQUIRE(berlin.join(invite(g, "berlin")).status == 200);
  REQUIRE(munich.join(invite(g, "munich", {{"site", "munich"}})).status == 200);
  auto control = berlin.control(), other = munich.control();
  session::DialNumber number{};
  number[0] = 1;
  CHECK(berlin.status({.purpose = AgentPurpose::stream, .number = number}) == "401 agent_refused");

  const auto next_dial = [&]() -> asio::awaitable<session::Dial> {
    auto message = co_await control->receive();
    if (!message) throw std::runtime_error(message.error().message);
    co_return std::get<session::Dial>(*message);
  };
  // The gateway looks after the roles of what an agent has brought; the answer never comes, so that
  // what is asked for next is the grant's.
  const session::Dial sweep = g.run(next_dial());
  std::string granted;
  const auto key = crypto::Ed25519Key::generate();
  asio::co_spawn(
      g.context,
      [](Gateway& gateway, std::string& out, Json body) -> asio::awaitable<void> {
        Gateway::Call call{"POST", "/v1/grants", gateway.token("alice", {"dev"}), body.dump(), {}};
        const auto answer = co_await gateway.send(std::move(call));
        out = std::to_string(answer.status) + " " + code_of(answer);
      }(g, granted, grant_body(key, "pg-near")),
      [](std::exception_ptr) {});
  const session::Dial dial = g.run(next_dial());
  CHECK(dial.number != sweep.number);
  CHECK(dial.host == "127.0.0.1");
  CHECK(dial.port == g.postgres.port());
  CHECK(munich.status({.purpose = AgentPurpose::stream, .number = dial.number}) ==
        "401 agent_refused");
  CHECK(berlin.status({.purpose = AgentPurpose::stream, .number = number}) == "401 agent_refused");
  CHECK(berlin.status(
            {.purpose = AgentPurpose::stream, .number = dial.number, .signed_name = "munich"}) ==
        "401 agent_refused");
  // Another agent's refusal means nothing.
  REQUIRE(other->send(session::Refused{dial.number, session::DialRefusal::not_allowed}));
  g.run(pause_for(std::chrono::milliseconds(100)));
  CHECK(granted.empty());
  {
    auto taken = g.run(berlin.ask({.purpose = AgentPurpose::stream, .number = dial.number}));
    CHECK(std::holds_alternative<http::Client::Upgraded>(taken));
    CHECK(berlin.status({.purpose = AgentPurpose::stream, .number = dial.number}) ==
          "401 agent_refused");
    // Garbage where the target should speak.
    auto& upgraded = std::get<http::Client::Upgraded>(taken);
    const auto shout = [&]() -> asio::awaitable<bool> {
      const std::string garbage(100, '\xff');
      co_return (co_await upgraded.stream->write_all(as_bytes(garbage))).has_value();
    };
    CHECK(g.run(shout()));
    REQUIRE(until(g, [&] { return !granted.empty(); }));
  }
  CHECK_THAT(granted, Catch::Matchers::StartsWith("503"));
  control->close();
  g.stop();
}

TEST_CASE("agents: garbage and frames of the other side end a control stream, and nothing else") {
  AgentGateway g;
  RealAgent healthy(g, "berlin");
  ScriptedAgent agent{g, "munich"};
  REQUIRE(agent.join(invite(g, "munich")).status == 200);
  for (const std::string& bytes : {std::string("\x02\x00\x13"
                                               "0123456789012345\x00\x01x",
                                               22),
                                   std::string(5000, '\xff'), std::string("\x01\x02\x00", 3)}) {
    auto answered = g.run(agent.ask({}));
    auto& upgraded = std::get<http::Client::Upgraded>(answered);
    const auto shout = [&]() -> asio::awaitable<std::string> {
      Bytes buffer(4096);
      static_cast<void>(co_await upgraded.stream->write_all(as_bytes(bytes)));
      upgraded.stream->set_deadline(Deadline::after(g.clock, std::chrono::seconds(5)));
      const auto count = co_await upgraded.stream->read_some(buffer);
      co_return count ? std::to_string(*count) : std::string(to_string(count.error().code));
    };
    CHECK(g.run(shout()) == "io");
  }
  CHECK(grant_status(g) == "201");
  healthy.stop();
  g.stop();
}

TEST_CASE("agents: a removed one is out within two seconds, with its sessions") {
  AgentGateway g;
  RealAgent agent(g, "berlin");
  FarSession far(g, "pg-near");
  auto tunnel = ready_stream(far, 1);
  REQUIRE(g.run(send_query(*tunnel,
                           "select count(*) from (select generate_series(1, "
                           "9000000000)) s")));
  const auto begun = g.clock.steady_now();
  expel(g, "berlin");
  CHECK_THAT(g.run(read_replies(*tunnel)),
             ContainsSubstring("FATAL 08006 the agent of this target was removed"));
  CHECK(g.clock.steady_now() - begun < std::chrono::seconds(4));
  CHECK(grant_status(g) == "503 agent_offline");
  agent.stop();
  g.stop();
}

TEST_CASE("agents: of several the one with fewer streams is used, and one may go") {
  AgentGateway g;
  RealAgent first(g, "berlin-1"), second(g, "berlin-2");
  FarSession far(g, "pg-near");
  std::vector<std::unique_ptr<session::Tunnel>> tunnels;
  for (std::uint64_t n = 1; n <= 4; ++n) tunnels.push_back(ready_stream(far, n));
  first.stop();
  int alive = 0;
  for (const auto& tunnel : tunnels)
    if (g.run(query(*tunnel, "select 1")) == "1\nready") ++alive;
  CHECK(alive >= 1);
  CHECK(alive <= 3);
  auto more = ready_stream(far, 5);
  CHECK(g.run(query(*more, "select 5")) == "5\nready");
  second.stop();
  g.stop();
}

TEST_CASE("agents: join tokens cannot be tried at will") {
  AgentGateway g;
  ScriptedAgent agent{g, "berlin"};
  CHECK(g.post("/v1/agents/join", "", {{"token", "x"}}).status == 400);
  CHECK(g.ask({"POST", "/v1/agents/join", "", std::string(5000, ' '), {}}).status == 400);
  std::vector<int> statuses;
  for (int i = 0; i < 6; ++i)
    statuses.push_back(agent.join(SecretText("hoopjoin_" + std::to_string(i))).status);
  CHECK(statuses.front() == 401);
  CHECK(statuses.back() == 429);
  g.stop();
}

TEST_CASE("agents: a gateway that stops lets nothing hang") {
  AgentGateway g;
  RealAgent agent(g, "berlin");
  FarSession far(g, "pg-near");
  auto tunnel = ready_stream(far, 1);
  REQUIRE(g.run(send_query(*tunnel,
                           "select count(*) from (select generate_series(1, "
                           "9000000000)) s")));
  const auto begun = g.clock.steady_now();
  g.stop();
  CHECK(g.clock.steady_now() - begun < std::chrono::seconds(15));
  CHECK_FALSE(far.has_role());
  agent.stop();
}
