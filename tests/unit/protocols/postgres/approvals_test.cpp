// SPDX-License-Identifier: Apache-2.0
// Statements that wait for an approver: what the program reads meanwhile, what the target hears of
// it, and what is bound to what.
#include "protocols/postgres/handler.h"
#include "tests/support/scripted_people.h"
#include "tests/unit/protocols/postgres/scripted_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;
using access::ApprovalState;

namespace {

access::PolicyDocument deleting_asks() {
  access::PolicyDocument document = allow_all();
  access::Rule ask;
  ask.name = "deleting";
  ask.when = {{"verb", {"delete"}}};
  ask.effect = access::Effect::require_approval;
  ask.message = "deleting needs a reviewer";
  document.rules.push_back(ask);
  return document;
}

Bytes done(std::string_view tag) {
  Bytes out;
  append_command_complete(out, tag);
  return out;
}

struct Waiting : Scripted {
  explicit Waiting(std::chrono::seconds patience = std::chrono::seconds(20))
      : Scripted(allow_all()) {
    judge_by(deleting_asks());
    session.engine().gate().ask_by(people, patience);
    server.on("delete from t", {}, done("DELETE 1"));
    server.on("delete from t where id = $1", {}, done("DELETE 1"));
    server.on("select 1", described({text_column("x")}), rows_of({"1"}));
  }
  /// Past the handler, which would ask a real server for its catalog.
  void judge_by(access::PolicyDocument document) {
    session.engine().gate().set_policy(
        std::make_shared<const access::PolicyEngine>(std::move(document)));
  }
  void later(ApprovalState state) {
    asio::co_spawn(
        context,
        [](Waiting& self, ApprovalState said) -> asio::awaitable<void> {
          co_await test::pause(std::chrono::milliseconds(30));
          self.heard_before = self.server.heard();
          self.people.say(said, "not today");
        }(*this, state),
        [](const std::exception_ptr&) {});
  }
  ScriptedPeople people{context.get_executor()};
  std::vector<std::string> heard_before;  // by the target, when somebody decided
};

Bytes query(std::string_view sql) {
  Bytes out;
  append_query(out, sql);
  return out;
}

Bytes bound(std::string_view value, std::string_view steps) {
  Bytes out;
  for (const char step : steps) {
    if (step == 'P') append_parse(out, "", "delete from t where id = $1");
    const std::array<Value, 1> values{as_bytes(value)};
    if (step == 'B') append_bind(out, "", "", {}, values, {});
    if (step == 'E') append_execute(out, "");
    if (step == 'S') append_sync(out);
  }
  return out;
}

}  // namespace

TEST_CASE("a statement that waits is told, and runs once it is approved") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.later(ApprovalState::approved);
    const auto said = co_await program.ask("delete from t");
    CHECK(tags(said) == "NCZ");
    CHECK_THAT(field(said[0], 'M'), Catch::Matchers::ContainsSubstring("request apr_1"));
    const auto next = co_await program.ask("select 1");
    CHECK(tags(next) == "TDCZ");
  });
  CHECK(test.heard_before.empty());
  CHECK(test.server.heard() == std::vector<std::string>{"Q:delete from t", "Q:select 1"});
  CHECK(test.people.asked.at(0).text == "delete from t");
  CHECK(test.people.asked.at(0).digest == crypto::sha256(as_bytes("delete from t")));
  CHECK(test.session.count_records("approval_requested") == 1);
}

TEST_CASE("a statement that is rejected is an error of the server's, and the session goes on") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.later(ApprovalState::rejected);
    const auto said = co_await program.ask("delete from t");
    CHECK(tags(said) == "NEZ");
    CHECK(field(said[1], 'C') == "OH002");
    CHECK_THAT(field(said[1], 'M'), Catch::Matchers::ContainsSubstring("not today"));
    CHECK_THAT(field(said[1], 'D'),
               Catch::Matchers::ContainsSubstring("code=approval_rejected rule=deleting"));
    const auto next = co_await program.ask("select 1");
    CHECK(tags(next) == "TDCZ");
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:hoopctl refused", "Q:select 1"});
}

