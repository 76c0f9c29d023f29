// SPDX-License-Identifier: Apache-2.0
// Waiting for a decision, here and from another loop.
#include <atomic>
#include <thread>

#include "gateway/approvals/session_approvals.h"
#include "tests/support/run_task.h"
#include "tests/unit/gateway/approval_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

TEST_CASE("desk: everybody who waits is woken by the decision") {
  DeskFixture f;
  const std::string id = f.ask(), other = f.ask(f.question("delete from u"));
  const SteadyTime begun = std::chrono::steady_clock::now();
  std::vector<ApprovalState> heard;
  const auto waits = [&](std::string what,
                         std::chrono::milliseconds patience) -> asio::awaitable<void> {
    const auto approval = co_await f.desk->wait(std::move(what), patience);
    heard.push_back(approval ? approval->state : ApprovalState::expired);
  };
  net::TaskGroup group(f.context.get_executor());
  for (int i = 0; i < 3; ++i) group.spawn(waits(id, std::chrono::seconds(20)));
  group.spawn(waits(other, std::chrono::milliseconds(50)));
  const auto decides = [&]() -> asio::awaitable<void> {
    co_await test::pause(std::chrono::milliseconds(10));
    CHECK(f.decide(id, f.person("bob")));
    // A second time says at once what was said.
    co_await waits(id, std::chrono::seconds(20));
  };
  group.spawn(decides());
  f.context.run();
  using enum ApprovalState;
  CHECK(heard == std::vector{approved, approved, approved, approved, pending});
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
}

TEST_CASE(
    "desk: who is cancelled while waiting leaves nothing behind, and a desk that goes waits "
    "for nobody") {
  DeskFixture f;
  const std::string id = f.ask();
  int answers = 0;
  const auto waits = [&]() -> asio::awaitable<void> {
    const auto approval = co_await f.desk->wait(id, std::chrono::seconds(20));
    if (!approval && approval.error().code == ErrorCode::cancelled) ++answers;
  };
  net::TaskGroup cancelled(f.context.get_executor()), stopped(f.context.get_executor());
  cancelled.spawn(waits());
  stopped.spawn(waits());
  const auto goes_on = [&]() -> asio::awaitable<void> {
    co_await test::pause(std::chrono::milliseconds(10));
    cancelled.cancel();
    co_await cancelled.join();
    CHECK(f.decide(id, f.person("bob"), Choice::reject));
  };
  SECTION("decided after a waiter has gone") {
    stopped.spawn(goes_on());
    f.context.run();
    CHECK(answers == 0);
  }
  SECTION("stopped") {
    const auto stops = [&]() -> asio::awaitable<void> {
      co_await test::pause(std::chrono::milliseconds(10));
      co_await f.desk->stop();
      co_await waits();
    };
    stopped.spawn(stops());
    f.context.run();
    CHECK(answers == 3);
  }
  SECTION("destroyed") {
    const auto destroys = [&]() -> asio::awaitable<void> {
      co_await test::pause(std::chrono::milliseconds(10));
      f.desk.reset();
    };
    stopped.spawn(destroys());
    f.context.run();
    CHECK(answers == 2);
  }
}

TEST_CASE("session approvals: a session on another loop asks, waits and spends") {
  DeskFixture f;
  asio::io_context sessions;
  SessionApprovals approvals(*f.desk, f.context.get_executor(), f.alice());
  auto home = asio::make_work_guard(f.context);
  std::thread first([&] { f.context.run(); });
  std::atomic<int> decisions = 0;
  const auto decide_later = [&](const std::string& id) {
    asio::post(f.context,
               [&f, &decisions, id] { decisions += f.decide(id, f.person("bob")) ? 1 : 0; });
  };
  const auto asks = [&]() -> asio::awaitable<bool> {
    auto wrong = co_await approvals.request(f.question("x", "nothing"));
    CHECK(wrong.error().code == ErrorCode::denied);
    auto made = co_await approvals.request(f.question());
    if (!made) co_return false;
    auto pending = co_await approvals.wait(made->id, std::chrono::milliseconds(10));
    CHECK(pending->state == ApprovalState::pending);
    decide_later(made->id);
    auto decided = co_await approvals.wait(made->id, std::chrono::seconds(20));
    CHECK(decided->state == ApprovalState::approved);
    auto once = co_await approvals.spend(made->id);
    auto twice = co_await approvals.spend(made->id);
    co_return *once && !*twice;
  };
  CHECK(test::run(sessions, asks()));
  CHECK(decisions == 1);

  // Its answer comes to nobody.
  auto again = test::run(sessions, approvals.request(f.question("delete from u")));
  REQUIRE(again);
  net::TaskGroup group(sessions.get_executor());
  const auto waits = [&]() -> asio::awaitable<void> {
    static_cast<void>(co_await approvals.wait(again->id, std::chrono::seconds(20)));
  };
  group.spawn(waits());
  const auto cancels = [&]() -> asio::awaitable<bool> {
    co_await test::pause(std::chrono::milliseconds(20));
    group.cancel();
    co_await group.join();
    co_return true;
  };
  CHECK(test::run(sessions, cancels()));
  const auto stops = [&]() -> asio::awaitable<void> {
    co_await f.desk->stop();
    home.reset();
  };
  net::TaskGroup end(f.context.get_executor());
  asio::post(f.context, [&] { end.spawn(stops()); });
  first.join();
}
