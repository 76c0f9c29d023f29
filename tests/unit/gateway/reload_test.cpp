// SPDX-License-Identifier: Apache-2.0
// Another policy under running sessions, with a real PostgreSQL.
#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

namespace {

bool reload(Gateway& g) {
  const auto ask = [&]() -> asio::awaitable<bool> {
    const auto reloaded = co_await g.server->reload();
    if (!reloaded) UNSCOPED_INFO(reloaded.error().message);
    co_return reloaded.has_value();
  };
  return g.run(ask());
}

/// Replaces text in the policy, and reloads it.
bool reload_with(Gateway& g, const std::string& from, const std::string& to) {
  const std::string path = g.directory + "/policy.toml";
  std::string text = read_text(path);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  write_private(path, text);
  return reload(g);
}

}  // namespace

TEST_CASE("reload: a running session is judged by the new rules and limits at the next action") {
  Gateway g;
  FarSession far(g);
  auto tunnel = ready_stream(far);
  CHECK_THAT(g.run(query(*tunnel, "lock table people")), ContainsSubstring("ERROR 42501"));
  CHECK(g.run(query(*tunnel, "select name, email from people")) == "Ann|[redacted]\nready");
  REQUIRE(reload_with(g, "verb = \"lock\" }", "verb = [\"lock\", \"select\"] }"));
  CHECK_THAT(g.run(query(*tunnel, "select name from people")),
             ContainsSubstring("ERROR 42501 locks are not for you"));
  REQUIRE(reload_with(g, "verb = [\"lock\", \"select\"] }", "verb = \"lock\" }"));
  REQUIRE(reload_with(g, "[[mask]]", "[limits]\nrows_per_statement = 2\n[[mask]]"));
  CHECK_THAT(g.run(query(*tunnel, "select * from generate_series(1, 3)")),
             ContainsSubstring("ERROR 54000"));
  CHECK(g.run(query(*tunnel, "select name, email from people")) == "Ann|[redacted]\nready");
  CHECK(far.end().status == 200);
  CHECK_THAT(log_text(g.get("/v1/sessions/" + far.grant.session + "/log", far.token).body),
             ContainsSubstring("\"event\":\"policy\""));
  g.stop();
}

TEST_CASE("reload: whoever may no longer open the target is out, and gets no new grant") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  REQUIRE(reload_with(g, "\"pg-far\", \"pg-calm\"", "\"pg-far\""));
  CHECK_THAT(g.run(read_replies(*tunnel)), ContainsSubstring("FATAL 57P01 access was revoked"));
  CHECK(Json::parse(far.end().body)["ended_by"] == "revoked");
  CHECK_FALSE(far.has_role());
  const auto key = crypto::Ed25519Key::generate();
  CHECK(g.post("/v1/grants", far.token, grant_body(key, "pg-calm")).status == 403);
  CHECK(g.post("/v1/grants", far.token, grant_body(key, "pg-far")).status == 201);
  g.stop();
}

TEST_CASE("reload: a session that was made for other masks or names must connect again") {
  const auto [from, to] =
      GENERATE(std::pair<const char*, const char*>{"with = \"redact\"", "with = \"null\""},
               std::pair<const char*, const char*>{"targets = [\"pg-far\"]\nwith", "with"},
               std::pair<const char*, const char*>{
                   "verb = \"lock\" }", "table = \"public.people\", verb = \"write\" }"});
  Gateway g;
  INFO(to);
  const bool calm = std::string_view(to) != "with = \"null\"";
  FarSession far(g, calm ? "pg-calm" : "pg-far");
  auto tunnel = ready_stream(far);
  REQUIRE(reload_with(g, from, to));
  CHECK_THAT(g.run(read_replies(*tunnel)),
             ContainsSubstring("FATAL 57P01 policy has changed: connect again"));
  CHECK(Json::parse(far.end().body)["ended_by"] == "policy_changed");
  FarSession again(g, calm ? "pg-calm" : "pg-far");
  auto works = ready_stream(again);
  CHECK(g.run(query(*works, "select name from people")) == "Ann\nready");
  g.stop();
}

TEST_CASE("reload: with a mistake in the files the old policy stands") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  CHECK_FALSE(reload_with(g, "effect = \"deny\"", "effect = \"denny\""));
  CHECK(g.run(query(*tunnel, "select name from people")) == "Ann\nready");
  CHECK_THAT(g.run(query(*tunnel, "lock table people")), ContainsSubstring("ERROR 42501"));
  g.stop();
}

TEST_CASE("reload: targets stay as they are until a restart") {
  Gateway g;
  std::ofstream(g.directory + "/conf.d/t.toml", std::ios::app)
      << "[[target]]\nname = \"pg-new\"\nprotocol = \"postgres\"\nhost = \"127.0.0.1\"\n"
         "databases = [\"postgres\"]\ntls = \"disable\"\nadmin = { user = \"a\", password = "
         "\"file:keys/pg\" }\n";
  REQUIRE(reload_with(g, "\"pg-far\", \"pg-calm\"", "\"pg-far\", \"pg-calm\", \"pg-new\""));
  const std::string alice = g.token("alice", {"dev"});
  CHECK(Json::parse(g.get("/v1/targets", alice).body)["targets"].size() == 5);
  g.stop();
}