TEST_CASE("a statement that nobody decides in time says how it is taken up again") {
  Waiting test(std::chrono::seconds(0));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("delete from t");
    CHECK(tags(said).back() == 'Z');
    const Said& error = first(said, 'E');
    CHECK(field(error, 'C') == "OH001");
    CHECK_THAT(field(error, 'H'), Catch::Matchers::ContainsSubstring("hoopctl resume apr_1"));
    CHECK_THAT(field(error, 'D'), Catch::Matchers::ContainsSubstring("request=apr_1"));
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:hoopctl refused"});
  CHECK(test.session.engine().gate().totals().pending.size() == 1);
}

TEST_CASE("what a program no longer waits for does not run, whoever approves it then") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(query("delete from t"));
    const Said notice = co_await program.read_one();
    CHECK(notice.tag == 'N');
    program.close();
    co_await test::pause(std::chrono::milliseconds(30));
    test.people.say(ApprovalState::approved);
    co_await test::pause(std::chrono::milliseconds(30));
  });
  // The poison may have been sent, or nothing at all.
  for (const std::string& heard : test.server.heard()) CHECK(heard == "Q:hoopctl refused");
  CHECK(test.people.spends == 0);
  CHECK(test.session.count_records("was not waited for") == 1);
}

TEST_CASE("what a program sends while it waits comes after") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.later(ApprovalState::approved);
    co_await program.send(query("delete from t"));
    const Said notice = co_await program.read_one();
    CHECK(notice.tag == 'N');
    co_await program.send(query("select 1"));
    const auto said = co_await program.read(2);
    CHECK(tags(said) == "CZTDCZ");
    const auto next = co_await program.ask("select 1");
    CHECK(tags(next) == "TDCZ");
  });
  CHECK(test.server.heard() ==
        std::vector<std::string>{"Q:delete from t", "Q:select 1", "Q:select 1"});
}

TEST_CASE("a cancel ends the wait, and reaches nothing at the target") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(query("delete from t"));
    const Said notice = co_await program.read_one();
    CHECK(notice.tag == 'N');
    session::Opening cancel;
    cancel.kind = session::Opening::Kind::cancel;
    cancel.cancel_key = to_bytes(first(test.greeting, 'K').body);
    const net::StreamPtr beside = test.session.open(std::move(cancel));
    const auto said = co_await program.read();
    CHECK(tags(said) == "EZ");
    CHECK(field(said[0], 'C') == "OH001");
  });
  CHECK(test.server.cancels() == 0);
}

TEST_CASE("a session that ends does not wait for approvers") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(query("delete from t"));
    static_cast<void>(co_await program.read_one());
    test.session.engine().end_all("access was revoked");
    const auto said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "57P01");
  });
  CHECK(test.people.spends == 0);
}

TEST_CASE("a statement with values asks when they are bound, and for these") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.later(ApprovalState::approved);
    co_await program.send(bound("17", "PBES"));
    const auto said = co_await program.read();
    CHECK(tags(said).find("C") != std::string::npos);
    CHECK(tags(said).find("E") == std::string::npos);
    // The same statement with another value is another request; so is the same again.
    test.people.approval = {"apr_2", ApprovalState::pending, {}, {}, {}};
    test.later(ApprovalState::rejected);
    co_await program.send(bound("18", "BES"));
    const auto second = co_await program.read();
    CHECK(field(first(second, 'E'), 'C') == "OH002");
  });
  REQUIRE(test.people.asked.size() == 2);
  CHECK(test.people.asked[0].text == "delete from t where id = $1\n-- $1 = '17'");
  CHECK(test.people.asked[1].text == "delete from t where id = $1\n-- $1 = '18'");
  CHECK(test.people.asked[0].digest != test.people.asked[1].digest);
  // Parsed at once, since that runs nothing; bound only then.
  CHECK(test.heard_before.front() == "P:delete from t where id = $1");
}

TEST_CASE("what was bound by an approval is executed once") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.people.say(ApprovalState::approved);
    co_await program.send(bound("17", "PBEES"));
    const auto said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "42501");
    CHECK_THAT(field(first(said, 'E'), 'M'), Catch::Matchers::ContainsSubstring("one execution"));
  });
  CHECK(test.people.spends == 1);
  std::size_t executed = 0;
  for (const std::string& heard : test.server.heard())
    executed += heard.starts_with("E:") ? 1U : 0U;
  CHECK(executed == 1);
}

