// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/classify.h"

#include <chrono>
#include <iostream>

#include "core/process/deep_stack.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

std::vector<Statement> judge(std::string_view sql, NameContext names) {
  std::vector<Statement> statements;
  process::run_on_deep_stack([&] {
    statements = classify(sql, names);
    return 0;
  });
  return statements;
}

NameContext open_target() {
  return {test::unmasked_catalog(), std::vector<std::string>{"public"}, "hoop_abc", "app"};
}

std::vector<Statement> judge(std::string_view sql) { return judge(sql, open_target()); }

std::string attribute(const Statement& statement, const std::string& name) {
  const auto found = statement.action.attributes.find(name);
  return found == statement.action.attributes.end() ? "-" : found->second;
}

/// "table public.orders read, …" in the order of the action.
std::string resources(const Statement& statement) {
  std::string all;
  for (const access::Resource& r : statement.action.resources)
    all += (all.empty() ? "" : ", ") + r.kind + " " + r.name +
           (r.access == access::Access::read ? " r" : " w");
  return all;
}

}  // namespace

TEST_CASE("classify names the verb of every kind of statement") {
  struct Case {
    const char* sql;
    const char* verb;
    const char* object;
  };
  const Case cases[] = {
      {"select 1", "select", "-"},
      {"values (1)", "select", "-"},
      {"table orders", "select", "-"},
      {"insert into orders values (1)", "insert", "-"},
      {"update orders set id = 1", "update", "-"},
      {"delete from orders", "delete", "-"},
      {"truncate orders", "truncate", "-"},
      {"merge into orders o using events e on e.id = o.id when matched then delete", "merge", "-"},
      {"copy orders from stdin", "copy_in", "-"},
      {"copy orders to stdout", "copy_out", "-"},
      {"copy (select 1) to stdout", "copy_out", "-"},
      {"call p()", "call", "-"},
      {"do $$ begin end $$", "do", "-"},
      {"set a.b = 1", "set", "-"},
      {"show all", "show", "-"},
      {"begin", "transaction", "-"},
      {"vacuum", "maintenance", "-"},
      {"analyze", "maintenance", "-"},
      {"reindex table orders", "maintenance", "-"},
      {"explain delete from orders", "explain", "-"},
      {"explain analyze select 1", "explain", "-"},
      {"explain analyze delete from orders", "delete", "-"},
      {"explain (analyze) insert into orders values (1)", "insert", "-"},
      {"explain (analyze off) delete from orders", "explain", "-"},
      {"explain (analyze false, analyze) delete from orders", "delete", "-"},
      {"explain analyze create table t as select 1", "create", "-"},
      {"explain analyze execute p", "execute", "-"},
      {"listen a", "listen", "-"},
      {"notify a", "listen", "-"},
      {"unlisten *", "listen", "-"},
      {"prepare p as delete from orders", "delete", "-"},
      {"prepare p as select 1", "select", "-"},
      {"execute p", "execute", "-"},
      {"deallocate p", "deallocate", "-"},
      {"declare c cursor for select 1", "select", "-"},
      {"fetch c", "fetch", "-"},
      {"move c", "fetch", "-"},
      {"close c", "close", "-"},
      {"lock orders", "lock", "-"},
      {"comment on table orders is 'x'", "comment", "table"},
      {"discard all", "discard", "-"},
      {"grant select on orders to app", "grant", "table"},
      {"revoke a from b", "grant", "role"},
      {"create table t (id int)", "create", "table"},
      {"create view v as select 1", "create", "view"},
      {"create materialized view v as select 1", "create", "materialized_view"},
      {"create index on orders (id)", "create", "index"},
      {"create table t as select 1", "create", "table"},
      {"select 1 into t", "create", "table"},
      {"select 1 into t union select 2", "create", "table"},
      {"alter table orders add x int", "alter", "table"},
      {"alter index i rename to j", "alter", "index"},
      {"drop table orders", "drop", "table"},
      {"drop function f", "drop", "function"},
      {"drop foreign table f", "drop", "foreign_table"},
      {"create database d", "create", "database"},
      {"checkpoint", "maintenance", "-"},
      {"with d as (delete from orders returning *) select * from d", "delete", "-"},
      {"with i as (insert into orders values (1) returning id) select 1", "insert", "-"},
      {"with d as (delete from orders returning id) insert into events select id from d", "delete",
       "-"},
      {"copy (delete from orders returning id) to stdout", "delete", "-"},
      {"", "empty", "-"},
      {" -- x\n/* y */ ;", "empty", "-"},
      {"sel ect", "unknown", "-"}};
  for (const Case& c : cases) {
    INFO(c.sql);
    const auto statements = judge(c.sql);
    REQUIRE(statements.size() == 1);
    CHECK(statements[0].action.verb == c.verb);
    CHECK(attribute(statements[0], "object") == c.object);
    CHECK(statements[0].refusal.has_value() == (std::string_view(c.verb) == "unknown"));
  }
  CHECK(
      attribute(
          judge(
              "with d as (delete from orders returning id) insert into events select id from d")[0],
          "verbs") == "delete,insert");
}

