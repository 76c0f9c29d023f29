// SPDX-License-Identifier: Apache-2.0
// The agent's end, for tests: a real agent beside the gateway's loop, and one that says what a test
// wants it to say.
#pragma once

#include "agent/agent.h"
#include "agent/join.h"
#include "gateway/agents/agent_store.h"
#include "tests/unit/gateway/tunnel_client.h"

namespace hoop::gateway::test_support {

/// A gateway with one more target, pg-near, which only agents that serve site=berlin reach.
inline void add_agent_target(Gateway& g) {
  write_private(g.directory + "/db-ca.pem", gateway_postgres_pki().ca_pem);
  write_private(
      g.directory + "/conf.d/u.toml",
      "[[target]]\nname = \"pg-near\"\nprotocol = \"postgres\"\nhost = \"127.0.0.1\"\nport = " +
          std::to_string(g.postgres.port()) +
          "\ndatabases = [\"postgres\"]\nserver_name = \"db.internal\"\nca_file = "
          "\"db-ca.pem\"\nvia = "
          "\"agent\"\nlabels = { site = \"berlin\", env = \"test\" }\nadmin = { user = "
          "\"hoop_admin\", password = "
          "\"file:keys/pg\" }\n"
          "[[role]]\nname = \"near\"\nmembers = [\"group:dev\"]\ntargets = [\"pg-near\"]\n"
          "database_role = \"app\"\n");
}

inline AgentStore store_of(Database& database) { return AgentStore::open(database).value(); }

/// `gateway agent add`, while the gateway runs.
inline SecretText invite(Gateway& g, const std::string& name,
                         const Labels& serves = {{"site", "berlin"}},
                         std::chrono::seconds valid_for = std::chrono::hours(1)) {
  auto database = Database::open(g.directory + "/state/gateway.db").value();
  auto token = store_of(database).add(name, serves, valid_for, g.random, g.clock.system_now());
  REQUIRE(token);
  return std::move(*token);
}

/// `gateway agent remove`, while the gateway runs.
inline void expel(Gateway& g, const std::string& name) {
  auto database = Database::open(g.directory + "/state/gateway.db").value();
  REQUIRE(store_of(database).remove(name));
}

inline AgentRecord record_of(Gateway& g, const std::string& name) {
  auto database = Database::open(g.directory + "/state/gateway.db").value();
  auto known = store_of(database).list();
  REQUIRE(known);
  for (AgentRecord& record : *known)
    if (record.name == name) return std::move(record);
  FAIL("no such agent");
  return {};
}

/// Runs the gateway until condition holds; false after ten seconds.
inline bool until(Gateway& g, const std::function<bool()>& condition) {
  for (int i = 0; i < 500 && !condition(); ++i) g.run(pause_for(std::chrono::milliseconds(20)));
  return condition();
}

/// Speaks the agent's protocol as far as a test tells it to.
struct ScriptedAgent {
  Gateway& gateway;
  std::string name;
  agent::KeyPtr key = std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());

