// SPDX-License-Identifier: Apache-2.0
// What stands behind a request or a reply that can be read in two ways is never taken for another
// one: neither by the target, nor by the program. Rows of tests/conformance/http.
#include <nlohmann/json.hpp>

#include "tests/unit/protocols/http/conformance_table.h"
#include "tests/unit/protocols/http/http_world.h"

namespace hoop::http_target {
namespace {

using nlohmann::json;

constexpr std::string_view kNext = "GET /next HTTP/1.1\r\nHost: localhost\r\n\r\n";

std::string code_in(const http::Response& response) {
  const json problem = json::parse(response.body, nullptr, false);
  return problem.is_object() && problem.contains("code") ? problem["code"].get<std::string>() : "";
}

/// As the table has it, but to this endpoint.
std::string to_endpoint(std::string message) {
  constexpr std::string_view kTheirs = "Host: a\r\n";
  for (auto at = message.find(kTheirs); at != std::string::npos; at = message.find(kTheirs, at + 1))
    message.replace(at, kTheirs.size(), "Host: localhost\r\n");
  return message;
}

/// One that holds bodies until it has judged them, or one that streams them.
enum class Bodies { streamed, held };

void set_up_world(HttpWorld& world, Bodies bodies) {
  world.quiet = std::chrono::milliseconds(20);
  if (bodies == Bodies::held)
    world.policy.rules.insert(
        world.policy.rules.begin(),
        HttpWorld::rule("judged", access::Effect::deny, {{"json", {"x=never"}}}));
}

void check_nothing_behind(HttpWorld& world, const ProgramGot& got, Bodies bodies) {
  CHECK(world.target.requests.empty());
  CHECK(got.responses.size() == 1);
  CHECK(got.is_whole);
  if (bodies == Bodies::held) CHECK(world.target.dials == 0);
  for (const std::string& bytes : world.target.got) CHECK(bytes.find("/next") == std::string::npos);
}

TEST_CASE("nothing behind an ambiguous request is a request") {
  int rows = 0;
  for (const TableRow& row : read_table("ambiguous.txt", 4)) {
    // A length that is only too large for a server that holds bodies is none here.
    if (row.fields[0] != "request" || row.fields[1] == "accepted" ||
        row.fields[2] == "larger than allowed")
      continue;
    ++rows;
    const std::string message = to_endpoint(unescaped(row.fields[3]));
    for (const Bodies bodies : {Bodies::streamed, Bodies::held}) {
      for (const bool is_pipelined : {true, false}) {
        DYNAMIC_SECTION("line " << row.line << (bodies == Bodies::held ? ", held" : "")
                                << (is_pipelined ? "" : ", apart") << ": " << row.fields[2]) {
          HttpWorld world;
          set_up_world(world, bodies);
          const std::string next(kNext);
          const ProgramGot got =
              is_pipelined ? world.send({message + next}) : world.send({message, next});
          check_nothing_behind(world, got, bodies);
          CHECK(std::to_string(got.responses.at(0).status) == row.fields[1]);
        }
      }
    }
  }
  CHECK(rows >= 120);
}

TEST_CASE("what comes byte by byte is as ambiguous as at once") {
  for (const TableRow& row : read_table("ambiguous.txt", 4)) {
    if (row.fields[0] != "request" || row.fields[1] == "accepted" ||
        row.fields[2] == "larger than allowed")
      continue;
    DYNAMIC_SECTION("line " << row.line << ": " << row.fields[2]) {
      HttpWorld world;
      set_up_world(world, Bodies::streamed);
      std::vector<std::string> bytes;
      for (const char c : to_endpoint(unescaped(row.fields[3])) + std::string(kNext))
        bytes.emplace_back(1, c);
      check_nothing_behind(world, world.send(std::move(bytes)), Bodies::streamed);
    }
  }
}

/// The target has got the request of the row and the one behind it, or that alone, or the
/// connection has ended with the row.
void check_next(const HttpWorld& world, const ProgramGot& got, std::size_t of_row) {
  CHECK(got.is_whole);
  REQUIRE(!got.responses.empty());
  REQUIRE(got.responses.size() <= 2);
  const bool goes_on = got.responses.size() == 2;
  REQUIRE(world.target.requests.size() == of_row + (goes_on ? 1 : 0));
  if (!goes_on) return;
  CHECK(got.responses[1].status == 200);
  CHECK(got.responses[1].body == "ok");
  CHECK(world.target.requests.back().target == "/next");
  CHECK(world.target.requests.back().body.empty());
}

TEST_CASE("behind each request of the table stands another, and is read as what it is") {
  for (const TableRow& row : read_table("requests.txt", 4)) {
    // The other targets would refuse the request behind it.
    if (row.section != "proof-plain" && row.section != "proof-bearer") continue;
    DYNAMIC_SECTION("line " << row.line << ": " << row.fields[0]) {
      HttpWorld world;
      set_up_world(world, Bodies::streamed);
      world.policy.rules = {
          HttpWorld::rule("all", access::Effect::allow, {{"protocol", {"http"}}, {"verb", {"*"}}})};
      const std::string request = unescaped(row.fields[1]);
      const ProgramGot got = world.send({request + std::string(kNext)},
                                        {request.starts_with("HEAD") ? "HEAD" : "GET", "GET"});
      check_next(world, got, row.fields[2] == "pass" ? 1 : 0);
    }
  }
}

TargetWorld::Answer answer_of_row(std::string_view escaped) {
  TargetWorld::Answer out;
  out.closes = escaped.ends_with("\\c");
  if (out.closes) escaped.remove_suffix(2);
  for (const std::string& piece : parted(escaped, "\\w")) out.then.push_back(unescaped(piece));
  out.bytes = out.then.front();
  out.then.erase(out.then.begin());
  return out;
}

void check_reply(const HttpWorld& world, const ProgramGot& got, const std::string& verdict,
                 const std::string& body) {
  CHECK(got.bytes.find("poison") == std::string::npos);
  REQUIRE(!world.target.requests.empty());
  CHECK(world.target.requests[0].target == "/first");
  if (verdict == "broken") {
    CHECK(got.bytes.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(got.is_whole);
    CHECK(got.responses.empty());
    return;
  }
  REQUIRE(!got.responses.empty());
  const http::Response& first = got.responses[0];
  if (verdict.starts_with("pass")) {
    CHECK(std::to_string(first.status) == verdict.substr(5));
    CHECK(first.body == body);
  } else {
    // The answer to a HEAD says no more than its status.
    const bool says_code = world.target.requests[0].method != "HEAD";
    CHECK(std::to_string(first.status) + (says_code ? " " + code_in(first) : "") ==
          verdict.substr(0, says_code ? verdict.size() : 3));
  }
  // The next one is answered by a reply of its own.
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].status == 200);
  CHECK(got.responses[1].body == "ok");
  REQUIRE(world.target.requests.size() == 2);
  CHECK(world.target.requests[1].target == "/next");
}

TEST_CASE("nothing behind an ambiguous reply is a reply") {
  const auto rows = read_table("replies.txt", 5);
  REQUIRE(rows.size() >= 40);
  for (const TableRow& row : rows) {
    const bool is_late = row.fields[2].find("\\wpoison") != std::string::npos;
    for (const bool is_pipelined : {true, false}) {
      // What comes behind the next request nobody can tell from its reply.
      if (is_late && is_pipelined && row.fields[3].starts_with("pass")) continue;
      DYNAMIC_SECTION("line " << row.line << (is_pipelined ? "" : ", apart") << ": "
                              << row.fields[0]) {
        HttpWorld world;
        set_up_world(world, Bodies::streamed);
        world.target.is_socket = true;
        world.between = std::chrono::milliseconds(is_pipelined ? 0 : 40);
        world.quiet = std::chrono::milliseconds(40);
        world.target.answers = {answer_of_row(row.fields[2])};
        const std::string& method = row.fields[1];
        const std::string first = method + " /first HTTP/1.1\r\nHost: localhost\r\n\r\n";
        const std::string next(kNext);
        const ProgramGot got = is_pipelined ? world.send({first + next}, {method, "GET"})
                                            : world.send({first, next}, {method, "GET"});
        check_reply(world, got, row.fields[3], unescaped(row.fields[4]));
        if (row.fields[2].find("poison") != std::string::npos && row.fields[3] != "broken")
          CHECK(world.target.dials == 2);
      }
    }
  }
}

/// The same reply of a type that masks can be applied to.
TargetWorld::Answer as_text_reply(TargetWorld::Answer answer) {
  const auto status = std::min(answer.bytes.find("HTTP/1.1 2"), answer.bytes.find("HTTP/1.0 2"));
  const auto line = answer.bytes.find("\r\n", status);
  if (line != std::string::npos) answer.bytes.insert(line + 2, "Content-Type: text/plain\r\n");
  return answer;
}

TEST_CASE("nothing behind an ambiguous reply is a reply, where it is masked") {
  for (const TableRow& row : read_table("replies.txt", 5)) {
    // Of these a program would get another refusal than of those that are not masked.
    if (row.fields[2].find("Content-Type") != std::string::npos) continue;
    DYNAMIC_SECTION("line " << row.line << ": " << row.fields[0]) {
      HttpWorld world;
      set_up_world(world, Bodies::streamed);
      access::Mask mask;
      mask.name = "cards";
      mask.detectors = {"payment_card"};
      world.policy.masks = {mask};
      world.target.is_socket = true;
      world.between = std::chrono::milliseconds(30);
      world.target.answers = {as_text_reply(answer_of_row(row.fields[2]))};
      const ProgramGot got = world.send(
          {row.fields[1] + " /first HTTP/1.1\r\nHost: localhost\r\n\r\n", std::string(kNext)},
          {row.fields[1], "GET"});
      CHECK(got.bytes.find("poison") == std::string::npos);
      CHECK(world.target.requests.at(0).target == "/first");
      const bool is_broken = !got.is_whole && got.responses.empty();
      if (row.fields[3] == "broken" && is_broken) continue;
      REQUIRE(got.responses.size() == 2);
      const bool passes = row.fields[3].starts_with("pass 2");
      CHECK((got.responses[0].status < 300) == passes);
      if (passes) CHECK(got.responses[0].body == unescaped(row.fields[4]));
      CHECK(got.responses[1].body == "ok");
    }
  }
}

TEST_CASE("an ambiguous reply of the codec's own table is none for the program either") {
  int rows = 0;
  for (const TableRow& row : read_table("ambiguous.txt", 4)) {
    if (row.fields[0] != "response:GET" || row.fields[1] == "accepted") continue;
    ++rows;
    DYNAMIC_SECTION("line " << row.line << ": " << row.fields[2]) {
      HttpWorld world;
      set_up_world(world, Bodies::streamed);
      world.target.answers = {answer_of_row(row.fields[3] + "poison")};
      const ProgramGot got =
          world.send({"GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n" + std::string(kNext)});
      check_reply(world, got, "502 malformed_reply", "");
      CHECK(got.bytes.find("hello") == std::string::npos);
      CHECK(world.target.dials == 2);
    }
  }
  CHECK(rows >= 20);
}

TEST_CASE("what a target says between two requests answers neither") {
  HttpWorld world;
  world.target.is_socket = true;
  world.between = std::chrono::milliseconds(60);
  const std::string late = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  world.target.answers = {{std::string(TargetWorld::kDefault), false, {}, {late}}};
  const std::string next(kNext);
  const ProgramGot got = world.send({next, next});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].body == "ok");
  CHECK(world.target.dials == 2);
}

