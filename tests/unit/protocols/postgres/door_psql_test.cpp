// SPDX-License-Identifier: Apache-2.0
// The door as the stock psql meets it, over a Unix socket.
#include <cstdio>
#include <thread>

#include "protocols/postgres/door.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/receive.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/temp_dir.h"

namespace hoop::postgres {
namespace {

struct Spoken {
  std::string output;
  int status = -1;
};

/// Answers every query with one row that says what was asked, until Terminate.
Task<void> echo(net::Stream& stream) {
  Bytes out;
  append_parameter_status(out, "server_version", "15.0");
  append_parameter_status(out, "client_encoding", "UTF8");
  append_parameter_status(out, "standard_conforming_strings", "on");
  append_ready_for_query(out, TransactionStatus::idle);
  HOOP_CO_CHECK(co_await stream.write_all(out));
  FrameReader reader;
  for (;;) {
    HOOP_CO_TRY(const auto frame, co_await receive(stream, reader, Direction::from_frontend));
    if (frame.tag != 'Q') co_return Result<void>{};
    HOOP_CO_TRY(const auto query, decode_query(frame.body));
    const std::vector<FieldDescription> fields = {{"echo", 0, 0, 25, -1, -1, Format::text}};
    const std::vector<Value> values = {Value(as_bytes(query.text))};
    out.clear();
    append_row_description(out, fields);
    append_data_row(out, values);
    append_command_complete(out, "SELECT 1");
    append_ready_for_query(out, TransactionStatus::idle);
    HOOP_CO_CHECK(co_await stream.write_all(out));
  }
}

Task<session::Opening> serve_one(asio::local::stream_protocol::acceptor& acceptor,
                                 PostgresDoor& door) {
  auto [error, socket] =
      co_await acceptor.async_accept(asio::experimental::as_tuple(asio::use_awaitable));
  if (error) co_return fail(ErrorCode::io, error.message());
  auto stream = net::make_unix_stream(std::move(socket));
  const SystemClock clock;
  HOOP_CO_TRY(auto opening,
              co_await door.open(*stream, Deadline::after(clock, std::chrono::seconds(20))));
  HOOP_CO_CHECK(co_await echo(*stream));
  co_return opening;
}

/// Runs psql with these variables against a door with the password "right".
std::pair<Result<session::Opening>, Spoken> psql(const std::string& variables) {
  const test::TempDir directory;
  asio::io_context context;
  asio::local::stream_protocol::acceptor acceptor(
      context, asio::local::stream_protocol::endpoint(directory / ".s.PGSQL.5432"));
  crypto::SystemRandom random;
  PostgresDoor door(SecretText("right"), random, PostgresDoor::Behind::unix_socket);
  Spoken spoken;
  std::thread program([&] {
    const std::string command = "env -i LC_ALL=C.UTF-8 PGHOST=" + directory.path() +
                                " PGPORT=5432 PGUSER=hoop PGDATABASE=demo " + variables +
                                " timeout 20 /usr/lib/postgresql/15/bin/psql -X -At -w -c \"select "
                                "'hello'\" 2>&1 </dev/null";
    FILE* const pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return;
    char chunk[512];
    for (std::size_t count = 0; (count = std::fread(chunk, 1, sizeof chunk, pipe)) > 0;)
      spoken.output.append(chunk, count);
    spoken.status = ::pclose(pipe);
  });
  auto opening = test::run(context, serve_one(acceptor, door));
  program.join();
  return {std::move(opening), std::move(spoken)};
}

}  // namespace

TEST_CASE("psql comes through the door and its settings arrive") {
  auto [opening, spoken] = psql(
      "PGPASSWORD=right PGSSLMODE=disable PGOPTIONS='-c statement_timeout=9s' PGTZ=UTC "
      "PGAPPNAME=me");
  INFO(spoken.output);
  REQUIRE(opening);
  CHECK(spoken.output == "select 'hello'\n");
  CHECK(spoken.status == 0);
  std::string seen;
  for (const auto& [name, value] : opening->parameters) seen += name + "=" + value + " ";
  CHECK(seen == "user=hoop database=demo statement_timeout=9s application_name=me timezone=UTC ");
}

TEST_CASE("psql reads why the door refuses it") {
  auto [wrong, told] = psql("PGPASSWORD=wrong");
  CHECK_FALSE(wrong);
  CHECK_THAT(told.output, Catch::Matchers::ContainsSubstring(
                              "FATAL:  password authentication failed at hoopctl's endpoint"));
  CHECK_THAT(told.output, Catch::Matchers::ContainsSubstring("PGPASSFILE"));
  auto [role, denied] = psql("PGPASSWORD=right PGOPTIONS='-c role=postgres'");
  CHECK_FALSE(role);
  CHECK_THAT(denied.output, Catch::Matchers::ContainsSubstring("setting 'role' cannot be given"));
  auto [latin, encoding] = psql("PGPASSWORD=right PGCLIENTENCODING=LATIN1");
  CHECK_FALSE(latin);
  CHECK_THAT(encoding.output, Catch::Matchers::ContainsSubstring("PGCLIENTENCODING=UTF8"));
  auto [none, no_password] = psql("PGSSLMODE=prefer");
  CHECK_FALSE(none);
  CHECK(none.error().code == ErrorCode::io);
}

}  // namespace hoop::postgres
