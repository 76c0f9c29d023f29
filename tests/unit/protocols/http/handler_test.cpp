// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/protocols/http/http_world.h"

#include <nlohmann/json.hpp>

namespace hoop::http_target {
namespace {

using nlohmann::json;

TEST_CASE("a request passes with the credential, and its reply comes back") {
  HttpWorld world;
  const ProgramGot got =
      world.get("/invoices?from=2026-01-01",
                "User-Agent: test\r\nX-Api-Key: mine\r\nAuthorization: Bearer x\r\n"
                "Connection: keep-alive, x-secret-hop\r\nX-Secret-Hop: 1\r\n"
                "X-Forwarded-For: 10.0.0.1\r\n");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.responses[0].status == 200);
  CHECK(got.responses[0].body == "ok");
  CHECK(world.target.got.at(0) ==
        "GET /invoices?from=2026-01-01 HTTP/1.1\r\nHost: billing.internal\r\nUser-Agent: test\r\n"
        "Accept-Encoding: identity\r\nX-Hoopctl-Session: s_http\r\n"
        "X-Api-Key: key-0123456789abcdef\r\n\r\n");
}

TEST_CASE("requests of one connection come one after another, pipelined or not") {
  HttpWorld world;
  const std::string one = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const std::string two = "POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
  world.target.answers = {{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1", false, {}},
                          {"HTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\n2", false, {}},
                          {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3", false, {}}};
  const ProgramGot got = world.send({one + two + one});
  REQUIRE(got.responses.size() == 3);
  CHECK(got.responses[0].body + got.responses[1].body + got.responses[2].body == "123");
  REQUIRE(world.target.requests.size() == 3);
  CHECK(world.target.requests[1].body == "abc");
  CHECK(world.target.dials == 1);
}

TEST_CASE("what policy denies never leaves, and the connection goes on") {
  HttpWorld world;
  const ProgramGot got =
      world.send({"POST /admin/users HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
                  "GET /fine HTTP/1.1\r\nHost: localhost\r\n\r\n"});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[0].status == 403);
  const json problem = json::parse(got.responses[0].body);
  CHECK(problem["code"] == "denied");
  CHECK(problem["rule"] == "no-admin");
  CHECK(problem["detail"] == "no-admin says so");
  CHECK(problem["session"] == "s_http");
  CHECK(got.responses[1].status == 200);
  REQUIRE(world.target.requests.size() == 1);
  CHECK(world.target.requests[0].target == "/fine");
}

TEST_CASE("the record has the request before the target does, and what came of it") {
  HttpWorld world;
  static_cast<void>(world.get("/invoices/7"));
  const std::string actions = world.said(record::RecordType::action);
  CHECK(actions.find("\"verb\":\"get\"") != std::string::npos);
  CHECK(actions.find("GET /invoices/7") != std::string::npos);
  CHECK(actions.find("key-0123456789abcdef") == std::string::npos);
}

TEST_CASE("a log that cannot be written lets nothing pass") {
  HttpWorld world;
  world.open();
  world.log->fails = true;
  const ProgramGot got = world.get("/invoices");
  CHECK(world.target.requests.empty());
  CHECK(got.bytes.find("ok") == std::string::npos);
}

TEST_CASE("masks act on JSON, by field and by detector, whatever frames it") {
  HttpWorld world;
  access::Mask by_field;
  by_field.name = "ssn";
  by_field.fields = {"$..ssn"};
  access::Mask by_detector;
  by_detector.name = "cards";
  by_detector.detectors = {"payment_card"};
  world.policy.masks = {by_field, by_detector};
  const std::string body = R"([{"id":1,"ssn":"123-45-6789","note":"4111 1111 1111 1111"}])";
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: \"1\"\r\n";
  world.target.answers = {
      {head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body, false, {}},
      {head + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + body.substr(0, 5) + "\r\n" + "1e\r\n" +
           body.substr(5, 30) + "\r\n" + "18\r\n" + body.substr(35) + "\r\n0\r\n\r\n",
       false,
       {}}};
  const std::string request = "GET /people HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-5\r\n\r\n";
  REQUIRE(body.size() == 59);
  const ProgramGot got = world.send({request + request});
  REQUIRE(got.responses.size() == 2);
  for (const http::Response& response : got.responses) {
    CHECK(response.body == R"([{"id":1,"ssn":"[redacted]","note":"[redacted]"}])");
    CHECK_FALSE(response.headers.find("etag"));
  }
  CHECK_FALSE(world.target.requests[0].headers.find("range"));
  const std::string ends = world.said(record::RecordType::reply_end);
  CHECK(ends.find("\"masked_values\":2") != std::string::npos);
}

TEST_CASE("what cannot be masked is not passed on") {
  HttpWorld world;
  access::Mask mask;
  mask.name = "ssn";
  mask.fields = {"$..ssn"};
  world.policy.masks = {mask};
  const auto answer = [](const std::string& fields, const std::string& body) {
    return TargetWorld::Answer{"HTTP/1.1 200 OK\r\n" + fields + "Content-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body,
                               false,
                               {}};
  };
  world.target.answers = {
      answer("Content-Type: text/html\r\n", "<p>secret"),
      answer("Content-Type: application/octet-stream\r\n", "secret"),
      answer("", "secret"),
      answer("Content-Type: application/json\r\n", "secret"),
      answer("Content-Type: application/json\r\nContent-Encoding: gzip\r\n", "secret"),
      answer("Content-Type: application/json; charset=utf-16\r\n", "secret"),
      answer("Content-Type: image/png\r\n", "picture")};
  world.made_target.unmasked_types = {"image/*"};
  for (int i = 0; i < 6; ++i) {
    const ProgramGot got = world.get("/people");
    REQUIRE(got.responses.size() == 1);
    CHECK(got.responses[0].status == 502);
    CHECK(got.bytes.find("secret") == std::string::npos);
  }
  CHECK(world.get("/picture").responses.at(0).body == "picture");
}

TEST_CASE("a credential that the target echoes does not reach the program") {
  HttpWorld world;
  const std::string body = "you are key-0123456789abcdef";
  world.target.answers = {
      {"HTTP/1.1 200 OK\r\nX-Echo: key-0123456789abcdef\r\nContent-Type: "
       "text/plain\r\nContent-Length: 28\r\n\r\n" +
           body,
       false,
       {}}};
  const ProgramGot got = world.get("/echo");
  REQUIRE(got.responses.size() == 1);
  CHECK(got.bytes.find("0123456789abcdef") == std::string::npos);
  CHECK(got.responses[0].body == "you are ********************");
  CHECK(got.responses[0].headers.find("x-echo") == "********************");
}

TEST_CASE("URLs of the target lead back to the endpoint, and cookies are kept for it") {
  HttpWorld world;
  world.target.answers = {
      {"HTTP/1.1 302 Found\r\nLocation: http://billing.internal/login?next=/\r\n"
       "Set-Cookie: sid=1; Domain=billing.internal; Path=/; Secure; HttpOnly; SameSite=None\r\n"
       "Strict-Transport-Security: max-age=1\r\nAccess-Control-Allow-Origin: *\r\n"
       "Content-Length: 0\r\n\r\n",
       false,
       {}},
      {"HTTP/1.1 302 Found\r\nLocation: http://billing.internal.example/\r\nContent-Length: "
       "0\r\n\r\n",
       false,
       {}}};
  ProgramGot got = world.get("/");
  REQUIRE(got.responses.size() == 1);
  const http::Headers& fields = got.responses[0].headers;
  CHECK(fields.find("location") == "http://127.0.0.1:8080/login?next=/");
  CHECK(fields.find("set-cookie") == "sid=1; Path=/; HttpOnly");
  CHECK_FALSE(fields.find("strict-transport-security"));
  CHECK_FALSE(fields.find("access-control-allow-origin"));
  got = world.get("/");
  CHECK(got.responses.at(0).headers.find("location") == "http://billing.internal.example/");
}

TEST_CASE("a body that is sent on request is asked for, and comes whole") {
  HttpWorld world;
  const std::string body(300'000, 'x');
  const ProgramGot got = world.send({"PUT /upload HTTP/1.1\r\nHost: localhost\r\nExpect: "
                                     "100-continue\r\nContent-Length: 300000\r\n\r\n",
                                     body},
                                    {"PUT"});
  CHECK(got.bytes.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  REQUIRE(world.target.requests.size() == 1);
  CHECK(world.target.requests[0].body == body);
  CHECK_FALSE(world.target.requests[0].headers.find("expect"));
  CHECK(world.said(record::RecordType::note).find("\"bytes\":\"300000\"") != std::string::npos);
}

TEST_CASE("a body that comes in chunks goes on in chunks") {
  HttpWorld world;
  const ProgramGot got =
      world.send({"POST /upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n5\r\nhello\r\n",
                  "6\r\n world\r\n", "0\r\n\r\n"},
                 {"POST"});
  REQUIRE(got.responses.size() == 1);
  REQUIRE(world.target.requests.size() == 1);
  CHECK(world.target.requests[0].body == "hello world");
}

TEST_CASE(
    "a target that is down is a 502, and one that breaks off never looks like a whole reply") {
  HttpWorld world;
  world.target.is_down = true;
  ProgramGot got = world.get("/");
  CHECK(got.responses.at(0).status == 502);
  CHECK(json::parse(got.responses[0].body)["code"] == "target_unreachable");
  world.target.is_down = false;
  world.target.answers = {{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf", true, {}}};
  got = world.get("/");
  CHECK_FALSE(got.is_whole);
}

TEST_CASE("a kept connection that the target has closed is dialled anew") {
  HttpWorld world;
  world.target.answers = {{std::string(TargetWorld::kDefault), true, {}}};
  const std::string one = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const ProgramGot got = world.send({one, one});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].status == 200);
  CHECK(world.target.dials == 2);
}

TEST_CASE("bytes behind a reply answer no other request") {
  HttpWorld world;
  world.target.answers = {
      {std::string(TargetWorld::kDefault) + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
       false,
       {}}};
  const std::string one = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const ProgramGot got = world.send({one + one});
  REQUIRE(got.responses.size() == 2);
  CHECK(got.responses[1].body == "ok");
  CHECK(world.target.dials == 2);
}

TEST_CASE("a masked value that comes back is refused, in one piece or in several") {
  HttpWorld world;
  access::Mask mask;
  mask.name = "ssn";
  mask.fields = {"$..ssn"};
  world.policy.masks = {mask};
  ProgramGot got = world.send({"PUT /people/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                               "20\r\n\r\n{\"ssn\":\"[redacted]\"}"},
                              {"PUT"});
  CHECK(got.responses.at(0).status == 403);
  CHECK(json::parse(got.responses[0].body)["rule"] == "write_back");
  got = world.send(
      {"PUT /people/1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{\"ssn\":\"[red",
       "acted]\"}"},
      {"PUT"});
  CHECK(got.responses.at(0).status == 403);
  for (const http::Request& request : world.target.requests)
    CHECK(request.body.find("acted") == std::string::npos);
}

TEST_CASE("limits break a reply off, or take its place") {
  HttpWorld world;
  world.policy.limits.bytes_per_statement = 10;
  world.target.answers = {
      {"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n12345678901",
       false,
       {}},
      {"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\n12345678901",
       false,
       {}}};
  ProgramGot got = world.get("/");
  CHECK(got.responses.at(0).status == 403);
  CHECK(json::parse(got.responses[0].body)["code"] == "limit_reached");
  got = world.send({"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"}, {"POST"});
  CHECK(got.responses.at(0).status == 201);
  CHECK(got.bytes.find("12345678901") == std::string::npos);
}

}  // namespace
}  // namespace hoop::http_target
