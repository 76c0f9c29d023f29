// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

struct AskedWorld : HttpWorld {
  AskedWorld() {
    access::Rule refunds = rule("refunds", access::Effect::require_approval,
                                {{"verb", {"post"}}, {"path", {"/refunds"}}});
    refunds.approvers = {"group:finance"};
    policy.rules.insert(policy.rules.begin(), refunds);
    with_people();
  }
  std::string problem_code(const ProgramGot& got) {
    REQUIRE(got.responses.size() == 1);
    return nlohmann::json::parse(got.responses[0].body)["code"];
  }
};

const std::string kRefund =
    "POST /refunds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    "Content-Length: 23\r\n\r\n{\"order\":7,\"amount\":90}";

TEST_CASE("http approvals: a request waits with its whole body, and passes once") {
  AskedWorld world;
  world.quiet = std::chrono::seconds(4);
  world.meanwhile = [&] {
    if (world.people->asked.size() == 1 &&
        world.people->approval.state == access::ApprovalState::pending)
      world.people->say(access::ApprovalState::approved);
    if (world.target.requests.size() == 2) world.engine->end_all("enough");
  };
  const ProgramGot got = world.send({kRefund + "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n"});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[0].status == 200);
  REQUIRE(world.people->asked.size() == 1);
  const access::ApprovalQuestion& question = world.people->asked[0];
  CHECK(question.verb == "post");
  CHECK(question.text.find("POST /refunds\n") == 0);
  CHECK(question.text.find("{\"order\":7,\"amount\":90}") != std::string::npos);
  CHECK(question.text.find("key-0123456789abcdef") == std::string::npos);
  CHECK(world.people->spends == 1);
  REQUIRE(world.target.requests.size() == 2);
  CHECK(world.target.requests[0].body == "{\"order\":7,\"amount\":90}");
}

TEST_CASE("http approvals: another body is another question") {
  AskedWorld world;
  world.patience = std::chrono::seconds(0);
  static_cast<void>(world.send({kRefund}));
  static_cast<void>(
      world.send({"POST /refunds HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  "Content-Length: 23\r\n\r\n{\"order\":7,\"amount\":91}"}));
  REQUIRE(world.people->asked.size() == 2);
  CHECK(world.people->asked[0].digest != world.people->asked[1].digest);
  CHECK(world.target.requests.empty());
}

TEST_CASE("http approvals: what is not decided, or rejected, says so") {
  AskedWorld world;
  world.patience = std::chrono::seconds(0);
  CHECK(world.problem_code(world.send({kRefund})) == "approval_pending");
  world.people->approval.state = access::ApprovalState::rejected;
  CHECK(world.problem_code(world.send({kRefund})) == "approval_rejected");
  CHECK(world.target.requests.empty());
}

TEST_CASE("http approvals: nobody waits for a program that has gone") {
  AskedWorld world;
  world.patience = std::chrono::seconds(60);
  const auto begun = std::chrono::steady_clock::now();
  static_cast<void>(world.send({kRefund}));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
  world.people->say(access::ApprovalState::approved);
  world.context.restart();
  world.context.run_for(std::chrono::milliseconds(50));
  CHECK(world.people->spends == 0);
  CHECK(world.target.requests.empty());
}

TEST_CASE("http approvals: a body that is too long to be shown is approved by nobody") {
  AskedWorld world;
  const std::string body(100'000, 'x');
  const ProgramGot got =
      world.send({"POST /refunds HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body});
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 403);
  CHECK(world.people->asked.empty());
}

}  // namespace
}  // namespace hoop::http_target
