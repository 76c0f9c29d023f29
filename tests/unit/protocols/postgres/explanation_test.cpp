// SPDX-License-Identifier: Apache-2.0
// A connection that was opened for explanations, with a scripted target that must hear nothing.
#include "protocols/postgres/explanation.h"

#include "tests/unit/protocols/postgres/session_harness.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;
using Catch::Matchers::ContainsSubstring;

namespace {

access::PolicyDocument forbids_drop() {
  access::PolicyDocument document = allow_all();
  access::Rule rule;
  rule.name = "no-drop";
  rule.when = {{"verb", {"drop"}}};
  rule.effect = access::Effect::deny;
  rule.message = "tables stay";
  document.rules.push_back(rule);
  return document;
}

struct Explained {
  Explained()
      : server(context, {}),
        session(context, scripted_settings(forbids_drop()),
                std::make_unique<ScriptDialer>(context, server.script())) {}
  /// What is read after the greeting, up to the ReadyForQuery or the end that follows bytes.
  std::vector<Said> send(Bytes bytes) {
    std::vector<Said> said;
    session::Opening opening;
    opening.parameters = {{std::string(kExplainParameter), "on"}};
    Program program(session.open(std::move(opening)));
    const auto work = [&]() -> asio::awaitable<bool> {
      static_cast<void>(co_await program.read());
      co_await program.send(std::move(bytes));
      said = co_await program.read();
      program.close();
      co_return true;
    };
    REQUIRE(test::run(context, work()));
    return said;
  }
  asio::io_context context;
  FakeServer server;
  SessionUnderTest session;
};

Bytes query(std::string_view text) {
  Bytes out;
  append_query(out, text);
  return out;
}

}  // namespace

TEST_CASE("explanation: each statement of a string is judged, noted, and not sent") {
  Explained under;
  const auto said = under.send(query("select 1; drop table customers"));
  CHECK(tags(said) == "TDDCZ");
  CHECK_THAT(values(said.at(1)).at(0),
             ContainsSubstring(R"("verb":"select")") && ContainsSubstring(R"("effect":"allow")"));
  CHECK_THAT(values(said.at(2)).at(0), ContainsSubstring(R"("effect":"deny","rule":"no-drop")") &&
                                           ContainsSubstring(R"("message":"tables stay")"));
  CHECK(under.server.heard().empty());
  CHECK(under.session.count_records(R"("event":"explained")") == 2);
  CHECK(under.session.count_records("action ") == 0);
  CHECK(under.session.engine().gate().totals().denied == 0);
}

TEST_CASE("explanation: any other message ends the connection, and nothing of it is sent") {
  Explained under;
  Bytes parse;
  append_parse(parse, "", "select 1");
  append_sync(parse);
  const auto said = under.send(parse);
  CHECK(tags(said) == "E");
  CHECK_THAT(field(first(said, 'E'), 'M'), ContainsSubstring("cannot be explained"));
  CHECK(under.server.heard().empty());
}

TEST_CASE("explanation: blanks and comments are no statement") {
  Explained under;
  CHECK(tags(under.send(query("-- nothing"))) == "TCZ");
}