  http::Response join(const SecretText& token) {
    const auto proof = key->sign(session::agent_join_text(token.reveal()));
    return gateway.post("/v1/agents/join", "",
                        {{"token", token.reveal()},
                         {"key", to_base64url(key->public_key())},
                         {"proof", to_base64url(proof)}});
  }
  struct Wish {
    session::AgentPurpose purpose = session::AgentPurpose::control;
    session::DialNumber number{};
    std::optional<std::string> signed_name = std::nullopt;
    http::Headers instead = {};
  };
  Result<http::Headers> fields(const Wish& wish, const net::Stream& stream) const {
    if (!wish.instead.empty()) return wish.instead;
    const bool control = wish.purpose == session::AgentPurpose::control;
    const Bytes text = session::agent_proof_text(
        wish.purpose, stream.exporter(session::kAgentExporterLabel),
        wish.signed_name.value_or(name), control ? ByteSpan() : ByteSpan(wish.number));
    return http::Headers{{"Hoopctl-Proof", to_base64url(key->sign(text))}};
  }
  asio::awaitable<http::Client::UpgradeAnswer> ask(Wish wish) {
    const bool control = wish.purpose == session::AgentPurpose::control;
    http::Client::UpgradeHeaders headers = [this, wish](const net::Stream& stream) {
      return fields(wish, stream);
    };
    http::Url url =
        *http::parse_url(gateway.server->base_url() + "/v1/agents/" + name +
                         (control ? "/control" : "/streams/" + to_base64url(wish.number)));
    std::string protocol(control ? session::kAgentProtocol : session::kAgentStreamProtocol);
    auto answered =
        co_await gateway.client->upgrade(std::move(url), std::move(protocol), std::move(headers),
                                         Deadline::after(gateway.clock, std::chrono::seconds(20)));
    if (!answered) throw std::runtime_error("upgrade: " + answered.error().message);
    co_return std::move(*answered);
  }
  std::string status(Wish wish) {
    auto answered = gateway.run(ask(std::move(wish)));
    const auto* refused = std::get_if<http::Response>(&answered);
    return refused == nullptr ? "101" : std::to_string(refused->status) + " " + code_of(*refused);
  }
  std::shared_ptr<session::AgentControl> control() {
    auto answered = gateway.run(ask({}));
    auto* upgraded = std::get_if<http::Client::Upgraded>(&answered);
    REQUIRE(upgraded != nullptr);
    return session::AgentControl::over(std::move(upgraded->stream), std::move(upgraded->early),
                                       session::ControlReader::Sender::gateway, {});
  }
};

/// A real agent on the gateway's own loop, with a state of its own.
struct RealAgent {
  explicit RealAgent(Gateway& g, const std::string& name_,
                     const std::vector<std::string>& allow = {"127.0.0.0/8:1", "127.0.0.1:"})
      : gateway(g), name(name_) {
    const SystemTime begun = g.clock.system_now();
    std::vector<std::string> entries = allow;
    for (std::string& entry : entries)
      if (entry.ends_with(':')) entry += std::to_string(g.postgres.port());
    agent::AgentIdentity own;
    own.gateway = g.server->base_url();
    own.key = std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
    own.key_since = g.clock.system_now();
    own.trust.ca_pem = read_text(g.directory + "/tls/ca.pem");
    auto client = http::Client::create(g.context.get_executor(), own.trust);
    auto file = agent::AgentFile::open(dir / "state");
    REQUIRE((client && file));
    auto joined = g.run(agent::join(*client, own, invite(g, name),
                                    Deadline::after(g.clock, std::chrono::seconds(20))));
    INFO((joined ? "" : joined.error().message));
    REQUIRE(joined);
    own.name = *joined;
    agent::Times times;
    times.first_pause = std::chrono::milliseconds(20);
    times.longest_pause = std::chrono::milliseconds(100);
    times.drain = std::chrono::milliseconds(500);
    served = std::make_shared<agent::Agent>(agent::Agent::Parts{
        std::move(*client), std::move(*file), own, agent::AllowList::parse(entries).value(),
        g.clock, g.random, log, g.context.get_executor(), times});
    asio::co_spawn(g.context, served->run(), [this](std::exception_ptr) { ended = true; });
    REQUIRE(connected_after(begun));
  }
  /// Since then; waits for it.
  bool connected_after(SystemTime then) {
    return until(gateway, [&] {
      const auto seen = record_of(gateway, name).seen_at;
      return seen && *seen >= then;
    });
  }
  void stop() {
    served->stop();
    served->stop();
    CHECK(until(gateway, [&] { return ended; }));
  }

  Gateway& gateway;
  std::string name;
  test::TempDir dir;
  NullLog log;
  std::shared_ptr<agent::Agent> served;
  bool ended = false;
};

}  // namespace hoop::gateway::test_support
