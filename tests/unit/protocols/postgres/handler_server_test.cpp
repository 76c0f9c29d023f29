// SPDX-License-Identifier: Apache-2.0
// The handler before a real PostgreSQL 15: what only a real server can show. One case, so that one
// server serves all sections.
#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

access::PolicyDocument masked_policy() {
  access::PolicyDocument policy = allow_all(
      {column_mask("public.customers.email"), column_mask("*.ssn"), detector_mask("payment_card")});
  access::Rule rule;
  rule.name = "no-drop";
  rule.when = {{"verb", {"drop"}}};
  rule.effect = access::Effect::deny;
  policy.rules.push_back(rule);
  return policy;
}

std::string count_written() { return server().sql("select count(*) from written", "demo"); }

std::string status(const std::vector<Said>& said) {
  return said.empty() ? std::string() : said.back().body;
}

}  // namespace

TEST_CASE("handler before a real PostgreSQL") {
  server().sql("truncate written", "demo");

  SECTION("a refusal in a pipeline rolls back what came before it") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      Bytes bytes;
      append_run(bytes, "insert into written values (1)");
      append_run(bytes, "drop table written");
      append_run(bytes, "insert into written values (2)");
      append_sync(bytes);
      co_await program.send(bytes);
      const auto said = co_await program.read();
      CHECK(tags(said) == "12CEZ");
      CHECK(field(first(said, 'E'), 'C') == "42501");
      CHECK(status(said) == "I");
    });
    CHECK(count_written() == "0");
  }

  SECTION("a refusal in an explicit transaction makes it fail") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto answer1 = co_await program.ask("begin");
      CHECK(status(answer1) == "T");
      const auto answer2 = co_await program.ask("insert into written values (1)");
      CHECK(tags(answer2) == "CZ");
      const auto refused = co_await program.ask("drop table written");
      CHECK(tags(refused) == "EZ");
      CHECK(status(refused) == "E");
      const auto end = co_await program.ask("commit");
      CHECK(first(end, 'C').body == std::string("ROLLBACK\0", 9));
    });
    CHECK(count_written() == "0");
  }

  SECTION("a prepared statement that is never described is masked, in text and in binary") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      Bytes bytes;
      append_parse(bytes, "s1", "select id, email from customers where id = 3");
      append_sync(bytes);
      co_await program.send(bytes);
      const auto answer3 = co_await program.read();
      CHECK(tags(answer3) == "1Z");
      for (int i = 0; i < 2; ++i) {
        const std::vector<Format> formats(1, i == 0 ? Format::text : Format::binary);
        bytes.clear();
        append_bind(bytes, "", "s1", {}, {}, formats);
        append_execute(bytes, "");
        append_sync(bytes);
        co_await program.send(bytes);
        const auto said = co_await program.read();
        CHECK(tags(said) == "2DCZ");
        CHECK(values(first(said, 'D')).at(1) == "[redacted]");
      }
    });
    CHECK(live.session.count_records("example.com") == 0);
    CHECK(live.session.count_records("2 {") == 3);  // Parse, and each Execute in another segment
  }

  SECTION("cursors are masked, by SQL and by portal steps") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      co_await program.ask("begin");
      const auto answer4 = co_await program.ask("declare c cursor for select email from customers");
      CHECK(tags(answer4) == "CZ");
      const auto fetched = co_await program.ask("fetch 2 from c");
      CHECK(tags(fetched) == "TDDCZ");
      CHECK(values(fetched[1]) == std::vector<std::string>{"[redacted]"});
      Bytes bytes;
      append_execute(bytes, "c", 1);
      append_sync(bytes);
      co_await program.send(bytes);
      const auto answer5 = co_await program.read();
      CHECK(field(first(answer5, 'E'), 'C') == "34000");
      co_await program.ask("rollback");
      co_await program.ask("begin");
      bytes.clear();
      append_parse(bytes, "", "select email from customers");
      append_bind(bytes, "p", "", {}, {}, {});
      append_execute(bytes, "p", 2);
      append_execute(bytes, "p", 2);
      append_sync(bytes);
      co_await program.send(bytes);
      const auto said = co_await program.read();
      CHECK(tags(said) == "12DDsDDsZ");
      for (const Said& one : said) {
        if (one.tag == 'D') CHECK(values(one) == std::vector<std::string>{"[redacted]"});
      }
    });
  }

  SECTION("COPY of a masked table is refused, of another one scanned") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto answer6 = co_await program.ask("copy customers to stdout");
      CHECK(tags(answer6) == "EZ");
      const auto said = co_await program.ask("copy orders to stdout");
      CHECK(tags(said) == "HddcCZ");
      CHECK(said[1].body == "1\tpaid with [redacted]\t{\"card\": \"[redacted]\"}\n");
      const auto answer7 = co_await program.ask("copy orders to stdout (format binary)");
      CHECK(tags(answer7) == "HdddcCZ");
      for (const Said& each : answer7) CHECK(each.body.find("4111") == std::string::npos);
      // The number of fields, the key, and NULL twice: the note and the JSON held a card.
      const std::string second("\0\3\0\0\0\4\0\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff", 18);
      CHECK(answer7[1].body.ends_with(second));
      const auto answer8 = co_await program.ask("select 1");
      CHECK(tags(answer8) == "TDCZ");
    });
  }

  SECTION("COPY FROM works in both protocols, with the Sync that the server swallows") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      Bytes bytes;
      append_query(bytes, "copy written from stdin");
      co_await program.send(bytes);
      const auto answer9 = co_await program.read_one();
      CHECK((answer9).tag == 'G');
      bytes.clear();
      append_copy_data(bytes, as_bytes("1\n2\n"));
      append_copy_done(bytes);
      co_await program.send(bytes);
      const auto answer10 = co_await program.read();
      CHECK(tags(answer10) == "CZ");
      for (int round = 0; round < 2; ++round) {
        const bool pipelined = round == 1;
        bytes.clear();
        append_run(bytes, "copy written from stdin");
        append_sync(bytes);
        Bytes data;
        append_copy_data(data, as_bytes("3\n"));
        append_copy_done(data);
        append_sync(data);
        if (pipelined) {
          bytes.insert(bytes.end(), data.begin(), data.end());
          co_await program.send(bytes);
        } else {
          co_await program.send(bytes);
          for (char tag = 0; tag != 'G';) {
            tag = (co_await program.read_one()).tag;
          }
          co_await program.send(data);
        }
        const auto said = co_await program.read();
        CHECK(tags(said).ends_with("CZ"));
      }
      bytes.clear();
      append_query(bytes, "copy written from stdin");
      append_copy_data(bytes, as_bytes("not a number\n"));
      append_copy_done(bytes);
      co_await program.send(bytes);
      const auto answer11 = co_await program.read();
      CHECK(tags(answer11) == "GEZ");
      const auto answer12 = co_await program.ask("select 1");
      CHECK(tags(answer12) == "TDCZ");
    });
    CHECK(count_written() == "4");
  }

  SECTION("an error about masked data keeps its SQLSTATE and loses its words") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto said =
          co_await program.ask("insert into customers values (1, 'n', 'planted@example.com', 1)");
      CHECK(field(first(said, 'E'), 'C') == "23505");
      CHECK(field(first(said, 'E'), 'D').empty());
      const auto check = co_await program.ask("update customers set tier = 99 where id = 1");
      REQUIRE(tags(check) == "EZ");
      CHECK(check[0].body.find("example.com") == std::string::npos);
      const auto plain = co_await program.ask("select * from nowhere");
      CHECK(tags(plain) == "EZ");
    });
  }

  SECTION("a column that is born masked is masked from its first row, in a transaction too") {
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      co_await program.ask("begin");
      const auto answer13 = co_await program.ask("create table born (id int, ssn text)");
      CHECK(tags(answer13) == "CZ");
      const auto answer14 = co_await program.ask("insert into born values (1, '523-45-6789')");
      CHECK(tags(answer14) == "CZ");
      const auto said = co_await program.ask("select id, ssn from born");
      CHECK(tags(said) == "TDCZ");
      CHECK(values(said[1]) == std::vector<std::string>{"1", "[redacted]"});
      CHECK(status(said) == "T");
      co_await program.ask("rollback");
      const auto answer15 = co_await program.ask("select id, ssn from born");
      CHECK(tags(answer15) == "EZ");
      const auto answer16 = co_await program.ask("select id from orders where id = 2");
      CHECK(tags(answer16) == "TDCZ");
    });
  }

  SECTION("a name that means another table since it was prepared is judged anew") {
    server().sql(
        "create schema if not exists decoy; drop table if exists decoy.customers; create table "
        "decoy.customers (id int, email text);"
        "grant usage on schema decoy to app; grant select on decoy.customers to app",
        "demo");
    Live live(masked_policy());
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto answer17 = co_await program.ask("set search_path = decoy");
      CHECK(tags(answer17) == "CZ");
      const auto answer18 = co_await program.ask("select upper(email) from customers");
      CHECK(tags(answer18) == "EZ");
      Bytes bytes;
      append_parse(bytes, "s", "select email from customers");
      append_sync(bytes);
      co_await program.send(bytes);
      const auto answer19 = co_await program.read();
      CHECK(tags(answer19) == "1Z");
      co_await program.ask("set search_path = public");
      bytes.clear();
      append_bind(bytes, "", "s", {}, {}, {});
      append_execute(bytes, "", 1);
      append_sync(bytes);
      co_await program.send(bytes);
      for (const Said& one : co_await program.read()) {
        CHECK(one.body.find("example.com") == std::string::npos);
      }
    });
  }

  SECTION("a limit stops a large SELECT at once and lets a write finish") {
    access::PolicyDocument policy = allow_all();
    policy.limits.rows_per_statement = 1000;
    Live live(policy);
    live.run([](Program& program) -> asio::awaitable<void> {
      const auto said =
          co_await program.ask("select n, repeat('x', 100) from generate_series(1, 5000000) n");
      CHECK(std::count(said.begin(), said.end(), Said{}) == 0);
      CHECK(std::count_if(said.begin(), said.end(),
                          [](const Said& one) { return one.tag == 'D'; }) == 1000);
      CHECK(field(first(said, 'E'), 'C') == "54000");
      const auto write = co_await program.ask(
          "insert into written select n from generate_series(1, 3000) n returning id");
      CHECK(std::count_if(write.begin(), write.end(),
                          [](const Said& one) { return one.tag == 'D'; }) == 1000);
      CHECK(first(write, 'C').body == std::string("INSERT 0 3000\0", 14));
      const auto copied = co_await program.ask("copy written to stdout");
      CHECK(field(first(copied, 'E'), 'C') == "54000");
      const auto answer20 = co_await program.ask("select 1");
      CHECK(tags(answer20) == "TDCZ");
    });
    CHECK(count_written() == "3000");
  }

  SECTION("a program's cancel reaches its statement") {
    Live live(allow_all());
    live.run([&](Program& program) -> asio::awaitable<void> {
      Bytes bytes;
      append_query(bytes, "select pg_sleep(60)");
      co_await program.send(bytes);
      asio::steady_timer started(live.context, std::chrono::milliseconds(300));
      co_await started.async_wait(asio::use_awaitable);
      session::Opening cancel;
      cancel.kind = session::Opening::Kind::cancel;
      cancel.cancel_key = to_bytes(first(live.greeting, 'K').body);
      Program canceller(live.session.open(cancel));
      const auto answer21 = co_await canceller.read_one();
      CHECK((answer21).tag == 0);
      const auto said = co_await program.read();
      CHECK(field(first(said, 'E'), 'C') == "57014");
    });
  }

  SECTION("rows and COPY data too large to be held pass where nothing looks into them") {
    server().sql(
        "create table if not exists large (n int, v text); truncate large; grant all on large to "
        "app",
        "demo");
    const std::size_t size = 20U << 20;
    const std::string large_row = "select 7 as n, repeat('x', 20 * 1024 * 1024) as v";
    Live live(allow_all());
    live.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask(large_row + " union all select 8, 'small'");
      CHECK(tags(said) == "TDDCZ");
      const auto large = values(said[1]);
      REQUIRE(large.size() == 2);
      CHECK(large[0] == "7");
      CHECK(large[1] == std::string(size, 'x'));
      CHECK(values(said[2]) == std::vector<std::string>{"8", "small"});

      Bytes bytes;
      append_run(bytes, large_row);
      append_run(bytes, "select 9");
      append_sync(bytes);
      co_await program.send(bytes);
      const auto pipelined = co_await program.read();
      CHECK(tags(pipelined) == "12DC12DCZ");
      CHECK(values(pipelined[2])[1].size() == size);

      bytes.clear();
      append_query(bytes, "copy large from stdin");
      append_copy_data(bytes, as_bytes("1\t" + std::string(size, 'y') + "\n"));
      append_copy_data(bytes, as_bytes("2\tsmall\n"));
      append_copy_done(bytes);
      co_await program.send(bytes);
      const auto copied = co_await program.read();
      CHECK(tags(copied) == "GCZ");
      // Of a COPY that has failed the rest is thrown away, large or not.
      bytes.clear();
      append_query(bytes, "copy written from stdin");
      append_copy_data(bytes, as_bytes("none\n"));
      append_copy_data(bytes, as_bytes(std::string(size, '1') + "\n"));
      append_copy_done(bytes);
      co_await program.send(bytes);
      const auto failed = co_await program.read();
      CHECK(tags(failed) == "GEZ");
      const auto out = co_await program.ask("copy large to stdout");
      CHECK(tags(out) == "HddcCZ");
      CHECK(out[1].body == "1\t" + std::string(size, 'y') + "\n");
    });
    CHECK(server().sql("select n, length(v), md5(v) = md5(repeat('y', 20 * 1024 * 1024)) from "
                       "large where n = 1",
                       "demo") == "1|20971520|t");

    SECTION("a limit counts them before they pass") {
      access::PolicyDocument narrow = allow_all();
      narrow.limits.bytes_per_statement = 1U << 20;
      Live limited(narrow);
      limited.run([&](Program& program) -> asio::awaitable<void> {
        const auto said = co_await program.ask(large_row);
        CHECK(tags(said) == "TEZ");
        CHECK(field(first(said, 'E'), 'C') == "54000");
        const auto copied = co_await program.ask("copy large to stdout");
        CHECK(tags(copied) == "HEZ");
        const auto next = co_await program.ask("select 1");
        CHECK(tags(next) == "TDCZ");
      });
    }
    SECTION("where a detector would look into it, nothing of it passes") {
      for (const char* statement : {large_row.c_str(), "copy large to stdout"}) {
        Live masked(allow_all({detector_mask("payment_card")}));
        masked.run([&](Program& program) -> asio::awaitable<void> {
          Bytes bytes;
          append_query(bytes, statement);
          co_await program.send(bytes);
          const auto said = co_await program.read();
          REQUIRE(tags(said).ends_with("E"));
          CHECK(field(said.back(), 'M').find("masks look into at most") != std::string::npos);
          CHECK(tags(said).find_first_of("Dd") == std::string::npos);
        });
      }
    }
  }

  SECTION("a target that is stopped is said to be gone") {
    Live live(allow_all());
    live.run([](Program& program) -> asio::awaitable<void> {
      server().sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
      const auto said = co_await program.ask("select 1");
      CHECK(field(said.back(), 'C') == "57P01");
    });
  }
}
