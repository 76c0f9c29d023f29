// SPDX-License-Identifier: Apache-2.0
// The same random conversations with a real PostgreSQL, directly and through a session that masks
// nothing: what is read must be the same, byte for byte.
#include <random>

#include "core/base/encoding.h"
#include "protocols/postgres/upstream_login.h"
#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

constexpr std::string_view kStatements[] = {
    "select 1",
    "select n, n * n from generate_series(1, 7) n",
    "select id, name, email, tier from customers where id < 4 order by id",
    "select note, extra from orders order by id",
    "select $1::int + 1",
    "select $1::text, $2::int",
    "select id + 0 as k, v || '' from kept order by 1",
    "insert into kept values (1, 'one'), (2, 'two') returning id + 0",
    "insert into kept values ($1::int, $2::text)",
    "update kept set v = v || '!' where id = 1",
    "delete from kept where id = 2",
    "begin",
    "start transaction read only",
    "commit",
    "rollback",
    "savepoint s",
    "rollback to s",
    "select 1 / 0",
    "select nothing from nowhere",
    "this is no SQL",
    "",
    "  -- a comment alone",
    "set application_name = 'differential'",
    "set datestyle = 'ISO, DMY'",
    "show datestyle",
    "select 1; select 2; select 3",
    "insert into kept values (9, 'nine'); select 1 / 0; insert into kept values (10, 'ten')",
    "begin; select 1; commit",
    "declare c cursor with hold for select n from generate_series(1, 9) n",
    "fetch 3 from c",
    "close c",
    "prepare p as select 40 + 2",
    "execute p",
    "deallocate p",
    "select repeat('x', 20000)",
    "do $$ begin raise notice 'told'; raise warning 'warned'; end $$",
    "explain (costs off) select 1",
    "copy customers (id, name) to stdout",
    "copy (select n from generate_series(1, 5) n) to stdout with (format binary)",
    "create temp table extra (x int)",
    "drop table if exists extra",
    "discard plans",
    "values (null, 'a', E'\\\\x41'), (1, null, '')",
    "select id + 0, v || '' from kept where false",
    "lock table kept",
    "reset all",
};

/// One step of a program: what it sends, and how many ReadyForQuery come back.
struct Step {
  Bytes bytes;
  int ready = 0;
  std::string words;  // for a failed test
};

class Talker {
 public:
  explicit Talker(std::uint32_t seed) : random_(seed) {}

  Step next() {
    switch (below(6)) {
      case 0:
      case 1: return simple();
      case 2: return copy_in();
      default: return pipeline();
    }
  }

 private:
  std::uint32_t below(std::uint32_t end) { return static_cast<std::uint32_t>(random_() % end); }
  std::string_view statement() {
    return kStatements[below(static_cast<std::uint32_t>(std::size(kStatements)))];
  }
  std::string_view name() {
    static constexpr std::string_view kNames[] = {"", "", "a", "b"};
    return kNames[below(4)];
  }
  Step simple() {
    Step step;
    const std::string_view text = statement();
    append_query(step.bytes, text);
    step.ready = 1;
    step.words = "Q(" + std::string(text) + ")";
    return step;
  }
  Step copy_in() {
    Step step;
    append_query(step.bytes, "copy kept from stdin");
    const std::uint32_t rows = below(4);
    for (std::uint32_t i = 0; i < rows; ++i) {
      const std::string row =
          below(7) == 0 ? "not a row\n" : std::to_string(100 + i) + "\tcopied\n";
      append_copy_data(step.bytes, as_bytes(row));
    }
    const bool fails = below(4) == 0;
    if (fails) {
      append_copy_fail(step.bytes, "changed my mind");
    } else {
      append_copy_done(step.bytes);
    }
    step.ready = 1;
    step.words = "COPY(" + std::to_string(rows) + (fails ? " fail)" : ")");
    return step;
  }
  Step pipeline() {
    Step step;
    const std::uint32_t count = 1 + below(8);
    for (std::uint32_t i = 0; i < count; ++i) add_message(step);
    append_sync(step.bytes);
    step.ready = 1;
    step.words += " S";
    return step;
  }
  void add_message(Step& step) {
    const std::string own(name());
    switch (below(10)) {
      case 0:
      case 1:
      case 2: {
        std::string_view text = statement();
        // Refused by hoopctl before the server sees it, these leave the unnamed statement be.
        while (text.find(';') != std::string_view::npos || text == "this is no SQL")
          text = statement();
        append_parse(step.bytes, own, text);
        step.words += " P" + own + "(" + std::string(text) + ")";
        return;
      }
      case 3:
      case 4: {
        const Value number = as_bytes(std::string_view("41"));
        const Value word = as_bytes(std::string_view("word"));
        const std::vector<Value> two{number, word};
        const std::uint32_t given = below(3);
        const Format format = below(4) == 0 ? Format::binary : Format::text;
        const std::string portal(name());
        append_bind(step.bytes, portal, own, {}, std::span(two).first(given), {&format, 1});
        step.words += " B" + portal + "<" + own + "," + std::to_string(given);
        return;
      }
      case 5:
        append_describe(step.bytes, below(2) == 0 ? Named::portal : Named::statement, own);
        step.words += " D" + own;
        return;
      case 6:
      case 7:
        append_execute(step.bytes, own, below(3));
        step.words += " E" + own;
        return;
      case 8:
        append_close(step.bytes, below(2) == 0 ? Named::portal : Named::statement, own);
        step.words += " C" + own;
        return;
      default: append_flush(step.bytes); step.words += " H";
    }
  }

