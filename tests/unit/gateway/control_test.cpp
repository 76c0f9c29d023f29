// SPDX-License-Identifier: Apache-2.0
// The gateway's end of control channels, with a real PostgreSQL behind the sessions.
#include "core/session/control_channel.h"
#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;

namespace {

using session::ControlChannel;

/// A session of alice's on the local path, and the line to it.
struct NearSession {
  explicit NearSession(Gateway& g) : gateway(g), token(g.token("alice", {"dev"})) {
    const auto answer = g.post("/v1/grants", token, grant_body(key, "pg-a"));
    INFO(answer.body);
    REQUIRE(answer.status == 201);
    grant = *access::grant_from_json(answer.body);
  }
  bool has_role() const {
    return gateway.postgres.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'hoop_" +
                                grant.session.substr(2) + "'") == "1";
  }
  Gateway& gateway;
  std::string token;
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  access::Grant grant;
};

using Answer = std::variant<std::unique_ptr<ControlChannel>, http::Response>;

asio::awaitable<Answer> attach(Gateway& g, std::string session, std::string token,
                               std::string version) {
  http::Client::UpgradeHeaders headers = [token, version](const net::Stream&) {
    http::Headers out{{"Authorization", "Bearer " + token}, {"Hoopctl-Policy", version}};
    return Result<http::Headers>(std::move(out));
  };
  http::Url url = *http::parse_url(g.server->base_url() + "/v1/sessions/" + session + "/control");
  std::string protocol(session::kControlProtocol);
  auto answered =
      co_await g.client->upgrade(std::move(url), std::move(protocol), std::move(headers),
                                 Deadline::after(g.clock, std::chrono::seconds(20)));
  if (!answered) throw std::runtime_error("upgrade: " + answered.error().message);
  if (auto* refused = std::get_if<http::Response>(&*answered)) {
    Answer out(std::move(*refused));
    co_return out;
  }
  auto upgraded = std::move(std::get<http::Client::Upgraded>(*answered));
  Answer out(std::make_unique<ControlChannel>(std::move(upgraded.stream), as_text(upgraded.early),
                                              session::kMaxLineOfGateway));
  co_return out;
}

std::unique_ptr<ControlChannel> attached(Gateway& g, const access::Grant& grant,
                                         const std::string& token) {
  auto answer = g.run(attach(g, grant.session, token, grant.policy.version));
  if (const auto* refused = std::get_if<http::Response>(&answer)) INFO(refused->body);
  REQUIRE(std::holds_alternative<std::unique_ptr<ControlChannel>>(answer));
  return std::move(std::get<std::unique_ptr<ControlChannel>>(answer));
}

asio::awaitable<std::string> next(ControlChannel& channel, std::chrono::milliseconds patience) {
  auto line = co_await channel.receive(Deadline::at(std::chrono::steady_clock::now() + patience));
  co_return line ? *line : std::string(to_string(line.error().code));
}
std::string heard(Gateway& g, ControlChannel& channel,
                  std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  return g.run(next(channel, patience));
}

void quick(Gateway& g) {
  write_private(g.directory + "/conf.d/90-quick.toml", "[gateway]\nheartbeat = 1\n");
}

std::string status_of(Gateway& g, const std::string& session, const std::string& token) {
  auto answer = g.run(attach(g, session, token, ""));
  const auto* refused = std::get_if<http::Response>(&answer);
  return refused == nullptr ? "101" : std::to_string(refused->status) + " " + code_of(*refused);
}

}  // namespace

TEST_CASE("control: who may attach") {
  Gateway g;
  NearSession near(g);
  const std::string path = "/v1/sessions/" + near.grant.session + "/control";
  const std::string root = g.token("root", {"admins"});
  CHECK(g.get(path, near.token).status == 426);
  CHECK(g.get(path, "").status == 401);
  CHECK(g.ask({"POST", path, near.token, "", {}}).status == 405);
  CHECK(status_of(g, near.grant.session, g.token("bob", {"dev"})) == "404 not_found");
  // It tells the client what to do: an operator has no business there.
  CHECK(status_of(g, near.grant.session, root) == "404 not_found");
  CHECK(status_of(g, "s_" + std::string(26, 'a'), near.token) == "404 not_found");
  CHECK(status_of(g, near.grant.session, near.token) == "101");
  g.stop();
}

