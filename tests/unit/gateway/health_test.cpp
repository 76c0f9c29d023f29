// SPDX-License-Identifier: Apache-2.0
#include "gateway/health.h"

#include <thread>

#include "gateway/sqlite_store.h"
#include "tests/unit/gateway/gateway_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;

TEST_CASE("health: without a login, and never from a cache") {
  Gateway g;
  for (const char* path : {"/healthz", "/readyz"}) {
    INFO(path);
    const auto answer = g.get(path, "");
    CHECK(answer.status == 200);
    CHECK(answer.body == (std::string(path) == "/healthz" ? "ok\n" : "ready\n"));
    CHECK(answer.headers.only("Cache-Control") == "no-store");
    const auto head = g.ask({"HEAD", path, "", "", {}});
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    const auto post = g.ask({"POST", path, "", "", {}});
    CHECK(post.status == 405);
    CHECK(post.headers.only("Allow") == "GET, HEAD");
  }
  CHECK(g.get("/healthz/x", "").status == 404);
  g.stop();
}

TEST_CASE("health: a store that cannot be written is named, and found ready again") {
  Gateway g;
  auto other = Database::open(g.directory + "/state/gateway.db");
  REQUIRE(other);
  REQUIRE(other->script("ALTER TABLE store_check RENAME TO away"));
  const auto refused = g.get("/readyz", "");
  CHECK(refused.status == 503);
  CHECK(code_of(refused) == "not_ready");
  CHECK_THAT(refused.body, Catch::Matchers::ContainsSubstring("the store cannot be written"));
  CHECK(refused.body.find("store_check") == std::string::npos);
  CHECK(refused.headers.only("Cache-Control") == "no-store");
  CHECK(g.get("/healthz", "").status == 200);
  REQUIRE(other->script("ALTER TABLE away RENAME TO store_check"));
  CHECK(g.get("/readyz", "").status == 503);  // the answer of a moment ago
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  CHECK(g.get("/readyz", "").status == 200);
  g.stop();
}

TEST_CASE("health: a store that does not answer is named in time") {
  Gateway g;
  auto other = Database::open(g.directory + "/state/gateway.db");
  REQUIRE(other);
  auto held = Transaction::begin(*other);
  REQUIRE(held);
  const auto begun = g.clock.steady_now();
  const auto refused = g.get("/readyz", "");
  CHECK(g.clock.steady_now() - begun < std::chrono::seconds(4));
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Catch::Matchers::ContainsSubstring("the store does not answer"));
  REQUIRE(held->commit());
  g.stop();
}

TEST_CASE("health: however many ask, the store is looked at once a second; not at all at the end") {
  test::TempDir dir;
  auto store = SqliteStore::open(dir / "gateway.db");
  REQUIRE(store);
  WorkerPool workers(2);
  const SystemClock clock;
  NullLog log;
  Health health(**store, {}, workers, clock, log);
  asio::io_context context;
  std::vector<int> statuses;
  const auto ask = [&] {
    const http::Request request{.method = "GET", .target = "/readyz", .headers = {}, .body = {}};
    asio::co_spawn(context, health.answer(request), [&](std::exception_ptr, http::Response answer) {
      statuses.push_back(answer.status);
    });
  };
  for (int i = 0; i < 50; ++i) ask();
  context.run();
  CHECK(statuses == std::vector<int>(50, 200));
  auto other = Database::open(dir / "gateway.db");
  REQUIRE(other);
  CHECK((*other->find("SELECT count FROM store_check"))->integer(0) == 1);

  health.set_stopping();
  statuses.clear();
  ask();
  context.restart();
  context.run();
  CHECK(statuses == std::vector<int>{503});
}
