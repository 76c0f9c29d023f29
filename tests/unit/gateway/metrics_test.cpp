// SPDX-License-Identifier: Apache-2.0
#include "gateway/metrics.h"

#include <thread>

#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Catch::Matchers::ContainsSubstring;
using std::chrono::milliseconds;

TEST_CASE("metrics: everything that has happened is told, and everything else is 0") {
  Metrics metrics;
  const std::string begun = metrics.text(0);
  CHECK_THAT(begun, ContainsSubstring("hoopctl_grants_total{result=\"issued\"} 0\n"));
  CHECK_THAT(begun, ContainsSubstring("hoopctl_sessions_live{path=\"local\"} 0\n"));
  metrics.answered(Asked::grant, 201, milliseconds(30));
  metrics.answered(Asked::grant, 403, milliseconds(1));
  metrics.answered(Asked::upload, 422, milliseconds(1));
  metrics.answered(Asked::other, 101, milliseconds(1));
  metrics.revoked(false);
  metrics.session_began();
  metrics.tunnel_began();
  metrics.masked(7);
  metrics.took(Stage::decide, std::chrono::microseconds(30));
  metrics.took(Stage::decide, std::chrono::seconds(20));
  metrics.came_from_program(5);
  metrics.went_to_program(6);
  metrics.log_kept(LogKept::failed);
  metrics.logs_waiting(3);
  metrics.decided({access::Effect::deny, "no \"ddl\"\n\\", "never told", ""});
  const std::string text = metrics.text(std::nullopt);
  for (const char* line : {
           "# TYPE hoopctl_grant_seconds histogram\n",
           "hoopctl_http_requests_total{code=\"1xx\"} 1\n",
           "hoopctl_http_requests_total{code=\"2xx\"} 1\n",
           "hoopctl_http_requests_total{code=\"4xx\"} 2\n",
           "hoopctl_grants_total{result=\"issued\"} 1\n",
           "hoopctl_grants_total{result=\"denied\"} 1\n",
           "hoopctl_grant_seconds_bucket{le=\"0.025\"} 0\n",
           "hoopctl_grant_seconds_bucket{le=\"0.05\"} 1\n",
           "hoopctl_grant_seconds_bucket{le=\"1\"} 1\n",
           "hoopctl_grant_seconds_bucket{le=\"+Inf\"} 1\n",
           "hoopctl_grant_seconds_sum 0.03\n",
           "hoopctl_grant_seconds_count 1\n",
           "hoopctl_log_uploads_total{result=\"refused\"} 1\n",
           "hoopctl_credentials_revoked_total{result=\"failed\"} 1\n",
           "hoopctl_sessions_live{path=\"gateway\"} 1\n",
           "hoopctl_tunnels_open 1\n",
           "hoopctl_decisions_total{rule=\"no \\\"ddl\\\"\\n\\\\\",effect=\"deny\"} 1\n",
           "hoopctl_masked_values_total 7\n",
           "hoopctl_stage_seconds_bucket{stage=\"decide\",le=\"1e-05\"} 0\n",
           "hoopctl_stage_seconds_bucket{stage=\"decide\",le=\"5e-05\"} 1\n",
           "hoopctl_stage_seconds_bucket{stage=\"decide\",le=\"10\"} 1\n",
           "hoopctl_stage_seconds_bucket{stage=\"decide\",le=\"+Inf\"} 2\n",
           "hoopctl_stage_seconds_sum{stage=\"decide\"} 20.00003\n",
           "hoopctl_stage_seconds_count{stage=\"decide\"} 2\n",
           "hoopctl_stage_seconds_count{stage=\"open\"} 0\n",
           "hoopctl_bytes_total{direction=\"from_program\"} 5\n",
           "hoopctl_bytes_total{direction=\"to_program\"} 6\n",
           "hoopctl_logs_kept_total{result=\"failed\"} 1\n",
           "hoopctl_logs_waiting 3\n",
       })
    CHECK_THAT(text, ContainsSubstring(line));
  CHECK(text.find("path=\"local\"") == std::string::npos);
  CHECK(text.find("never told") == std::string::npos);
}

TEST_CASE("metrics: names of rules do not grow without end") {
  Metrics metrics;
  for (int i = 0; i < 1500; ++i)
    metrics.decided({access::Effect::allow, "r" + std::to_string(i), "", ""});
  CHECK_THAT(metrics.text(0),
             ContainsSubstring("hoopctl_decisions_total{rule=\"other\",effect=\"allow\"} 500\n"));
}

TEST_CASE("metrics: what is counted one by one") {
  CHECK(what_is_asked("POST", "/v1/grants") == Asked::grant);
  CHECK(what_is_asked("GET", "/v1/grants") == Asked::other);
  CHECK(what_is_asked("POST", "/v1/sessions/s_x/finish") == Asked::upload);
  CHECK(what_is_asked("POST", "/v1/sessions/s_x/end") == Asked::other);
}