TEST_CASE("an execution of what was prepared before policy asked waits for nobody and is refused") {
  Waiting test;
  test.judge_by(allow_all());
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(bound("17", "PS"));
    static_cast<void>(co_await program.read());
    test.judge_by(deleting_asks());
    test.later(ApprovalState::rejected);
    co_await program.send(bound("17", "BES"));
    const auto said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "OH002");
  });
  CHECK(test.people.asked.size() == 1);
}

TEST_CASE("SQL cannot prepare what needs an approval: it would run as often as one likes") {
  Waiting test;
  test.people.say(ApprovalState::approved);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("prepare p as delete from t");
    CHECK(field(first(said, 'E'), 'C') == "42501");
  });
  CHECK(test.people.asked.empty());
}

TEST_CASE("SQL does not execute what the protocol has prepared and only approvals let run") {
  Waiting test;
  test.server.on("execute x", {}, done("DELETE 1"));
  test.server.on("execute y", {}, done("DELETE 1"));
  test.people.say(ApprovalState::approved);
  test.run([&](Program& program) -> asio::awaitable<void> {
    Bytes parse;
    append_parse(parse, "x", "delete from t");
    append_sync(parse);
    co_await program.send(parse);
    const auto parsed = co_await program.read();
    CHECK(tags(parsed) == "1Z");
    for (const char* sql : {"execute x", "explain analyze execute x"}) {
      const auto said = co_await program.ask(sql);
      CHECK(field(first(said, 'E'), 'C') == "42501");
    }
    // In one pipeline, where the Parse is not answered yet, and by a statement that was prepared
    // before it.
    Bytes pipeline;
    append_parse(pipeline, "u", "execute y");
    append_parse(pipeline, "y", "delete from t");
    append_bind(pipeline, "", "u", {}, {}, {});
    append_execute(pipeline, "");
    append_sync(pipeline);
    co_await program.send(pipeline);
    const auto piped = co_await program.read();
    CHECK(field(first(piped, 'E'), 'C') == "42501");
  });
  for (const std::string& heard : test.server.heard()) CHECK(heard != "Q:execute x");
  for (const std::string& heard : test.server.heard()) CHECK_FALSE(heard.starts_with("E:"));
  CHECK(test.people.asked.empty());
}

TEST_CASE("the types of values are part of what is approved") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    for (const Oid type : {Oid{23}, Oid{25}}) {
      test.people.approval = {"apr_1", ApprovalState::rejected, "bob", {}, {}};
      Bytes bytes;
      append_parse(bytes, "", "delete from t where id = $1", std::span(&type, 1));
      const std::array<Value, 1> values{as_bytes("7")};
      append_bind(bytes, "", "", {}, values, {});
      append_sync(bytes);
      co_await program.send(bytes);
      static_cast<void>(co_await program.read());
    }
  });
  REQUIRE(test.people.asked.size() == 2);
  CHECK(test.people.asked[0].digest != test.people.asked[1].digest);
  CHECK_THAT(test.people.asked[1].text, Catch::Matchers::ContainsSubstring("(type 25) '7'"));
}

TEST_CASE("several statements that need an approval do not come in one string") {
  Waiting test;
  test.people.say(ApprovalState::approved);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("delete from t; delete from t");
    CHECK_THAT(field(first(said, 'E'), 'M'), Catch::Matchers::ContainsSubstring("one string"));
  });
  CHECK(test.people.spends == 0);
}

TEST_CASE("a program that sends on and on is not waited for") {
  Waiting test;
  test.run([&](Program& program) -> asio::awaitable<void> {
    Bytes flood = query("delete from t");
    for (int i = 0; i < 6000; ++i) append_query(flood, "select 1");
    co_await program.send(std::move(flood));
    const auto said = co_await program.read();
    CHECK(said.back().tag == 'Z');
    CHECK_THAT(field(first(said, 'E'), 'M'), Catch::Matchers::ContainsSubstring("wait"));
    program.close();
    test.people.say(ApprovalState::approved);
    co_await test::pause(std::chrono::milliseconds(30));
  });
  CHECK(test.people.spends == 0);
}