  std::mt19937 random_;
};

/// What must be equal: everything, but of errors and notices where in the server's source they come
/// from, which an answer of ours does not have.
std::string comparable(const Said& said) {
  if (said.tag != 'E' && said.tag != 'N') return std::string(1, said.tag) + said.body;
  const std::string code = field(said, 'C');
  if (code == "42601") return "E syntax";  // in hoopctl's own words
  // In a transaction that has failed the server may keep the failed query's own unnamed portal.
  if (code == "34000" || code == "25P02") return "E no portal";
  return std::string(1, said.tag) + field(said, 'S') + " " + field(said, 'C') + " " +
         field(said, 'M') + " " + field(said, 'D') + " " + field(said, 'H');
}

std::vector<std::string> comparable(const std::vector<Said>& said) {
  std::vector<std::string> out;
  for (const Said& one : said) out.push_back(comparable(one));
  return out;
}

/// The program's end of a connection straight to the server.
asio::awaitable<net::StreamPtr> direct(asio::any_io_executor executor, Random& random) {
  auto stream =
      co_await net::connect_tcp(executor, server().host(), server().port(), Deadline::never());
  if (!stream) throw std::runtime_error(stream.error().message);
  const SessionSettings settings = Live::settings(allow_all());
  LoginParameters parameters;
  parameters.target = settings.target;
  parameters.user = settings.user;
  parameters.password = SecretText(settings.password);
  parameters.database = settings.target.databases.front();
  parameters.random = &random;
  auto upstream = co_await login(std::move(*stream), std::move(parameters));
  if (!upstream) throw std::runtime_error(upstream.error().message);
  co_return std::move(upstream->stream);
}

}  // namespace

TEST_CASE("random conversations are the same through a session as without one") {
  crypto::SystemRandom random;
  std::size_t messages = 0;
  // Seeds beyond these are good for a look, but not for every day: seed 67 executes the unnamed
  // portal of a failed COPY, at which PostgreSQL 15.20 itself crashes. Through a session it does
  // not: that portal is unknown there.
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    Live live(allow_all());
    live.run([&](Program& through) -> asio::awaitable<void> {
      net::StreamPtr straight = co_await direct(live.context.get_executor(), random);
      Program bare(std::move(straight));
      for (Program* program : {&bare, &through})
        co_await program->ask("create temp table kept (id int primary key, v text)");
      Talker talker(seed);
      std::string so_far;
      for (int i = 0; i < 40; ++i) {
        const Step step = talker.next();
        so_far = so_far.substr(so_far.size() > 600 ? so_far.size() - 600 : 0) + "\n" + step.words;
        co_await bare.send(step.bytes);
        const auto wanted_said = co_await bare.read(step.ready);
        co_await through.send(step.bytes);
        const auto got_said = co_await through.read(step.ready);
        const auto wanted = comparable(wanted_said), got = comparable(got_said);
        messages += wanted.size();
        if (wanted != got) {
          INFO("seed " << seed << ", step " << i << so_far);
          CHECK(wanted == got);
          co_return;
        }
      }
      bare.close();
    });
  }
  CHECK(messages > 5000);
}
