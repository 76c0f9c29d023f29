// SPDX-License-Identifier: Apache-2.0
// What a review has found: ways around limits, and answers that did not arrive.
#include <nlohmann/json.hpp>

#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

TEST_CASE("http review: a program that keeps its body back still gets the refusal") {
  HttpWorld world;
  world.quiet = std::chrono::seconds(6);
  const ProgramGot got = world.send(
      {"POST /admin/users HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Length: 1000\r\n\r\nabc"},
      {"POST"});
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 403);
}

TEST_CASE("http review: the end of access does not wait for a body that never comes") {
  HttpWorld world;
  world.policy.rules.insert(world.policy.rules.begin(),
                            HttpWorld::rule("no-root", access::Effect::deny,
                                            {{"json", {"role=root"}}, {"verb", {"post"}}}));
  world.open();
  world.quiet = std::chrono::seconds(9);
  const auto begun = std::chrono::steady_clock::now();
  world.meanwhile = [&] {
    if (std::chrono::steady_clock::now() - begun > std::chrono::milliseconds(200))
      world.engine->end_all("revoked");
  };
  const ProgramGot got = world.send(
      {"POST /users HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
       "Content-Length: 1000\r\n\r\n{"},
      {"POST"});
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(8));
  REQUIRE(got.responses.size() == 1);
  CHECK(nlohmann::json::parse(got.responses[0].body)["code"] == "access_ended");
  CHECK(world.target.requests.empty());
}

TEST_CASE("http review: the wait for a body is none of the target's time") {
  HttpWorld world;
  world.policy.limits.statement_time = std::chrono::seconds(1);
  world.policy.rules.insert(world.policy.rules.begin(),
                            HttpWorld::rule("no-root", access::Effect::deny,
                                            {{"json", {"role=root"}}, {"verb", {"post"}}}));
  world.between = std::chrono::milliseconds(2500);
  const ProgramGot got =
      world.send({"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\nPOST /users HTTP/1.1\r\nHost: "
                  "127.0.0.1:8080\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{",
                  "}"},
                 {"GET", "POST"});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].status == 200);
}

TEST_CASE("http review: what a spreadsheet writes above a table is not its header line") {
  HttpWorld world;
  access::Mask mask;
  mask.fields = {"$[*].email"};
  world.policy.masks = {mask};
  const std::string table = "sep=;\nemail;name\nann@example.com;Ann\n";
  world.target.answers.push_back({"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: " +
                                  std::to_string(table.size()) + "\r\n\r\n" + table});
  const ProgramGot got = world.get("/people.csv");
  CHECK(got.bytes.find("ann@example.com") == std::string::npos);
}

TEST_CASE("http review: parts of a text in one message are parts of a text") {
  HttpWorld world;
  world.target.answers.push_back(
      {"HTTP/1.1 206 Partial Content\r\nContent-Type: multipart/byteranges; boundary=b\r\n"
       "Content-Length: 8\r\n\r\nkey-0123"});
  const ProgramGot got = world.get("/echo", "Range: bytes=0-7,8-15\r\n");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 502);
}

}  // namespace
}  // namespace hoop::http_target
