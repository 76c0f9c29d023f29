// SPDX-License-Identifier: Apache-2.0
// What names stand for while a statement waits for an approver, before a real PostgreSQL: it plans
// a statement anew when their meaning has changed.
#include "tests/support/scripted_people.h"
#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

access::PolicyDocument victims_ask() {
  access::PolicyDocument policy = allow_all();
  access::Rule ask;
  ask.name = "deleting";
  ask.when = {{"verb", {"delete"}}};
  ask.effect = access::Effect::require_approval;
  policy.rules.push_back(ask);
  return policy;
}

std::string rows_of_table(const std::string& table) {
  return server().sql("select count(*) from " + table, "demo");
}

}  // namespace

TEST_CASE("an approval is for what names stood for when it was asked") {
  server().sql(
      "drop schema if exists other cascade; drop table if exists victim; create schema other; "
      "create table other.before (id int); create table victim (id int); "
      "insert into other.before values (12); insert into victim values (12); "
      "grant usage, create on schema other to app; alter table other.before owner to app; "
      "alter table victim owner to app",
      "demo");
  Live live(victims_ask());
  ScriptedPeople people(live.context.get_executor());
  live.session.engine().gate().ask_by(people, std::chrono::seconds(20));
  bool in_one_pipeline = false, changes = true, simple = false;
  SECTION("prepared before, bound then") {}
  SECTION("in one pipeline") { in_one_pipeline = true; }
  SECTION("a simple query") { simple = true; }
  SECTION("and they stand for the same still") { changes = false; }
  live.run([&](Program& program) -> asio::awaitable<void> {
    static_cast<void>(co_await program.ask("set search_path = other, public"));
    Bytes bytes;
    if (simple) {
      append_query(bytes, "delete from victim where id = 12");
    } else {
      append_parse(bytes, "s", "delete from victim where id = 12");
      if (!in_one_pipeline) {
        append_sync(bytes);
        co_await program.send(std::exchange(bytes, {}));
        const auto parsed = co_await program.read();
        CHECK(tags(parsed) == "1Z");
      }
      append_bind(bytes, "", "s", {}, {}, {});
      append_execute(bytes, "");
      append_sync(bytes);
    }
    co_await program.send(std::move(bytes));
    Said notice;
    do {
      notice = co_await program.read_one();
    } while (notice.tag != 'N' && notice.tag != 0);
    Program beside(live.session.open());
    static_cast<void>(co_await beside.read());
    if (changes) {
      const auto renamed = co_await beside.ask("alter table other.before rename to victim");
      CHECK(tags(renamed) == "CZ");
    }
    people.say(access::ApprovalState::approved);
    const auto said = co_await program.read();
    if (changes) {
      CHECK_THAT(field(first(said, 'E'), 'M'), Catch::Matchers::ContainsSubstring("names mean"));
    } else {
      CHECK(tags(said).find('E') == std::string::npos);
    }
    beside.close();
  });
  REQUIRE(people.asked.size() == 1);
  CHECK(people.asked[0].verb == "delete public.victim");
  CHECK(rows_of_table(changes ? "other.victim" : "other.before") == "1");
  CHECK(rows_of_table("public.victim") == (changes ? "1" : "0"));
}
