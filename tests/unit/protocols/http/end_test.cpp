// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

TargetWorld::Answer ok_after(int milliseconds) {
  return {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false,
          std::chrono::milliseconds(milliseconds)};
}

TEST_CASE("http end: a request that waits for its reply is told that access has ended") {
  HttpWorld world;
  world.target.answers = {ok_after(3000)};
  world.quiet = std::chrono::seconds(4);
  world.meanwhile = [&] {
    if (!world.target.requests.empty()) world.engine->end_all("access expired");
  };
  const ProgramGot got = world.get("/slow");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 403);
  const auto problem = nlohmann::json::parse(got.responses[0].body);
  CHECK(problem["code"] == "access_ended");
  CHECK(problem["detail"] == "access expired");
}

TEST_CASE("http end: nothing is served any more, and what is idle is closed") {
  HttpWorld world;
  world.open();
  world.quiet = std::chrono::seconds(4);
  world.meanwhile = [&] {
    if (!world.target.requests.empty()) world.engine->end_all("revoked");
  };
  const auto begun = std::chrono::steady_clock::now();
  static_cast<void>(world.get("/"));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
  world.meanwhile = nullptr;
  world.target.requests.clear();
  static_cast<void>(world.get("/again"));
  CHECK(world.target.requests.empty());
}

TEST_CASE("http end: a request has no more time than its limit") {
  HttpWorld world;
  world.policy.limits.statement_time = std::chrono::seconds(1);
  world.target.answers = {ok_after(8000)};
  world.quiet = std::chrono::seconds(3);
  const auto begun = std::chrono::steady_clock::now();
  const ProgramGot got = world.get("/slow");
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(7));
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 504);
}

TEST_CASE("http end: a program that goes takes its request at the target with it") {
  HttpWorld world;
  world.target.answers = {ok_after(15000)};
  const auto begun = std::chrono::steady_clock::now();
  static_cast<void>(world.get("/slow"));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(8));
}

TEST_CASE("http end: another policy judges from the next request on") {
  HttpWorld world;
  world.open();
  CHECK(world.get("/reports").responses.at(0).status == 200);
  access::PolicyDocument other = world.policy;
  other.version = "2";
  other.rules.insert(other.rules.begin(),
                     HttpWorld::rule("no-reports", access::Effect::deny, {{"path", {"/reports"}}}));
  REQUIRE(world.engine->take_policy(other));
  CHECK(world.get("/reports").responses.at(0).status == 403);
}

}  // namespace
}  // namespace hoop::http_target