TEST_CASE("control: answers that the session stands, and refuses what it does not know") {
  Gateway g;
  NearSession near(g);
  auto channel = attached(g, near.grant, near.token);
  channel->post("{\"type\":\"alive\",\"number\":7}\n");
  CHECK(heard(g, *channel) == R"({"type":"alive","number":7})");
  channel->post("{\"type\":\"alive\",\"number\":7,\"more\":1}\n");
  CHECK(heard(g, *channel) != R"({"type":"alive","number":7})");
  // A new line takes the place of the old one.
  auto first = attached(g, near.grant, near.token);
  auto second = attached(g, near.grant, near.token);
  CHECK_THAT(heard(g, *first), !ContainsSubstring("alive"));
  second->post("{\"type\":\"alive\",\"number\":1}\n");
  CHECK(heard(g, *second) == R"({"type":"alive","number":1})");
  second->post(std::string(5000, 'x'));
  CHECK_THAT(heard(g, *second), !ContainsSubstring("alive"));
  g.stop();
}

TEST_CASE("control: a kill is told, with its reason, before the credential goes") {
  Gateway g;
  NearSession near(g);
  auto channel = attached(g, near.grant, near.token);
  const std::string root = g.token("root", {"admins"});
  std::optional<int> status;
  asio::co_spawn(
      g.context,
      [](Gateway& gateway, std::string path, std::string token,
         std::optional<int>& into) -> asio::awaitable<void> {
        Gateway::Call call{"POST", path, token, R"({"reason":"it locks"})", {}};
        const auto answer = co_await gateway.send(std::move(call));
        into = answer.status;
      }(g, "/v1/sessions/" + near.grant.session + "/kill", root, status),
      [](const std::exception_ptr&) {});
  CHECK(
      heard(g, *channel) ==
      R"({"type":"end","cause":"killed","reason":"the session was ended by an operator: it locks")"
      R"(,"by":"root","words":"it locks"})");
  CHECK(near.has_role());
  channel->post("{\"type\":\"ended\"}\n");
  channel.reset();
  for (int i = 0; i < 100 && !status; ++i) g.run(pause_for(std::chrono::milliseconds(50)));
  CHECK(status == 204);
  CHECK_FALSE(near.has_role());
  // Who comes back is told again, or that there is nothing left.
  CHECK(status_of(g, near.grant.session, near.token) != "404 not_found");
  g.stop();
}

TEST_CASE("control: another policy reaches the client at once; whoever it shuts out, too") {
  Gateway g;
  NearSession near(g);
  auto channel = attached(g, near.grant, near.token);
  const std::string root = g.token("root", {"admins"});
  const std::string path = g.directory + "/policy.toml";
  CHECK(g.post("/v1/policy/reload", near.token, Json()).status == 400);
  CHECK(g.ask({"POST", "/v1/policy/reload", near.token, "", {}}).status == 403);
  const auto reload = [&] { return g.ask({"POST", "/v1/policy/reload", root, "", {}}).status; };
  const std::string before = read_text(path);
  write_private(path, before +
                          "[[rule]]\nname = \"calm\"\nwhen = { protocol = \"postgres\", verb = "
                          "\"merge\" }\neffect = \"deny\"\n");
  CHECK(reload() == 204);
  const auto told = session::decode_from_gateway(heard(g, *channel));
  REQUIRE(told);
  const auto* policy = std::get_if<session::ControlPolicy>(&*told);
  REQUIRE(policy != nullptr);
  CHECK(policy->policy.version != near.grant.policy.version);
  CHECK(std::ranges::any_of(policy->policy.rules, [](const auto& r) { return r.name == "calm"; }));
  // Only its own part.
  CHECK(policy->policy.roles.size() == near.grant.policy.roles.size());
  // A client that was away gets what it has missed.
  channel.reset();
  auto later = attached(g, near.grant, near.token);
  CHECK_THAT(heard(g, *later), ContainsSubstring("\"calm\""));
  write_private(path, before + "effect = 5\n");
  CHECK(reload() == 422);
  std::string without = before;
  without.replace(without.find("group:dev"), 9, "group:ops");
  write_private(path, without);
  CHECK(reload() == 204);
  CHECK_THAT(heard(g, *later), ContainsSubstring("\"cause\":\"revoked\""));
  for (int i = 0; i < 100 && near.has_role(); ++i) g.run(pause_for(std::chrono::milliseconds(50)));
  CHECK_FALSE(near.has_role());
  g.stop();
}