TEST_CASE("classify says what is read and written, in full names") {
  CHECK(resources(judge("select * from orders o join public.events e on e.id = o.id")[0]) ==
        "table public.orders r, table public.events r");
  CHECK(resources(judge("delete from orders where id = 1")[0]) ==
        "table public.orders w, table public.orders r");
  CHECK(resources(judge("with orders as (select 1 as id) select * from orders")[0]).empty());
  CHECK(resources(judge("with orders as (select * from orders) select * from orders")[0]) ==
        "table public.orders r");
  CHECK(resources(judge("with recursive orders as (select * from orders) select * from orders")[0])
            .empty());
  CHECK(resources(judge("with orders as (select 1) delete from orders")[0]) ==
        "table public.orders w, table public.orders r");
  CHECK(resources(judge("select relname from pg_class")[0]) == "table pg_catalog.pg_class r");
  CHECK(resources(judge("select lower('X'), leak(), dblinkx()")[0]) ==
        "function pg_catalog.lower r, function public.leak r, function pg_catalog.dblinkx r");
  CHECK(resources(judge("create table orders as select * from events")[0]) ==
        "table public.events r, table public.orders w");
  CHECK(resources(judge("drop table orders, archive.customers")[0]) ==
        "table public.orders w, table archive.customers w");
  CHECK(resources(judge("drop schema archive cascade")[0]) ==
        "schema archive w, table archive.customers w");
  CHECK(resources(judge("select 1 from orders o for update of o")[0]) == "table public.orders r");
  CHECK(resources(judge("copy orders to stdout")[0]) == "table public.orders r");
  const auto unknown = judge("select * from nowhere")[0];
  CHECK(resources(unknown) == "table public.nowhere r");
  CHECK(attribute(unknown, "candidates") == "unresolved");
}

TEST_CASE("a name that may mean several tables stands for all of them") {
  NameContext names = open_target();
  names.search_path.reset();
  const auto statement = judge("select * from customers", names)[0];
  CHECK(resources(statement) == "table public.customers r, table archive.customers r");
  CHECK(attribute(statement, "candidates") == "many");
  const auto after_set = judge("set search_path = archive; select * from customers");
  REQUIRE(after_set.size() == 2);
  CHECK(after_set[0].changes_search_path);
  CHECK(resources(after_set[1]) == "table public.customers r, table archive.customers r");
}

