// SPDX-License-Identifier: Apache-2.0
#include "core/session/control.h"

#include "core/session/control_channel.h"
#include "core/session/expiry_notices.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_task.h"

using namespace hoop;
using namespace hoop::session;

namespace {

std::string without_end(std::string line) {
  REQUIRE(line.ends_with('\n'));
  line.pop_back();
  REQUIRE(line.find('\n') == std::string::npos);
  return line;
}

}  // namespace

TEST_CASE("control: what either side says is read as it was written") {
  access::PolicyDocument policy;
  policy.version = "v2";
  policy.rules.push_back({});
  policy.rules.back().name = "a \"rule\"";
  const FromGateway messages[] = {
      ControlAlive{18446744073709551ULL},
      ControlEnd{"killed", "by its owner: \n\"why\"", "ann", "\x01 words"},
      ControlDenied{"no-ddl", "not by hand", "a migration", "drop"}, ControlPolicy{policy},
      ControlApproval{"apr_1", access::ApprovalState::rejected, true, true, "ask-first", "no",
                      "why", "delete", "DELETE \x01", "bob",
                      SystemTime(std::chrono::seconds(1'700'000'000))}};
  for (const FromGateway& message : messages) {
    const auto back = decode_from_gateway(without_end(encode(message)));
    REQUIRE(back);
    CHECK(*back == message);
  }
  for (const FromClient& message : {FromClient(ControlAlive{3}), FromClient(ControlEnded{})}) {
    const auto back = decode_from_client(without_end(encode(message)));
    REQUIRE(back);
    CHECK(*back == message);
  }
}

TEST_CASE("control: anything else is malformed") {
  for (const char* line :
       {"", "{}", "alive", R"({"type":"alive"})", R"({"type":"alive","number":-1})",
        R"({"type":"alive","number":"1"})", R"({"type":"alive","number":1,"more":2})",
        R"({"type":"alive","type":"end","number":1})", R"({"type":"killed"})",
        R"({"type":"end","cause":"killed"})", R"({"type":"policy","policy":{}})", "[1]"}) {
    INFO(line);
    CHECK_FALSE(decode_from_gateway(line));
  }
  // Each side has its own words.
  CHECK_FALSE(decode_from_client(R"({"type":"end","cause":"a","reason":"b","by":"","words":""})"));
  CHECK_FALSE(decode_from_gateway(R"({"type":"ended"})"));
}

TEST_CASE("control: lines, however they are cut, and none that is too long") {
  LineSplitter splitter(8);
  splitter.feed(as_bytes("12345678"));
  CHECK(*splitter.next() == std::nullopt);
  splitter.feed(as_bytes("\n\na\nb"));
  CHECK(*splitter.next() == "12345678");
  CHECK(*splitter.next() == "");
  CHECK(*splitter.next() == "a");
  CHECK(*splitter.next() == std::nullopt);
  splitter.feed(as_bytes("12345678"));
  REQUIRE_FALSE(splitter.next());
  LineSplitter at_once(3);
  at_once.feed(as_bytes("1234\n"));
  CHECK_FALSE(at_once.next());
}

TEST_CASE(
    "control: a channel delivers in order, ends with its peer, and drops one that never reads") {
  asio::io_context context;
  auto [here, there] = net::stream_pair(context.get_executor());
  ControlChannel channel(std::move(here), "early\n", 64);
  const auto talk = [&]() -> Task<std::string> {
    std::string heard;
    channel.post("one\n");
    channel.post("two\n");
    co_await channel.flush();
    Bytes buffer(64);
    HOOP_CO_TRY(const std::size_t count, co_await there->read_some(buffer));
    heard += as_text(ByteSpan(buffer).first(count));
    const std::string answer = "late\n";
    HOOP_CO_CHECK(co_await there->write_all(as_bytes(answer)));
    HOOP_CO_CHECK(co_await there->shutdown_write());
    for (;;) {
      auto line = co_await channel.receive(Deadline::never());
      if (!line) co_return heard + std::string(to_string(line.error().code));
      heard += *line + ",";
    }
  };
  CHECK(*test::run(context, talk()) == "one\ntwo\nearly,late,io");
  auto [deaf, unread] = net::stream_pair(context.get_executor());
  ControlChannel flooded(std::move(deaf), "", 64);
  for (int i = 0; i < 20; ++i) flooded.post(std::string(1U << 20, 'x'));
  const auto wait = [&]() -> Task<std::string> {
    co_return co_await flooded.receive(Deadline::never());
  };
  const auto lost = test::run(context, wait());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == ErrorCode::cancelled);
}

TEST_CASE("expiry notices: one minute before the end, and what is past is not said") {
  asio::io_context context;
  test::FakeClock clock;
  std::vector<std::string> said;
  ExpiryNotices notices(context.get_executor());
  const auto say = [&](const std::string& words) { said.push_back(words); };
  SECTION("soon") {
    notices.start(clock.system + std::chrono::milliseconds(60'020), clock, say);
    context.run();
    CHECK(said == std::vector<std::string>{"access ends in 1 minute"});
  }
  SECTION("five minutes first") {
    notices.start(clock.system + std::chrono::milliseconds(300'020), clock, say);
    context.run_for(std::chrono::seconds(1));
    CHECK(said == std::vector<std::string>{"access ends in 5 minutes"});
  }
  SECTION("too late") {
    notices.start(clock.system + std::chrono::seconds(60), clock, say);
    context.run();
    CHECK(said.empty());
  }
  SECTION("stopped") {
    notices.start(clock.system + std::chrono::milliseconds(60'020), clock, say);
    notices.stop();
    context.run();
    CHECK(said.empty());
  }
}