TEST_CASE("a target that speaks first shifts no replies") {
  HttpWorld world;
  world.target.is_socket = true;
  world.between = std::chrono::milliseconds(40);
  const std::string early = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nearly";
  world.target.answers_before_reading = {early, false, {}};
  const std::string next(kNext);
  const ProgramGot got = world.send({next, next, next});
  // Its own reply comes behind: it must not be the next request's.
  REQUIRE(got.responses.size() == 3);
  for (const http::Response& response : got.responses) CHECK(response.body == "early");
  CHECK(world.target.dials == 3);
}

TEST_CASE("a body that was streamed is not sent twice, nor its head without it") {
  HttpWorld world;
  // The kept connection is lost when the second request is on its way.
  world.target.answers = {{std::string(TargetWorld::kDefault), false, {}}, {"", true, {}}};
  const std::string put =
      "PUT /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\n"
      "GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n";
  REQUIRE(
      put.ends_with("40\r\n\r\n" + std::string("GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n")));
  const ProgramGot got = world.send({std::string(kNext) + put + std::string(kNext)});
  REQUIRE(got.responses.size() == 3);
  CHECK(got.responses[1].status == 502);
  CHECK(code_in(got.responses[1]) == "target_lost");
  CHECK(got.responses[2].body == "ok");
  REQUIRE(world.target.requests.size() == 3);
  CHECK(world.target.requests[1].target == "/b");
  CHECK(world.target.requests[2].target == "/next");
}