namespace {

void switch_on(Gateway& g) {
  write_private(g.directory + "/conf.d/m.toml", "[gateway]\nmetrics = \"127.0.0.1:0\"\n");
}

asio::awaitable<http::Response> ask_metrics(Gateway& g, std::string method, std::string path,
                                            std::string host) {
  const std::string base = "http://127.0.0.1:" + std::to_string(*g.server->metrics_port());
  http::Url url = *http::parse_url(base + path);
  http::Headers headers;
  if (!host.empty()) headers.set("Host", host);
  auto answer = co_await g.client->send(std::move(method), std::move(url), std::move(headers), "",
                                        Deadline::after(g.clock, std::chrono::seconds(20)));
  if (!answer) throw std::runtime_error(answer.error().message);
  co_return std::move(*answer);
}

http::Response metrics_of(Gateway& g, const std::string& method = "GET",
                          const std::string& path = "/metrics", const std::string& host = "") {
  return g.run(ask_metrics(g, method, path, host));
}

}  // namespace

TEST_CASE("metrics: off unless they are asked for") {
  Gateway g;
  CHECK_FALSE(g.server->metrics_port());
  CHECK(g.get("/metrics", "").status == 404);
  g.stop();
}

TEST_CASE("metrics: over HTTP, for a collector on this machine") {
  Gateway g("30m", switch_on);
  const auto answer = metrics_of(g);
  CHECK(answer.status == 200);
  CHECK(answer.headers.only("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer.headers.only("Cache-Control") == "no-store");
  CHECK(metrics_of(g, "HEAD").status == 200);
  CHECK(metrics_of(g, "POST").status == 405);
  CHECK(metrics_of(g, "GET", "/v1/whoami").status == 404);
  CHECK(g.get("/metrics", "").status == 404);
  CHECK(read_text(g.directory + "/state/metrics") ==
        "127.0.0.1:" + std::to_string(*g.server->metrics_port()) + "\n");
  g.stop();
  CHECK_FALSE(std::filesystem::exists(g.directory + "/state/metrics"));
}

TEST_CASE("metrics: sessions of both paths, and nothing of whom they are or what they do") {
  Gateway g("30m", switch_on);
  const std::string alice = g.token("alice", {"dev"});
  const auto key = crypto::Ed25519Key::generate();
  const auto local = g.post("/v1/grants", alice, grant_body(key, "pg-a"));
  REQUIRE(local.status == 201);
  const std::string session = Json::parse(local.body)["session"];
  CHECK(g.post("/v1/grants", alice, grant_body(key, "nowhere")).status == 403);
  FarSession far(g);
  auto stream = ready_stream(far);
  CHECK(g.run(query(*stream, "select name, email from people")) == "Ann|[redacted]\nready");
  CHECK_THAT(g.run(query(*stream, "lock table people")), ContainsSubstring("42501"));
  const std::string open = metrics_of(g).body;
  for (const char* line :
       {"hoopctl_grants_total{result=\"issued\"} 2\n",
        "hoopctl_grants_total{result=\"denied\"} 1\n", "hoopctl_grant_seconds_count 2\n",
        "hoopctl_sessions_live{path=\"gateway\"} 1\n", "hoopctl_sessions_live{path=\"local\"} 1\n",
        "hoopctl_tunnels_open 1\n", "hoopctl_http_requests_total{code=\"1xx\"} 1\n",
        "hoopctl_decisions_total{rule=\"work\",effect=\"allow\"} 1\n",
        "hoopctl_decisions_total{rule=\"no-locks\",effect=\"deny\"} 1\n",
        "hoopctl_masked_values_total 1\n", "hoopctl_stage_seconds_count{stage=\"open\"} 1\n",
        "hoopctl_stage_seconds_count{stage=\"decide\"} 2\n",
        "hoopctl_stage_seconds_count{stage=\"answer\"} 1\n"})
    CHECK_THAT(open, ContainsSubstring(line));
  for (const std::string& hidden :
       {std::string("alice"), session, far.grant.session, std::string("people"), std::string("Ann"),
        std::string("example.com"), std::string("pg-far")}) {
    INFO(hidden);
    CHECK(open.find(hidden) == std::string::npos);
  }
  stream->close();
  CHECK(far.end().status == 200);
  CHECK(g.ask({"DELETE", "/v1/grants/" + session, alice, "", {}}).status == 204);
  std::this_thread::sleep_for(milliseconds(1100));
  const std::string ended = metrics_of(g).body;
  for (const char* line :
       {"hoopctl_sessions_live{path=\"gateway\"} 0\n", "hoopctl_sessions_live{path=\"local\"} 0\n",
        "hoopctl_tunnels_open 0\n", "hoopctl_logs_kept_total{result=\"receipted\"} 1\n",
        "hoopctl_logs_waiting 0\n", "hoopctl_credentials_revoked_total{result=\"ok\"} 2\n"})
    CHECK_THAT(ended, ContainsSubstring(line));
  g.stop();
}