TEST_CASE("a WHERE that filters nothing counts as absent") {
  for (const char* where : {"", "where true", "where 1 = 1", "where $1 = $1", "where id = id",
                            "where id = 1 or true", "where 1 = 1 and 2 > 1", "where random() < 2",
                            "where not false", "where (select true)", "where (1 = 1)::bool"}) {
    INFO(where);
    CHECK(attribute(judge("select id from orders " + std::string(where))[0], "where") == "absent");
    CHECK(attribute(judge("delete from orders " + std::string(where))[0], "where") == "absent");
  }
  for (const char* where : {"where id = 1", "where id = $1", "where true and id = 1",
                            "where id = 1 or id = 2", "where id in (1, 2)"}) {
    INFO(where);
    CHECK(attribute(judge("select id from orders " + std::string(where))[0], "where") == "present");
  }
  CHECK(attribute(judge("select 1")[0], "where") == "-");
  CHECK(attribute(judge("select * from pg_class")[0], "where") == "-");
  CHECK(attribute(judge("select 1 from orders o join events e on e.id = o.id")[0], "where") ==
        "absent");
  CHECK(attribute(judge("select 1 from events where id in (select id from orders)")[0], "where") ==
        "absent");
  CHECK(attribute(judge("select * from (select * from orders where id = 1) o")[0], "where") ==
        "present");
  CHECK(attribute(judge("with o as (select * from orders) select * from o where id = 1")[0],
                  "where") == "absent");
  CHECK(attribute(judge("copy orders to stdout")[0], "where") == "absent");
  CHECK(attribute(judge("update orders set id = 1 where current of c")[0], "where") == "present");
}

TEST_CASE("limits are told as numbers") {
  CHECK(attribute(judge("select 1 from orders limit 10")[0], "limit") == "10");
  CHECK(attribute(judge("select 1 from orders")[0], "limit") == "absent");
  CHECK(attribute(judge("select 1 from orders limit all")[0], "limit") == "absent");
  CHECK(attribute(judge("select 1 from orders limit $1")[0], "limit") == "unknown");
  CHECK(attribute(judge("select 1 from orders fetch first 5 rows only")[0], "limit") == "5");
  CHECK(attribute(judge("delete from orders")[0], "limit") == "-");
}

TEST_CASE("classify tells what a statement may change") {
  CHECK_FALSE(judge("select lower('x')")[0].can_write);
  CHECK(judge("select nextval('s')")[0].can_write);
  CHECK(judge("select leak()")[0].can_write);
  CHECK(judge("explain delete from orders")[0].can_write);
  CHECK(judge("with d as (delete from orders) select 1")[0].can_write);
  CHECK(judge("copy orders from stdin")[0].copy == CopyDirection::in);
  CHECK(judge("copy orders to stdout")[0].copy == CopyDirection::out);
  CHECK_FALSE(judge("copy orders to stdout")[0].can_write);
  CHECK(judge("create table t (id int)")[0].changes_catalog);
  CHECK(judge("select 1 into t")[0].changes_catalog);
  CHECK_FALSE(judge("insert into orders values (1)")[0].changes_catalog);
  CHECK(judge("begin")[0].transaction == TransactionStep::begin);
  CHECK(judge("end")[0].transaction == TransactionStep::commit);
  CHECK(judge("abort")[0].transaction == TransactionStep::rollback);
  CHECK(judge("savepoint a")[0].transaction == TransactionStep::other);
  for (const char* sql :
       {"set search_path = a", "set schema 'a'", "reset all", "discard all", "call p()",
        "select leak()", "select set_config('Search_Path', 'a', false)",
        "set local SEARCH_PATH to a"}) {
    INFO(sql);
    CHECK(judge(sql)[0].changes_search_path);
  }
  CHECK_FALSE(judge("set statement_timeout = 1")[0].changes_search_path);
}

TEST_CASE("classify keeps the exact bytes of each statement") {
  const std::string two = "select 1; select 'é' ;";
  const auto statements = judge(two);
  REQUIRE(statements.size() == 2);
  CHECK(statements[0].action.text == "select 1");
  CHECK(statements[0].action.digest == crypto::sha256(as_bytes("select 1")));
  CHECK(attribute(statements[1], "statement_count") == "2");
  CHECK(judge("/* a */ select 1;")[0].action.digest ==
        crypto::sha256(as_bytes("/* a */ select 1;")));
  const std::string wide = "select '" + std::string(9000, 'x') + "é'";
  CHECK(judge(wide)[0].action.text.size() == 8192);
}

