// SPDX-License-Identifier: Apache-2.0
// A session before a real PostgreSQL, which all cases of a program share.
#pragma once

#include "tests/support/postgres_server.h"
#include "tests/unit/protocols/postgres/session_harness.h"

namespace hoop::test {

inline constexpr std::string_view kSchema = R"(
  create table customers (id int primary key, name text, email text, tier int check (tier < 10));
  create table orders (id int, note text, extra jsonb);
  create table written (id int);
  grant all on customers, orders, written to app;
  grant create, usage on schema public to app;
  insert into customers select n, 'name ' || n, 'user' || n || '@example.com', 1 from generate_series(1, 20) n;
  insert into orders values (1, 'paid with 4111 1111 1111 1111', '{"card": "4111111111111111"}'), (2, 'cash', '{}');
)";

inline PostgresServer& server() {
  static PostgresServer running;
  static const bool ready = [] {
    running.sql("create role app login password '" + std::string(kRolePassword) + "'");
    running.sql("create database demo");
    running.sql(std::string(kSchema), "demo");
    return true;
  }();
  static_cast<void>(ready);
  return running;
}

struct Live {
  explicit Live(access::PolicyDocument policy)
      : session(context, settings(std::move(policy)),
                std::make_unique<net::DirectDialer>(context.get_executor())) {}

  static SessionSettings settings(access::PolicyDocument policy) {
    SessionSettings settings = scripted_settings(std::move(policy));
    settings.target.host = server().host();
    settings.target.port = server().port();
    settings.user = "app";
    return settings;
  }
  void run(const std::function<asio::awaitable<void>(Program&)>& body) {
    Program program(session.open());
    const auto all = [&]() -> asio::awaitable<bool> {
      greeting = co_await program.read();
      INFO(tags(greeting) << (tags(greeting) == "E" ? field(greeting[0], 'M') : ""));
      REQUIRE(tags(greeting).back() == 'Z');
      co_await body(program);
      program.close();
      co_return true;
    };
    REQUIRE(test::run(context, all()));
  }

  asio::io_context context;
  SessionUnderTest session;
  std::vector<Said> greeting;
};

inline void append_run(Bytes& out, std::string_view sql) {
  postgres::append_parse(out, "", sql);
  postgres::append_bind(out, "", "", {}, {}, {});
  postgres::append_execute(out, "");
}

}  // namespace hoop::test
