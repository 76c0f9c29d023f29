// SPDX-License-Identifier: Apache-2.0
// Limits of time, before a real PostgreSQL 15.
#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

asio::awaitable<void> pause_for(std::chrono::milliseconds span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  co_await timer.async_wait(asio::use_awaitable);
}

/// Reads to the end of the stream, which must come within ten seconds.
asio::awaitable<std::vector<Said>> rest(Program& program) {
  std::vector<Said> said;
  while (said.empty() || said.back().tag != 0) said.push_back(co_await program.read_one());
  said.pop_back();
  co_return said;
}

}  // namespace

TEST_CASE("time limits before a real PostgreSQL") {
  SECTION("a statement has its time") {
    access::PolicyDocument policy = allow_all();
    policy.limits.statement_time = std::chrono::seconds(1);
    Live live(policy);
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto begun = std::chrono::steady_clock::now();
      const auto said = co_await program.ask("select pg_sleep(60)");
      CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
      CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::seconds(1));
      CHECK(tags(said) == "TEZ");
      CHECK(field(first(said, 'E'), 'C') == "57014");
      CHECK(field(first(said, 'E'), 'M') == "the statement has run for 1 s, the limit for one");
      // The target tells what is over when all of a string is: it has one time.
      const auto several = co_await program.ask("select 1; select pg_sleep(60); select 2");
      CHECK(tags(several) == "TDCTEZ");
      CHECK(field(first(several, 'E'), 'M') == "the statement has run for 1 s, the limit for one");
      const auto apart = co_await program.ask("select pg_sleep(0.6)");
      CHECK(tags(apart) == "TDCZ");
      Bytes bytes;
      append_run(bytes, "select pg_sleep(0.6)");
      append_run(bytes, "select pg_sleep(60)");
      append_run(bytes, "select 1");
      append_sync(bytes);
      co_await program.send(bytes);
      const auto extended = co_await program.read();
      CHECK(tags(extended) == "12DC12EZ");
      CHECK(field(first(extended, 'E'), 'C') == "57014");
      // What a program does not ask for takes no time.
      asio::steady_timer idle(co_await asio::this_coro::executor, std::chrono::milliseconds(1'600));
      co_await idle.async_wait(asio::use_awaitable);
      const auto after = co_await program.ask("select 1");
      CHECK(tags(after) == "TDCZ");
    });
  }

  SECTION("a statement that does not stop when its time is up loses its connection") {
    access::PolicyDocument policy = allow_all();
    policy.limits.statement_time = std::chrono::seconds(1);
    Live live(policy);
    live.run([](Program& program) -> asio::awaitable<void> {
      // The target hears no cancel while it waits for the program's data.
      Bytes copy;
      append_query(copy, "copy written from stdin");
      co_await program.send(copy);
      std::vector<Said> said;
      while (said.empty() || (said.back().tag != 'E' && said.back().tag != 0))
        said.push_back(co_await program.read_one());
      CHECK(tags(said) == "GE");
      CHECK(field(said.back(), 'M') == "a statement went on after its time was up");
    });
  }

  SECTION("a connection that is idle for too long is closed, and the record says so") {
    access::PolicyDocument policy = allow_all();
    policy.limits.idle_time = std::chrono::seconds(2);
    Live live(policy);
    live.run([](Program& program) -> asio::awaitable<void> {
      // Neither a statement that takes long, nor one now and then, is idleness.
      const auto slow = co_await program.ask("select pg_sleep(2.5)");
      CHECK(tags(slow) == "TDCZ");
      for (int i = 0; i < 4; ++i) {
        co_await pause_for(std::chrono::milliseconds(700));
        const auto answer = co_await program.ask("select 1");
        CHECK(tags(answer) == "TDCZ");
      }
      // Nor is a transaction, which has its own limit.
      co_await program.ask("begin");
      co_await pause_for(std::chrono::milliseconds(2'500));
      const auto inside = co_await program.ask("commit");
      CHECK(tags(inside) == "CZ");
      const auto begun = std::chrono::steady_clock::now();
      const auto said = co_await rest(program);
      CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(1'950));
      CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
      CHECK(tags(said) == "E");
      CHECK(field(said.at(0), 'S') == "FATAL");
      CHECK(field(said.at(0), 'C') == "57P05");
      CHECK(field(said.at(0), 'M') == "the connection has been idle for 2 s, the limit");
    });
    CHECK(live.session.count_records(R"("event":"limit_reached")") == 1);
    CHECK(live.session.count_records(R"("limit":"idle_time")") == 1);
  }

  SECTION("a transaction that is left open is rolled back with its connection") {
    access::PolicyDocument policy = allow_all();
    policy.limits.idle_in_transaction_time = std::chrono::seconds(1);
    Live live(policy);
    live.run([](Program& program) -> asio::awaitable<void> {
      co_await pause_for(std::chrono::milliseconds(1'500));
      co_await program.ask("begin");
      const auto wrote = co_await program.ask("insert into written values (77)");
      CHECK(tags(wrote) == "CZ");
      const auto said = co_await rest(program);
      CHECK(tags(said) == "E");
      CHECK(field(said.at(0), 'C') == "25P03");
      CHECK(field(said.at(0), 'H') == "end transactions before you wait");
    });
    CHECK(server().sql("select count(*) from written where id = 77", "demo") == "0");
  }

  SECTION("a limit that comes with another policy holds for connections that are open") {
    Live live(allow_all());
    live.run([&](Program& program) -> asio::awaitable<void> {
      access::PolicyDocument stricter = allow_all();
      stricter.version = "2";
      stricter.limits.idle_time = std::chrono::seconds(1);
      CHECK(live.session.engine().take_policy(stricter));
      co_await program.ask("select 1");
      const auto said = co_await rest(program);
      CHECK(field(said.at(0), 'C') == "57P05");
    });
  }
}