TEST_CASE("control: whoever comes back to a session that is over hears that first, and no answer") {
  Gateway g;
  NearSession near(g);
  const std::string path = g.directory + "/policy.toml";
  std::string text = read_text(path);
  text.replace(text.find("group:dev"), 9, "group:ops");
  auto channel = attached(g, near.grant, near.token);
  channel->post("{\"type\":\"alive\",\"number\":1}\n");
  CHECK_THAT(heard(g, *channel), ContainsSubstring("alive"));
  write_private(path, text);
  CHECK(g.ask({"POST", "/v1/policy/reload", g.token("root", {"admins"}), "", {}}).status == 204);
  auto back = attached(g, near.grant, near.token);
  back->post("{\"type\":\"alive\",\"number\":2}\n");
  CHECK_THAT(heard(g, *back), ContainsSubstring("\"cause\":\"revoked\""));
  CHECK(heard(g, *back, std::chrono::milliseconds(300)) == "timeout");
  g.stop();
}

TEST_CASE("control: a session whose client is not heard of ends, on both paths") {
  Gateway g("30m", quick);
  NearSession near(g), kept(g);
  FarSession far(g, "pg-calm");
  CHECK(near.grant.heartbeat == std::chrono::seconds(1));
  auto channel = attached(g, kept.grant, kept.token);
  for (int i = 0; i < 60 && (near.has_role() || far.has_role()); ++i) {
    channel->post("{\"type\":\"alive\",\"number\":1}\n");
    CHECK_THAT(heard(g, *channel), ContainsSubstring("alive"));
    g.run(pause_for(std::chrono::milliseconds(100)));
  }
  CHECK_FALSE(near.has_role());
  CHECK_FALSE(far.has_role());
  CHECK(kept.has_role());
  CHECK(Json::parse(far.end().body)["ended_by"] == "client_lost");
  g.stop();
}

TEST_CASE("control: what was refused on the gateway path is told, or is in the answer to the end") {
  Gateway g;
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  CHECK_THAT(g.run(query(*tunnel, "lock table people")), ContainsSubstring("ERROR 42501"));
  auto channel = attached(g, far.grant, far.token);
  const std::string denied =
      R"({"type":"denied","rule":"no-locks","message":"locks are not for you","hint":"","verb":"lock"})";
  CHECK(heard(g, *channel) == denied);
  CHECK_THAT(g.run(query(*tunnel, "lock table people")), ContainsSubstring("ERROR 42501"));
  CHECK(heard(g, *channel) == denied);
  channel.reset();
  g.run(pause_for(std::chrono::milliseconds(100)));
  CHECK_THAT(g.run(query(*tunnel, "lock table people")), ContainsSubstring("ERROR 42501"));
  const Json result = Json::parse(far.end().body);
  REQUIRE(result["denials"].size() == 1);
  CHECK(result["denials"][0]["rule"] == "no-locks");
  g.stop();
}

TEST_CASE("control: the program is told that access ends soon") {
  Gateway g("61s");
  FarSession far(g, "pg-calm");
  auto tunnel = ready_stream(far);
  Bytes bytes(256);
  const auto read = [&]() -> asio::awaitable<std::string> {
    const auto count = co_await tunnel->read_some(bytes);
    co_return count ? to_text(ByteSpan(bytes).first(*count)) : std::string("failed");
  };
  CHECK_THAT(g.run(read()), ContainsSubstring("hoopctl: access ends in 1 minute"));
  CHECK_THAT(g.run(query(*tunnel, "select 1")), ContainsSubstring("ready"));
  g.stop();
}
