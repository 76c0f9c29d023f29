// SPDX-License-Identifier: Apache-2.0
#include "core/identity/device_login.h"

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::identity;
using namespace std::chrono_literals;
using hoop::test::FakeClock;

namespace {

constexpr const char* kStarted =
    R"({"device_code":"dc","user_code":"BCDF-GHJK","verification_uri":"https://gw.example/device",)"
    R"("verification_uri_complete":"https://gw.example/device?user_code=BCDF-GHJK","expires_in":300,"interval":5})";
constexpr const char* kTokens =
    R"({"access_token":"at","token_type":"Bearer","expires_in":300,"refresh_token":"rt"})";
constexpr const char* kPending = R"({"error":"authorization_pending"})";
constexpr const char* kSlowDown = R"({"error":"slow_down"})";

struct Login {
  FakeClock clock;
  DeviceLogin login{"hoopctl", "lap top", clock};
  /// Goes to the moment of the next poll and answers how long that took.
  std::chrono::seconds wait() {
    const auto span =
        std::chrono::duration_cast<std::chrono::milliseconds>(login.next_poll() - clock.steady);
    clock.advance(span);
    return std::chrono::duration_cast<std::chrono::seconds>(span);
  }
};

}  // namespace

TEST_CASE("a device login asks, waits five seconds a time, and ends with tokens") {
  Login t;
  CHECK(t.login.start_request().reveal() == "client_id=hoopctl&client_host=lap%20top");
  const DevicePrompt prompt = t.login.started(200, kStarted).value();
  CHECK(prompt.user_code == "BCDF-GHJK");
  CHECK(prompt.verification_uri == "https://gw.example/device");
  CHECK(prompt.expires_in == 300s);
  CHECK(t.wait() == 5s);
  CHECK(t.login.poll_request().reveal() ==
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=dc&client_"
        "id=hoopctl");
  CHECK_FALSE(t.login.polled(400, kPending).value());
  CHECK(t.wait() == 5s);
  const auto tokens = t.login.polled(200, kTokens).value();
  REQUIRE(tokens);
  CHECK(tokens->access_token.reveal() == "at");
  CHECK(tokens->refresh_token.reveal() == "rt");
}

TEST_CASE("a device login tells an issuer what the gateway says that it wants to hear") {
  FakeClock clock;
  const DeviceLogin login("c", "", clock, {{"scope", "openid x"}, {"resource", "https://gw"}});
  CHECK(login.start_request().reveal() == "client_id=c&resource=https%3A%2F%2Fgw&scope=openid%20x");
}

TEST_CASE("without an interval the device login waits five seconds") {
  Login t;
  REQUIRE(t.login.started(
      200,
      R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":60})"));
  CHECK(t.wait() == 5s);
}

TEST_CASE("every slow_down adds five seconds for good") {
  Login t;
  REQUIRE(t.login.started(200, kStarted));
  t.wait();
  REQUIRE(t.login.polled(400, kSlowDown));
  CHECK(t.wait() == 10s);
  REQUIRE(t.login.polled(400, kSlowDown));
  CHECK(t.wait() == 15s);
  REQUIRE(t.login.polled(400, kPending));
  CHECK(t.wait() == 15s);
}

TEST_CASE("trouble with the connection doubles the wait, an answer ends that") {
  Login t;
  REQUIRE(t.login.started(200, kStarted));
  t.wait();
  REQUIRE(t.login.poll_failed());
  CHECK(t.wait() == 10s);
  REQUIRE(t.login.poll_failed());
  CHECK(t.wait() == 15s);
  REQUIRE(t.login.polled(503, "<html>busy</html>"));
  CHECK(t.wait() == 25s);
  REQUIRE(t.login.polled(400, kPending));
  CHECK(t.wait() == 5s);
}

TEST_CASE("a device login stops when the code expires, whatever it is waiting for") {
  Login t;
  REQUIRE(t.login.started(200, kStarted));
  int polls = 0;
  while (true) {
    t.wait();
    ++polls;
    CHECK(t.clock.steady < t.login.expires_at());
    const auto answer = t.login.polled(400, kPending);
    if (answer) continue;
    CHECK(answer.error().code == ErrorCode::timeout);
    break;
  }
  CHECK(polls == 59);
}

TEST_CASE("a device login that only fails ends as well") {
  Login t;
  REQUIRE(t.login.started(200, kStarted));
  for (int i = 0; i < 100; ++i) {
    t.wait();
    const auto answer = t.login.poll_failed();
    if (answer) continue;
    CHECK(answer.error().code == ErrorCode::timeout);
    CHECK(i < 12);
    return;
  }
  FAIL("it went on for ever");
}

TEST_CASE("the issuer's no ends a device login and says which no") {
  const struct {
    int status;
    const char* body;
    ErrorCode code;
  } cases[] = {
      {400, R"({"error":"access_denied"})", ErrorCode::denied},
      {400, R"({"error":"expired_token"})", ErrorCode::timeout},
      {400, R"({"error":"invalid_grant"})", ErrorCode::unauthenticated},
      {401, R"({"error":"invalid_client"})", ErrorCode::unauthenticated},
      {400, "no", ErrorCode::malformed},
      {302, "", ErrorCode::malformed},
      {200, "{}", ErrorCode::malformed},
      {200, R"({"access_token":"a","token_type":"MAC","expires_in":5})", ErrorCode::malformed},
      {200, R"({"access_token":"a b","token_type":"Bearer","expires_in":5})", ErrorCode::malformed},
      {200, R"({"access_token":"a\r\nX: y","token_type":"Bearer","expires_in":5})",
       ErrorCode::malformed},
      {200, R"({"access_token":"a","token_type":"Bearer"})", ErrorCode::malformed},
      {200, R"({"access_token":"a","token_type":"Bearer","expires_in":-5})", ErrorCode::malformed},
      {200, R"({"access_token":"a","token_type":"Bearer","expires_in":5,"refresh_token":7})",
       ErrorCode::malformed},
  };
  for (const auto& c : cases) {
    INFO(c.body);
    Login t;
    REQUIRE(t.login.started(200, kStarted));
    t.wait();
    const auto answer = t.login.polled(c.status, c.body);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == c.code);
  }
}

TEST_CASE("a hostile first answer never reaches the terminal") {
  for (
      const char* bad : {
          "",
          "[]",
          "{}",
          R"({"device_code":"d","user_code":"u","verification_uri":"http://gw.example/","expires_in":60})",
          R"j({"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)","expires_in":60})j",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://gw\u001b[2J/","expires_in":60})",
          R"({"device_code":"d","user_code":"\u001b]0;x\u0007","verification_uri":"https://a/","expires_in":60})",
          R"({"device_code":"d","user_code":"a\nb","verification_uri":"https://a/","expires_in":60})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://good.example@evil.example/","expires_in":60})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","verification_uri_complete":"file:///etc","expires_in":60})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":0})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":99999})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":60,"interval":0})",
          R"({"device_code":"d","user_code":"u","verification_uri":"https://a/","expires_in":60,"interval":1000})",
          R"({"device_code":7,"user_code":"u","verification_uri":"https://a/","expires_in":60})",
      }) {
    INFO(bad);
    Login t;
    CHECK(t.login.started(200, bad).error().code == ErrorCode::malformed);
  }
  Login t;
  CHECK(t.login.started(401, R"({"error":"invalid_client"})").error().code ==
        ErrorCode::upstream_refused);
}
