// SPDX-License-Identifier: Apache-2.0
// Sessions with a cluster as the engine runs them: a token, policy, masks, record, and an API
// server that answers what a test has written for it.
#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "protocols/kubernetes/door.h"
#include "protocols/kubernetes/handler.h"
#include "tests/unit/protocols/http/http_world.h"

namespace hoop::kubernetes {
namespace {

using nlohmann::json;

struct ClusterWorld : http_target::HttpWorld {
  static constexpr std::string_view kToken = "session-token-0123456789";
  ClusterWorld() {
    policy.rules = {
        rule("no-ops", access::Effect::deny, {{"namespace", {"ops"}}, {"verb", {"delete"}}}),
        rule("discovery", access::Effect::allow,
             {{"protocol", {"kubernetes"}}, {"path", {"/api", "/apis", "/version"}}}),
        rule("shop", access::Effect::allow,
             {{"verb", {"get", "list", "watch", "create", "update", "delete"}},
              {"namespace", {"shop", "ops"}}})};
    made_target.protocol = "kubernetes";
    maker = [](session::SessionContext given) { return make_handler(given); };
    KubernetesDoor door{SecretText(std::string(kToken))};
    auto [one, other] = net::stream_pair(context.get_executor());
    opening = *test::run(context, door.open(*one, Deadline::never()));
  }
  http_target::ProgramGot ask(const std::string& line, const std::string& body = "",
                              const std::string& token = std::string(kToken)) {
    return send({line + " HTTP/1.1\r\nHost: 127.0.0.1:6443\r\nAuthorization: Bearer " + token +
                 "\r\nAccept: application/vnd.kubernetes.protobuf\r\n" +
                 (body.empty() ? "\r\n"
                               : "Content-Type: application/json\r\nContent-Length: " +
                                     std::to_string(body.size()) + "\r\n\r\n" + body)});
  }
  void answers_json(const std::string& body) {
    target.answers.push_back(
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body});
  }
};

const std::string kSecret =
    R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVudGVyMg=="}})";

TEST_CASE("a cluster's session serves who has its token, and nobody else") {
  ClusterWorld world;
  const auto got = world.ask("GET /api/v1/namespaces/shop/pods", "", "another");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 401);
  const json status = json::parse(got.responses[0].body);
  CHECK(status["kind"] == "Status");
  CHECK(status["reason"] == "Unauthorized");
  CHECK(world.target.requests.empty());
}

TEST_CASE("a cluster gets the canonical path, JSON as the only answer, and our credential alone") {
  ClusterWorld world;
  world.answers_json(R"({"kind":"PodList","items":[]})");
  const auto got = world.ask("GET /api/v1/namespaces/sho%70/pods/?limit=500");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 200);
  REQUIRE(world.target.requests.size() == 1);
  const http::Request& seen = world.target.requests[0];
  CHECK(seen.target == "/api/v1/namespaces/shop/pods?limit=500");
  CHECK(seen.headers.find("accept") == "application/json");
  CHECK_FALSE(seen.headers.find("authorization"));
  CHECK(seen.headers.find("x-api-key") == "key-0123456789abcdef");
}

TEST_CASE("a cluster's secrets are hidden whoever asks, in base64 that clients can read") {
  ClusterWorld world;
  world.answers_json(kSecret);
  const auto got = world.ask("GET /api/v1/namespaces/shop/secrets/db");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.bytes.find("aHVudGVyMg") == std::string::npos);
  const json secret = json::parse(got.responses[0].body);
  const std::string shown = secret["data"]["password"];
  CHECK(from_base64(shown));
  // And what they show cannot be written over the secret.
  const auto put = world.ask("PUT /api/v1/namespaces/shop/secrets/db", secret.dump());
  CHECK(put.responses.at(0).status == 403);
  CHECK(world.target.requests.size() == 1);
}

TEST_CASE("a watch of a cluster is masked event by event, before it ends") {
  ClusterWorld world;
  const std::string event = R"({"type":"ADDED","object":)" + kSecret + "}\n";
  const auto chunk = [](const std::string& text) {
    std::array<char, 16> size{};
    std::snprintf(size.data(), size.size(), "%zx", text.size());
    return std::string(size.data()) + "\r\n" + text + "\r\n";
  };
  world.target.answers.push_back(
      {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n" +
       chunk(event) + chunk(event.substr(0, 20)) + chunk(event.substr(20))});
  world.quiet = std::chrono::milliseconds(400);
  const auto got = world.ask("GET /api/v1/namespaces/shop/secrets?watch=true");
  CHECK(got.bytes.find("aHVudGVyMg") == std::string::npos);
  std::size_t events = 0;
  for (auto at = got.bytes.find("ADDED"); at != std::string::npos;
       at = got.bytes.find("ADDED", at + 1))
    ++events;
  CHECK(events == 2);
}

TEST_CASE("a cluster's answer in a form that cannot be masked does not pass") {
  ClusterWorld world;
  world.target.answers.push_back(
      {"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.kubernetes.protobuf\r\nContent-Length: "
       "6\r\n\r\nsecret"});
  const auto got = world.ask("GET /api/v1/namespaces/shop/secrets/db");
  CHECK(got.responses.at(0).status == 502);
  CHECK(got.bytes.find("\r\n\r\nsecret") == std::string::npos);
}

TEST_CASE(
    "a cluster's session denies in the words of kubectl's own errors, and lets nobody be another") {
  ClusterWorld world;
  auto got = world.ask("DELETE /api/v1/namespaces/ops/pods/web");
  CHECK(got.responses.at(0).status == 403);
  json status = json::parse(got.responses[0].body);
  CHECK(status["reason"] == "Forbidden");
  CHECK(status["message"] == "hoopctl: no-ops says so");
  got =
      world.send({"GET /api/v1/namespaces/shop/pods HTTP/1.1\r\nHost: "
                  "127.0.0.1:6443\r\nAuthorization: Bearer " +
                  std::string(ClusterWorld::kToken) + "\r\nImpersonate-User: admin\r\n\r\n"});
  CHECK(got.responses.at(0).status == 403);
  got = world.send(
      {"POST /api/v1/namespaces/shop/pods/web/exec?command=id HTTP/1.1\r\nHost: 127.0.0.1:6443\r\n"
       "Authorization: Bearer " +
       std::string(ClusterWorld::kToken) + "\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n"});
  CHECK(got.responses.at(0).status == 403);
  CHECK(world.target.requests.empty());
  CHECK(world.ask("GET /version").responses.at(0).status == 200);
  CHECK(world.said(record::RecordType::note).find("\"code\":\"impersonation\"") !=
        std::string::npos);
}

TEST_CASE("a cluster that is not behind the door is said so to the first request") {
  asio::io_context context;
  KubernetesDoor door{SecretText("token")};
  auto [program, downstream] = net::stream_pair(context.get_executor());
  REQUIRE(test::run(context,
                    program->write_all(as_bytes("GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n"))));
  REQUIRE(test::run(
      context,
      door.refuse(*downstream, {ErrorCode::upstream_unreachable, "no gateway", "is it up?", {}})));
  Bytes buffer(4096);
  const auto count = test::run(context, program->read_some(buffer));
  REQUIRE(count);
  const std::string got = to_text(ByteSpan(buffer).first(*count));
  CHECK(got.starts_with("HTTP/1.1 503 "));
  CHECK(got.find("\"kind\":\"Status\"") != std::string::npos);
  CHECK(got.find("hoopctl: no gateway") != std::string::npos);
}

}  // namespace
}  // namespace hoop::kubernetes