TEST_CASE("a request that is known whole is sent once more when a kept connection is lost") {
  HttpWorld world;
  world.target.answers = {{std::string(TargetWorld::kDefault), false, {}}, {"", true, {}}};
  const ProgramGot got = world.send({std::string(kNext) + std::string(kNext)});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].body == "ok");
  CHECK(world.target.requests.size() == 3);
  CHECK(world.target.dials == 2);
}

TEST_CASE("a POST whose connection is lost is not sent again") {
  HttpWorld world;
  world.target.answers = {{std::string(TargetWorld::kDefault), false, {}}, {"", true, {}}};
  const std::string post = "POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  const ProgramGot got = world.send({std::string(kNext) + post});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].status == 502);
  CHECK(world.target.requests.size() == 2);
}

TEST_CASE("half a body of the program's is never all of it for the target") {
  for (const char* frame :
       {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    DYNAMIC_SECTION(frame) {
      HttpWorld world;
      world.quiet = std::chrono::milliseconds(20);
      const ProgramGot got =
          world.send({"POST /b HTTP/1.1\r\nHost: localhost\r\n" + std::string(frame)}, {"POST"});
      CHECK(world.target.requests.empty());
      CHECK(world.target.got.at(0).find("\r\n0\r\n") == std::string::npos);
      CHECK(got.bytes.find("200 OK") == std::string::npos);
    }
  }
}

TEST_CASE("a reply before the body has come spends the target's connection") {
  HttpWorld world;
  world.target.is_socket = true;
  world.between = std::chrono::milliseconds(40);
  world.target.answers_before_reading = {std::string(TargetWorld::kDefault), false, {}};
  const ProgramGot got =
      world.send({"POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 80\r\n\r\nhello",
                  std::string(kNext)},
                 {"POST"});
  REQUIRE(got.responses.size() == 1);
  CHECK(world.target.requests.empty());
  CHECK(world.target.got.at(0).find("/next") == std::string::npos);
}

}  // namespace
}  // namespace hoop::http_target
