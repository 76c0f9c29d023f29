// SPDX-License-Identifier: Apache-2.0
#include "gateway/event_loops.h"

#include <future>
#include <thread>

#include "tests/unit/gateway/tunnel_client.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

namespace {

/// The thread of a seat, which has to answer within five seconds.
std::thread::id thread_of(const Seat& seat) {
  std::promise<std::thread::id> told;
  asio::post(seat.executor(), [&] { told.set_value(std::this_thread::get_id()); });
  auto answer = told.get_future();
  REQUIRE(answer.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  return answer.get();
}

}  // namespace

TEST_CASE("event loops: a session goes where the fewest are, and stays there") {
  EventLoops loops(3);
  auto a = loops.take_seat(), b = loops.take_seat(), c = loops.take_seat();
  const auto on_a = thread_of(*a), on_b = thread_of(*b), on_c = thread_of(*c);
  CHECK((on_a != on_b && on_b != on_c && on_a != on_c));
  CHECK(thread_of(*a) == on_a);
  b.reset();
  const auto d = loops.take_seat();
  CHECK(thread_of(*d) == on_b);
}

TEST_CASE("event loops: who keeps a thread busy holds up nobody on another") {
  EventLoops loops(2);
  const auto busy = loops.take_seat(), other = loops.take_seat();
  std::promise<void> end;
  asio::post(busy->executor(), [waits = end.get_future().share()] { waits.wait(); });
  CHECK(thread_of(*other) != std::this_thread::get_id());
  end.set_value();
}

TEST_CASE("event loops: what is under way when they end is destroyed, and seats may outlive them") {
  struct Guarded {
    std::shared_ptr<bool> gone;
    ~Guarded() { *gone = true; }
  };
  const auto gone = std::make_shared<bool>(false);
  std::unique_ptr<Seat> seat;
  {
    EventLoops loops(1);
    seat = loops.take_seat();
    std::promise<void> started;
    const auto task = [](std::shared_ptr<bool> told,
                         std::promise<void>& begun) -> asio::awaitable<void> {
      const Guarded guarded{told};
      asio::steady_timer never(co_await asio::this_coro::executor, SteadyTime::max());
      begun.set_value();
      co_await never.async_wait(as_result);
    };
    asio::post(seat->executor(), [&] { seat->spawn(task(gone, started)); });
    started.get_future().wait();
    CHECK_FALSE(*gone);
  }
  CHECK(*gone);
}

TEST_CASE("event loops: sessions of a gateway run on different threads, side by side") {
  Gateway g("30m", [](Gateway& gateway) {
    write_private(gateway.directory + "/conf.d/loops.toml", "[gateway]\nevent_loops = 3\n");
  });
  std::vector<std::unique_ptr<FarSession>> sessions;
  for (int i = 0; i < 6; ++i) sessions.push_back(std::make_unique<FarSession>(g, "pg-far"));
  for (const auto& one : sessions) {
    auto tunnel = ready_stream(*one, 1);
    CHECK(g.run(query(*tunnel, "select 1")) == "1\nready");
    tunnel->close();
  }
  for (const auto& one : sessions) CHECK(one->end().status == 200);
  g.stop();
}
