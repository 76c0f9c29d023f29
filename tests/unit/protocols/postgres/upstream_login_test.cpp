// SPDX-License-Identifier: Apache-2.0
// Logins to a real PostgreSQL 15 with TLS and SCRAM, and what must not get through.
#include "protocols/postgres/upstream_login.h"

#include <fstream>

#include "core/net/tls.h"
#include "protocols/postgres/receive.h"
#include "protocols/postgres/scram.h"
#include "tests/support/catch.h"
#include "tests/support/postgres_server.h"
#include "tests/support/run_task.h"

namespace hoop::postgres {
namespace {

using access::TlsMode;

constexpr const char* kPassword = "issued-for-minutes";

/// One server for the whole file: it takes seconds to make. The login of every test is hoop_1.
struct Fixture {
  net::GeneratedPki pki = net::generate_pki("hoopctl test", {"localhost", "127.0.0.1"});
  net::GeneratedPki other = net::generate_pki("another", {"localhost", "127.0.0.1"});
  test::PostgresServer server{{{}, pki.server_pem, pki.server_key_pem.reveal()}};

  Fixture() {
    // The gateway stores what scram_verifier computes: the server has to take it.
    server.sql("create role hoop_1 login password '" +
               scram_verifier(SecretText(kPassword), Bytes(16, 5), 64) + "'");
  }
  /// Who is asked for what over TCP; the superuser's socket stays open.
  void set_hba(const std::string& method) {
    std::ofstream(server.socket_directory() / "data/pg_hba.conf")
        << "local all all trust\nhost all all 127.0.0.1/32 " << method << "\n";
    reload();
  }
  void reload() {
    server.sql("select pg_reload_conf()");
    // The postmaster reads its files when the signal reaches it: a new connection must already see
    // them.
    server.sql("select pg_sleep(0.2)");
  }
};

Fixture& fixture() {
  static Fixture the_one;
  return the_one;
}

access::Target target(TlsMode tls = TlsMode::verify_full) {
  access::Target out;
  out.name = "pg";
  out.protocol = "postgres";
  out.host = "127.0.0.1";
  out.port = fixture().server.port();
  out.tls = tls;
  out.tls_ca_pem = fixture().pki.ca_pem;
  out.tls_server_name = "localhost";
  return out;
}

struct Wish {
  access::Target to = target();
  std::string user = "hoop_1";
  std::string password = kPassword;
  std::string database = "postgres";
  ParameterPairs parameters;
};

Task<Upstream> connect(asio::any_io_executor executor, Wish wish, Random& random) {
  const SystemClock clock;
  const Deadline deadline = Deadline::after(clock, std::chrono::seconds(20));
  net::DirectDialer dialer(executor);
  HOOP_CO_TRY(auto stream, co_await dialer.dial(wish.to.host, wish.to.port, deadline));
  LoginParameters parameters;
  parameters.target = std::move(wish.to);
  parameters.user = std::move(wish.user);
  parameters.password = SecretText(std::move(wish.password));
  parameters.database = std::move(wish.database);
  parameters.parameters = std::move(wish.parameters);
  parameters.deadline = deadline;
  parameters.random = &random;
  co_return co_await login(std::move(stream), std::move(parameters));
}

Result<Upstream> logged_in(Wish wish) {
  asio::io_context context;
  crypto::SystemRandom random;
  auto upstream = test::run(context, connect(context.get_executor(), std::move(wish), random));
  // The stream belongs to the context: what is looked at afterwards is the rest.
  if (upstream) upstream->stream.reset();
  return upstream;
}

Error refused(Wish wish) {
  auto upstream = logged_in(std::move(wish));
  REQUIRE_FALSE(upstream);
  UNSCOPED_INFO(upstream.error().message << " / " << upstream.error().remote);
  return upstream.error();
}

std::string status_of(const Upstream& upstream, std::string_view name) {
  for (const auto& [key, value] : upstream.parameters) {
    if (key == name) return value;
  }
  return "(none)";
}

/// The first value of a query's rows, or its SQLSTATE.
Task<std::string> ask(Upstream& upstream, std::string text) {
  Bytes out;
  append_query(out, text);
  HOOP_CO_CHECK(co_await upstream.stream->write_all(out));
  std::string answer;
  for (;;) {
    HOOP_CO_TRY(const auto frame,
                co_await receive(*upstream.stream, upstream.reader, Direction::from_backend));
    if (frame.tag == 'D') answer = to_text((*decode_data_row(frame.body)->values.begin()).value());
    if (frame.tag == 'E') answer = find_field(decode_error_response(frame.body)->fields, 'C');
    if (frame.tag == 'Z') co_return answer;
  }
}

}  // namespace

TEST_CASE("login over verified TLS by SCRAM gives a working connection") {
  asio::io_context context;
  crypto::SystemRandom random;
  Wish wish;
  wish.parameters = {{"application_name", "psql"}, {"timezone", "UTC"}};
  const auto talk = [&]() -> Task<std::string> {
    HOOP_CO_TRY(auto upstream, co_await connect(context.get_executor(), wish, random));
    CHECK(upstream.cancel_key.size() == 8);
    CHECK(status_of(upstream, "server_version").starts_with("15"));
    CHECK(status_of(upstream, "client_encoding") == "UTF8");
    CHECK(status_of(upstream, "TimeZone") == "UTC");
    CHECK(status_of(upstream, "application_name") == "psql");
    CHECK(upstream.reader.buffered() == 0);
    co_return co_await ask(
        upstream,
        "select current_user || ' ' || ssl::text from pg_stat_ssl where pid = pg_backend_pid()");
  };
  const auto answer = test::run(context, talk());
  REQUIRE(answer);
  CHECK(*answer == "hoop_1 true");
}

TEST_CASE("login says what the server said when it refuses") {
  Wish wrong;
  wrong.password = "guess";
  CHECK(refused(wrong).code == ErrorCode::upstream_refused);
  CHECK(refused(wrong).remote.starts_with("28P01: password authentication failed"));
  Wish nobody;
  nobody.user = "nobody";
  CHECK(refused(nobody).remote.starts_with("28P01"));
  Wish nowhere;
  nowhere.database = "nowhere";
  CHECK(refused(nowhere).remote.starts_with("3D000"));
  CHECK(refused(nowhere).message.starts_with("log in to target 'pg': "));
}

TEST_CASE("login refuses a server whose certificate does not fit") {
  Wish wish;
  wish.to.tls_ca_pem = fixture().other.ca_pem;
  CHECK(refused(wish).code == ErrorCode::integrity);
  wish.to = target();
  wish.to.tls_server_name = "db.example";
  CHECK(refused(wish).code == ErrorCode::integrity);
  wish.to.tls = TlsMode::verify_ca;
  CHECK(logged_in(wish));
}

TEST_CASE("login without TLS still proves both sides by SCRAM") {
  Wish wish;
  wish.to.tls = TlsMode::disable;
  CHECK(logged_in(wish));
  wish.password = "guess";
  CHECK(refused(wish).remote.starts_with("28P01"));
}

TEST_CASE("login judges what else pg_hba.conf may ask for") {
  Wish plain;
  plain.to.tls = TlsMode::disable;
  SECTION("trust") {
    fixture().set_hba("trust");
    CHECK(refused({}).code == ErrorCode::integrity);
    CHECK(logged_in(plain));
  }
  SECTION("password: clear text goes through TLS only") {
    fixture().set_hba("password");
    CHECK(logged_in({}));
    CHECK(refused(plain).code == ErrorCode::unsupported);
  }
  SECTION("md5 asks for SCRAM, as the role's verifier is one") {
    fixture().set_hba("md5");
    CHECK(logged_in({}));
  }
  SECTION("a real md5 password is refused") {
    fixture().server.sql("set password_encryption = md5; create role old login password 'pw'");
    fixture().set_hba("md5");
    Wish old;
    old.user = "old";
    old.password = "pw";
    CHECK(refused(old).code == ErrorCode::unsupported);
    fixture().server.sql("drop role old");
  }
  SECTION("reject") {
    fixture().set_hba("reject");
    CHECK(refused({}).remote.starts_with("28000"));
  }
  fixture().set_hba("scram-sha-256");
}

TEST_CASE("login does not go on without TLS when the server has none") {
  fixture().server.sql("alter system set ssl = off");
  fixture().reload();
  const Error error = refused({});
  CHECK(error.code == ErrorCode::upstream_refused);
  CHECK(error.message.find("does not offer TLS") != std::string::npos);
  fixture().server.sql("alter system reset ssl");
  fixture().reload();
  CHECK(logged_in({}));
}

TEST_CASE("login's settings win over the role's own") {
  fixture().server.sql(
      "alter role hoop_1 set standard_conforming_strings = off; alter role hoop_1 set "
      "client_encoding = latin1");
  const auto upstream = logged_in({});
  fixture().server.sql("alter role hoop_1 reset all");
  REQUIRE(upstream);
  CHECK(status_of(*upstream, "standard_conforming_strings") == "on");
  CHECK(status_of(*upstream, "client_encoding") == "UTF8");
}

TEST_CASE("cancel reaches the running statement, with TLS and without") {
  for (const TlsMode tls : {TlsMode::verify_full, TlsMode::disable}) {
    asio::io_context context;
    crypto::SystemRandom random;
    const SystemClock clock;
    const auto talk = [&]() -> Task<std::string> {
      Wish wish;
      wish.to.tls = tls;
      HOOP_CO_TRY(auto upstream, co_await connect(context.get_executor(), wish, random));
      Bytes out;
      append_query(out, "select pg_sleep(20)");
      HOOP_CO_CHECK(co_await upstream.stream->write_all(out));
      // The statement has to be running: a cancel before it does nothing.
      asio::steady_timer timer(context, std::chrono::milliseconds(300));
      static_cast<void>(
          co_await timer.async_wait(asio::experimental::as_tuple(asio::use_awaitable)));
      net::DirectDialer dialer(context.get_executor());
      const Deadline deadline = Deadline::after(clock, std::chrono::seconds(10));
      HOOP_CO_CHECK(co_await send_cancel(dialer, wish.to, upstream.cancel_key,
                                         std::make_shared<TargetCache>(), deadline));
      upstream.stream->set_deadline(deadline);
      for (;;) {
        HOOP_CO_TRY(const auto frame,
                    co_await receive(*upstream.stream, upstream.reader, Direction::from_backend));
        if (frame.tag == 'E')
          co_return std::string(find_field(decode_error_response(frame.body)->fields, 'C'));
      }
    };
    const auto answer = test::run(context, talk());
    REQUIRE(answer);
    CHECK(*answer == "57014");
  }
}

}  // namespace hoop::postgres