TEST_CASE("what cannot be read is refused, and says where without saying what") {
  const auto refusal = [](std::string_view sql) {
    const auto statements = judge(sql);
    REQUIRE(statements.size() == 1);
    REQUIRE(statements[0].refusal);
    CHECK(statements[0].refusal->rule == "builtin/SQL_UNREADABLE");
    CHECK(statements[0].refusal->message.size() <= 200);
    CHECK(statements[0].action.verb == "unknown");
    return statements[0].refusal->message;
  };
  const std::string message = refusal("select 1,\n  secret secret secret from");
  CHECK_THAT(message, Catch::Matchers::ContainsSubstring("line 2, column"));
  CHECK(message.find("secret") == std::string::npos);
  CHECK_THAT(refusal(std::string_view("select 1\0; drop table x", 22)),
             Catch::Matchers::ContainsSubstring("NUL"));
  CHECK_THAT(refusal("select '\xff'"), Catch::Matchers::ContainsSubstring("UTF-8"));
}

TEST_CASE("statements of any depth and length end in a verdict") {
  const auto repeated = [](const char* first, const char* again, int times) {
    std::string sql = first;
    for (int i = 0; i < times; ++i) sql += again;
    return sql;
  };
  CHECK_FALSE(judge(repeated("select 1", "+1", 5'000))[0].refusal);
  for (const char* again :
       {"+1", " isnull", "::int", " union select 1", " cross join a", " collate c", "||a"}) {
    INFO(again);
    const auto statements = judge(repeated("select a", again, 120'000));
    REQUIRE(statements.size() == 1);
    REQUIRE(statements[0].refusal);
    CHECK(statements[0].refusal->rule == "builtin/SQL_UNREADABLE");
  }
  CHECK(judge(repeated("select ", "(", 100'000))[0].refusal);
  CHECK_FALSE(judge(repeated("select 1", ",1", 100'000))[0].refusal);
  CHECK_THAT(judge(repeated("select 1", ",1", 260'000))[0].refusal->message,
             Catch::Matchers::ContainsSubstring("tokens"));
  CHECK(judge(std::string(kMaxStatementBytes + 1, ' '))[0].refusal);
}

TEST_CASE("a statement on masked relations is marked, so that server messages are cleaned") {
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  CHECK(judge("select id from customers", names)[0].touches_masked);
  CHECK(judge("insert into customers values (1)", names)[0].touches_masked);
  CHECK(judge("fetch c", names)[0].touches_masked);
  CHECK(judge("execute p", names)[0].touches_masked);
  CHECK_FALSE(judge("select id from orders", names)[0].touches_masked);
}

TEST_CASE("a missing catalog means no masks, and the fixed rules hold") {
  CHECK_FALSE(judge("select email from customers", {})[0].refusal);
  CHECK(judge("set role app", {})[0].refusal);
  CHECK(judge("create role x", {})[0].refusal);
}

TEST_CASE("time to judge a statement", "[.bench]") {
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  const std::string longer =
      "select c.id, c.name, c.email,\n count(*) as orders,\n sum(o.total) as total\nfrom customers "
      "c\n join orders o on o.customer_id = c.id\n"
      "where c.tier = 'gold' and o.status in ('open', 'paid')\n and o.total > 100\ngroup by "
      "c.id\nhaving count(*) > 2\nlimit 50";
  process::run_on_deep_stack([&] {
    for (const std::string& sql :
         {std::string("select id, email from customers where id = 7"), longer}) {
      constexpr int kTimes = 5000;
      const auto begin = std::chrono::steady_clock::now();
      for (int i = 0; i < kTimes; ++i) CHECK_FALSE(classify(sql, names)[0].refusal);
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      std::cout << sql.size() << " bytes: " << took.count() / kTimes << " us a statement\n";
    }
    return 0;
  });
}
