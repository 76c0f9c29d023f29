// SPDX-License-Identifier: Apache-2.0
// What a review has found: ways to the values of Secrets that nothing hides.
#include "protocols/kubernetes/door.h"
#include "protocols/kubernetes/handler.h"
#include "tests/unit/protocols/http/http_world.h"

namespace hoop::kubernetes {
namespace {

struct ReviewedWorld : http_target::HttpWorld {
  ReviewedWorld() {
    policy.rules = {
        rule("all", access::Effect::allow,
             {{"protocol", {"kubernetes"}}, {"verb", {"*"}}, {"path", {"/**"}}}),
        rule("more", access::Effect::allow, {{"protocol", {"kubernetes"}}, {"verb", {"*"}}})};
    made_target.protocol = "kubernetes";
    maker = [](session::SessionContext given) { return make_handler(given); };
    KubernetesDoor door{SecretText("session-token-0123456789")};
    auto [one, other] = net::stream_pair(context.get_executor());
    opening = *test::run(context, door.open(*one, Deadline::never()));
  }
  http_target::ProgramGot ask(const std::string& line, const std::string& type = "",
                              const std::string& body = "") {
    std::string fields =
        "Host: 127.0.0.1:6443\r\nAuthorization: Bearer session-token-0123456789\r\n";
    if (!body.empty())
      fields +=
          "Content-Type: " + type + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return send({line + " HTTP/1.1\r\n" + fields + "\r\n" + body});
  }
};

TEST_CASE("kubernetes review: secrets are hidden below a base path, too") {
  const std::string secret =
      R"({"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"p":"aHVudGVyMg=="}})";
  ReviewedWorld world;
  world.made_target.base_path = "/k8s/clusters/c-1";
  world.target.answers.push_back(
      {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(secret.size()) + "\r\n\r\n" + secret});
  const auto got = world.ask("GET /k8s/clusters/c-1/api/v1/namespaces/shop/secrets/db");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 200);
  CHECK(got.bytes.find("aHVudGVyMg") == std::string::npos);
  REQUIRE(world.target.requests.size() == 1);
  CHECK(world.target.requests[0].target == "/k8s/clusters/c-1/api/v1/namespaces/shop/secrets/db");
  CHECK(world.ask("GET /api/v1/namespaces/shop/secrets/db").responses.at(0).status == 404);
  CHECK(world.ask("GET /k8s/clusters/c-1x/version").responses.at(0).status == 404);
  CHECK(world.target.requests.size() == 1);
}

TEST_CASE("kubernetes review: no patch copies a secret to where nothing hides it") {
  ReviewedWorld world;
  const std::string line = "PATCH /api/v1/namespaces/shop/secrets/db";
  const std::string type = "application/json-patch+json";
  for (const char* op : {"copy", "move", "test"}) {
    const auto got =
        world.ask(line, type,
                  std::string(R"([{"op":")") + op +
                      R"(","from":"/data/p","path":"/metadata/annotations/x","value":"YQ=="}])");
    CHECK(got.responses.at(0).status == 403);
  }
  CHECK(world.target.requests.empty());
  const auto got = world.ask(line, type, R"([{"op":"add","path":"/data/p","value":"YQ=="}])");
  CHECK(world.target.requests.size() == 1);
}

}  // namespace
}  // namespace hoop::kubernetes
