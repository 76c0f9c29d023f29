// SPDX-License-Identifier: Apache-2.0
// What a program sees through the handler when the target is scripted: refusals, masking, limits,
// and a target that lies.
#include "protocols/postgres/handler.h"

#include "tests/unit/protocols/postgres/scripted_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

access::PolicyDocument no_drop(std::vector<access::Mask> masks = {}) {
  access::PolicyDocument document = allow_all(std::move(masks));
  access::Rule rule;
  rule.name = "no-drop";
  rule.when = {{"verb", {"drop"}}};
  rule.effect = access::Effect::deny;
  rule.message = "tables stay";
  rule.hint = "ask the owner";
  document.rules.push_back(rule);
  return document;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace

TEST_CASE("handler greets with the target's settings and a cancel key of its own") {
  Scripted test(allow_all());
  test.run([&](Program&) -> asio::awaitable<void> { co_return; });
  CHECK(tags(test.greeting) == "SSSSKZ");
  CHECK(first(test.greeting, 'K').body.size() == 8);
  CHECK(first(test.greeting, 'K').body.find("key!") == std::string::npos);
}

TEST_CASE("handler passes an allowed statement and its rows as they are") {
  Scripted test(allow_all());
  test.server.on("select name from t", described({text_column("name")}), rows_of({"ann", "bob"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("select name from t");
    CHECK(tags(said) == "TDDCZ");
    CHECK(values(said[1]) == std::vector<std::string>{"ann"});
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:select name from t"});
  CHECK(test.session.engine().gate().totals().rows == 2);
}

TEST_CASE("handler answers a refused statement in the server's words and the session goes on") {
  Scripted test(no_drop());
  test.server.on("select 1", described({text_column("x")}), rows_of({"1"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto refused = co_await program.ask("drop table orders");
    CHECK(tags(refused) == "EZ");
    CHECK(field(refused[0], 'C') == "42501");
    CHECK(field(refused[0], 'S') == "ERROR");
    CHECK(field(refused[0], 'M') == "tables stay");
    CHECK(field(refused[0], 'H') == "ask the owner");
    CHECK_THAT(field(refused[0], 'D'),
               Catch::Matchers::ContainsSubstring("code=policy_denied rule=no-drop"));
    const auto answer1 = co_await program.ask("select 1");
    CHECK(tags(answer1) == "TDCZ");
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:hoopctl refused", "Q:select 1"});
  CHECK(test.session.engine().gate().totals().denied == 1);
}

TEST_CASE("handler forwards nothing of a string of which one statement is refused") {
  Scripted test(no_drop());
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto answer2 = co_await program.ask("select 1; drop table orders; select 2");
    CHECK(tags(answer2) == "EZ");
    const auto answer3 = co_await program.ask("select 'unterminated");
    CHECK(tags(answer3) == "EZ");
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:hoopctl refused", "Q:hoopctl refused"});
}

TEST_CASE("handler sends no comment and no empty text") {
  Scripted test(allow_all());
  Bytes empty;
  append_empty_query_response(empty);
  test.server.on("", {}, empty);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto answer4 = co_await program.ask("-- 4111 1111 1111 1111");
    CHECK(tags(answer4) == "IZ");
  });
  CHECK(test.server.heard() == std::vector<std::string>{"Q:"});
}

TEST_CASE("handler poisons a refused Parse in a pipeline and sends nothing more until Sync") {
  Scripted test(no_drop());
  test.server.on("insert into t values (1)", {}, [] {
    Bytes out;
    append_command_complete(out, "INSERT 0 1");
    return out;
  }());
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(extended("insert into t values (1)", "PBE") +
                          extended("drop table t", "PBES"));
    const auto said = co_await program.read();
    CHECK(tags(said) == "12CEZ");
    CHECK(field(first(said, 'E'), 'M') == "tables stay");
    co_await program.send(extended("insert into t values (1)", "PBES"));
    const auto answer5 = co_await program.read();
    CHECK(tags(answer5) == "12CZ");
  });
  const std::vector<std::string> heard{"P:insert into t values (1)",
                                       "B:", "E:", "P:hoopctl refused", "S:"};
  CHECK(std::vector(test.server.heard().begin(), test.server.heard().begin() + 5) == heard);
}

TEST_CASE(
    "handler answers an unknown portal or statement itself, so that no cursor is read unjudged") {
  Scripted test(allow_all());
  test.run([&](Program& program) -> asio::awaitable<void> {
    Bytes bytes;
    append_execute(bytes, "cursor_of_sql");
    append_sync(bytes);
    co_await program.send(bytes);
    auto said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "34000");
    bytes.clear();
    append_bind(bytes, "", "nobody", {}, {}, {});
    append_sync(bytes);
    co_await program.send(bytes);
    said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "26000");
  });
  CHECK(test.server.heard() ==
        std::vector<std::string>{"P:hoopctl refused", "S:", "P:hoopctl refused", "S:"});
}

TEST_CASE("handler masks rows that the program never asked to be described") {
  Scripted test(allow_all({detector_mask("payment_card")}));
  test.server.on("select card from t", described({text_column("card")}),
                 rows_of({kCardNumber, "none"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(extended("select card from t", "PBES"));
    const auto said = co_await program.read();
    CHECK(tags(said) == "12DDCZ");
    CHECK(values(said[2]) == std::vector<std::string>{"[redacted]"});
    CHECK(values(said[3]) == std::vector<std::string>{"none"});
  });
  CHECK(test.server.heard().at(2) == "D:P");
  CHECK(test.session.engine().gate().totals().masked_values == 1);
}

TEST_CASE("handler asks for no description twice") {
  Scripted test(allow_all({detector_mask()}));
  test.server.on("select card from t", described({text_column("card")}), rows_of({kCardNumber}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(extended("select card from t", "PBDES"));
    const auto answer6 = co_await program.read();
    CHECK(tags(answer6) == "12TDCZ");
  });
  CHECK(test.server.heard().size() == 5);
}

TEST_CASE("handler gives the same answer at every split of the target's bytes") {
  const auto answer_with = [](std::size_t write_size) {
    Scripted test(allow_all({detector_mask()}), {write_size});
    test.server.on("select card from t", described({text_column("card")}),
                   rows_of({kCardNumber, "x", kCardNumber}));
    std::vector<Said> said;
    test.run([&](Program& program) -> asio::awaitable<void> {
      said = co_await program.ask("select card from t");
    });
    return said;
  };
  const auto whole = answer_with(0);
  CHECK(tags(whole) == "TDDDCZ");
  for (std::size_t size = 1; size < 120; ++size) {
    INFO("write size " << size);
    CHECK(answer_with(size) == whole);
  }
}

TEST_CASE("handler takes a program's bytes at every split") {
  const Bytes bytes = extended("select card from t", "PBDES");
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    Scripted test(allow_all({detector_mask()}));
    test.server.on("select card from t", described({text_column("card")}), rows_of({kCardNumber}));
    test.run([&](Program& program) -> asio::awaitable<void> {
      co_await program.send(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(at)));
      for (int i = 0; i < 5; ++i) {
        co_await asio::post(test.context, asio::use_awaitable);
      }
      co_await program.send(Bytes(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end()));
      INFO("split at " << at);
      const auto answer7 = co_await program.read();
      CHECK(tags(answer7) == "12TDCZ");
    });
  }
}

TEST_CASE("handler ends the connection when the target breaks the protocol") {
  struct Lie {
    std::string name;
    Bytes describes;
    Bytes rows;
  };
  Bytes undescribed;
  add_row(undescribed, {"4111111111111111"});
  Bytes two_fields;
  add_row(two_fields, {"a", "b"});
  Bytes unasked;
  append_parse_complete(unasked);
  Bytes copy_both{'W', 0, 0, 0, 7, 0, 0, 0};
  Bytes huge{'D', 0x7F, 0xFF, 0xFF, 0xFF};
  Bytes short_field{'D', 0, 0, 0, 12, 0, 1, 0, 0, 0, 99, 'x', 'y'};
  Bytes key;
  append_backend_key_data(key, 1, to_bytes("evil"));
  Bytes copy_out;
  append_copy_out_response(copy_out, Format::text, {});
  Bytes copy_data;
  append_copy_data(copy_data, as_bytes("secret\n"));
  Bytes twice = rows_of({"a"});
  append_command_complete(twice, "SELECT 1");
  Bytes settings;
  append_parameter_status(settings, "standard_conforming_strings", "off");
  const Bytes one_column = described({text_column("a")});
  const std::vector<Lie> lies{{"a row without a description", {}, undescribed},
                              {"a row with a field too many", one_column, two_fields},
                              {"a reply that nobody asked for", {}, unasked},
                              {"replication", {}, copy_both},
                              {"a length of two gigabytes", one_column, huge},
                              {"a field longer than its row", one_column, short_field},
                              {"a second key", {}, key},
                              {"a copy that was not asked for", {}, copy_out},
                              {"copy data without a copy", {}, copy_data},
                              {"two completions of one statement", one_column, twice},
                              {"backslashes with another meaning", {}, settings}};
  for (const Lie& lie : lies) {
    INFO(lie.name);
    Scripted test(allow_all({detector_mask()}));
    test.server.on("select a from t", lie.describes, lie.rows);
    test.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask("select a from t");
      REQUIRE_FALSE(said.empty());
      CHECK(said.back().tag == 'E');
      CHECK(field(said.back(), 'S') == "FATAL");
      for (const Said& one : said) {
        CHECK(one.body.find("4111111111111111") == std::string::npos);
        CHECK(one.body.find("secret") == std::string::npos);
      }
      const auto answer8 = co_await program.read_one();
      CHECK((answer8).tag == 0);
    });
  }
}

TEST_CASE("handler cleans notices, errors, notifications and column names") {
  Scripted test(allow_all({detector_mask("payment_card")}));
  const std::string told = "the card is " + std::string(kCardNumber);
  Bytes notice;
  append_notice_response(notice, Report{Severity::notice, "00000", told, told, told});
  append_notification_response(notice, 1, "channel", told);
  test.server.on("select 1", notice + described({text_column(told)}), rows_of({"x"}));
  Bytes error;
  append_error_response(error, Report{Severity::error, "23505", told, told, told});
  test.server.on("select 2", {}, error);
  test.run([&](Program& program) -> asio::awaitable<void> {
    auto said = co_await program.ask("select 1");
    CHECK(tags(said) == "NATDCZ");
    const auto refused = co_await program.ask("select 2");
    CHECK(tags(refused) == "EZ");
    CHECK(field(refused[0], 'C') == "23505");
    said.insert(said.end(), refused.begin(), refused.end());
    for (const Said& one : said) {
      CHECK(one.body.find("4111") == std::string::npos);
    }
  });
}

TEST_CASE("handler stops a SELECT at the row limit and tells the target to stop") {
  access::PolicyDocument policy = allow_all();
  policy.limits.rows_per_statement = 2;
  Scripted test(policy);
  test.server.on("select a from t", described({text_column("a")}), rows_of({"1", "2", "3", "4"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("select a from t");
    CHECK(tags(said) == "TDDEZ");
    CHECK(field(first(said, 'E'), 'C') == "54000");
  });
  CHECK(test.server.cancels() == 1);
  CHECK(test.session.engine().gate().totals().rows == 2);
}

TEST_CASE("handler counts a session's rows over all its statements") {
  access::PolicyDocument policy = allow_all();
  policy.limits.rows_per_session = 3;
  Scripted test(policy);
  test.server.on("select a from t", described({text_column("a")}), rows_of({"1", "2"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto answer9 = co_await program.ask("select a from t");
    CHECK(tags(answer9) == "TDDCZ");
    const auto answer10 = co_await program.ask("select a from t");
    CHECK(tags(answer10) == "TDEZ");
    const auto answer11 = co_await program.ask("select a from t");
    CHECK(tags(answer11) == "TEZ");
  });
}

TEST_CASE("handler withholds rows of a write above the limit and never calls it failed") {
  access::PolicyDocument policy = allow_all();
  policy.limits.rows_per_statement = 1;
  Scripted test(policy);
  Bytes rows;
  add_row(rows, {"1"});
  add_row(rows, {"2"});
  append_command_complete(rows, "INSERT 0 2");
  const std::string sql = "insert into t values (1), (2) returning a";
  test.server.on(sql, described({text_column("a")}), rows);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask(sql);
    CHECK(tags(said) == "TDNCZ");
    CHECK(field(first(said, 'N'), 'S') == "WARNING");
    CHECK(first(said, 'C').body == std::string("INSERT 0 2\0", 11));
  });
  CHECK(test.server.cancels() == 0);
}

TEST_CASE("handler does not call one of several statements failed when the others may have run") {
  access::PolicyDocument policy = allow_all();
  policy.limits.rows_per_statement = 1;
  Scripted test(policy);
  Bytes insert;
  append_command_complete(insert, "INSERT 0 1");
  Bytes both = insert;
  both = both + described({text_column("a")}) + rows_of({"1", "2"});
  test.server.on("insert into t values (1); select a from t", {}, both);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("insert into t values (1); select a from t");
    CHECK(field(said.back(), 'S') == "FATAL");
    CHECK(field(said.back(), 'C') == "54000");
  });
}

TEST_CASE("handler scans COPY rows, also those that come in pieces") {
  Scripted test(allow_all({detector_mask("payment_card")}));
  Bytes copy;
  append_copy_out_response(copy, Format::text, std::vector<Format>{Format::text});
  append_copy_data(copy, as_bytes("1\t4111 1111 1111 1111\n"));
  append_copy_data(copy, as_bytes("2\t4111 1111 "));
  append_copy_data(copy, as_bytes("1111 1111\n"));
  append_copy_data(copy, as_bytes("3\tplain\n"));
  append_copy_done(copy);
  append_command_complete(copy, "COPY 3");
  test.server.on("copy t to stdout", {}, copy);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("copy t to stdout");
    CHECK(tags(said) == "HdddcCZ");
    CHECK(said[1].body == "1\t[redacted]\n");
    CHECK(said[2].body == "2\t[redacted]\n");
    CHECK(said[3].body == "3\tplain\n");
  });
}

TEST_CASE("handler ends a binary COPY that is none, before anything of it has passed") {
  Scripted test(allow_all({detector_mask()}));
  Bytes copy;
  append_copy_out_response(copy, Format::binary, std::vector<Format>{Format::binary});
  append_copy_data(copy, as_bytes("PGCOPY 4111111111111111"));
  append_copy_done(copy);
  append_command_complete(copy, "COPY 1");
  test.server.on("copy t to stdout (format binary)", {}, copy);
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("copy t to stdout (format binary)");
    CHECK(tags(said).find('d') == std::string::npos);
    CHECK(field(first(said, 'E'), 'S') == "FATAL");
  });
}

TEST_CASE("handler refuses FunctionCall and goes on") {
  const Bytes call{'F', 0, 0, 0, 14, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0};
  Scripted test(allow_all());
  test.server.on("select 1", described({text_column("x")}), rows_of({"1"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(call);
    const auto said = co_await program.read();
    CHECK(tags(said) == "EZ");
    CHECK(field(said[0], 'C') == "42501");
    const auto answer12 = co_await program.ask("select 1");
    CHECK(tags(answer12) == "TDCZ");
  });
  CHECK(test.server.heard().front() == "Q:hoopctl refused");
}

TEST_CASE("handler ends a program that sends what is no message") {
  const std::vector<Bytes> bad{{'p', 0, 0, 0, 5, 0},
                               {'Q', 0, 0, 0, 3},
                               {'Q', 0x7F, 0xFF, 0xFF, 0xFF},
                               {'?', 0, 0, 0, 4},
                               {'Q', 0, 0, 0, 6, 'x', 'y'}};
  for (const Bytes& bytes : bad) {
    Scripted test(allow_all());
    test.run([&](Program& program) -> asio::awaitable<void> {
      co_await program.send(bytes);
      const auto said = co_await program.read();
      REQUIRE(tags(said) == "E");
      CHECK(field(said[0], 'S') == "FATAL");
    });
    CHECK(test.server.heard().empty());
  }
}

TEST_CASE("handler releases nothing that the log cannot hold") {
  Scripted test(allow_all());
  test.server.on("select 1", described({text_column("x")}), rows_of({"the row"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.session.log()->fails = true;
    const auto said = co_await program.ask("select 1");
    REQUIRE(tags(said) == "E");
    CHECK(field(said[0], 'C') == "58030");
  });
  CHECK(test.server.heard().empty());
}

TEST_CASE("handler records each action once, its reply and its end") {
  Scripted test(allow_all({detector_mask("payment_card")}));
  test.server.on("select card from t", described({text_column("card")}),
                 rows_of({kCardNumber, "b"}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    co_await program.send(extended("select card from t", "PBDES"));
    co_await program.read();
  });
  CHECK(test.session.count_records("2 {") == 1);
  CHECK(test.session.count_records("3 {") == 1);
  CHECK(test.session.count_records("SELECT 2") >= 1);
  CHECK(test.session.count_records("4111") == 0);
}

TEST_CASE("handler ends every connection with the reason") {
  Scripted test(allow_all());
  test.run([&](Program& program) -> asio::awaitable<void> {
    test.session.engine().end_all("the session was revoked");
    const auto said = co_await program.read();
    REQUIRE(tags(said) == "E");
    CHECK(field(said[0], 'C') == "57P01");
    CHECK_THAT(field(said[0], 'M'), Catch::Matchers::ContainsSubstring("revoked"));
    const auto answer13 = co_await program.read_one();
    CHECK((answer13).tag == 0);
  });
  REQUIRE(test.session.outcomes().size() == 1);
}

TEST_CASE("handler passes a cancel on only for a key that it gave out") {
  Scripted test(allow_all());
  test.run([&](Program&) -> asio::awaitable<void> {
    session::Opening cancel;
    cancel.kind = session::Opening::Kind::cancel;
    cancel.cancel_key = to_bytes("nonsense");
    Program stranger(test.session.open(cancel));
    const auto answer14 = co_await stranger.read_one();
    CHECK((answer14).tag == 0);
    CHECK(test.server.cancels() == 0);
    cancel.cancel_key = to_bytes(first(test.greeting, 'K').body);
    Program ours(test.session.open(cancel));
    const auto answer15 = co_await ours.read_one();
    CHECK((answer15).tag == 0);
    for (int i = 0; i < 20; ++i) {
      co_await asio::post(test.context, asio::use_awaitable);
    }
    CHECK(test.server.cancels() == 1);
  });
}

TEST_CASE("handler opens no database that the target does not offer") {
  Scripted test(allow_all());
  session::Opening opening;
  opening.parameters = {{"user", "hoop"}, {"database", "postgres"}};
  Program program(test.session.open(opening));
  const auto all = [&]() -> asio::awaitable<bool> {
    const auto said = co_await program.read();
    REQUIRE(tags(said) == "E");
    CHECK(field(said[0], 'C') == "3D000");
    CHECK(field(said[0], 'S') == "FATAL");
    co_return true;
  };
  CHECK(test::run(test.context, all()));
}

TEST_CASE("handler forgets what SQL gives another meaning") {
  Scripted test(allow_all());
  test.server.on("select 1", described({text_column("x")}), rows_of({"1"}));
  test.server.on("prepare p as select 2", {}, [] {
    Bytes out;
    append_command_complete(out, "PREPARE");
    return out;
  }());
  test.run([&](Program& program) -> asio::awaitable<void> {
    Bytes parse;
    append_parse(parse, "p", "select 1");
    append_sync(parse);
    co_await program.send(parse);
    const auto parsed = co_await program.read();
    CHECK(tags(parsed) == "1Z");
    const auto prepared = co_await program.ask("prepare p as select 2");
    CHECK(tags(prepared) == "CZ");
    // It would run as "select 1" here, and be another statement at the target.
    Bytes bind;
    append_bind(bind, "", "p", {}, {}, {});
    append_execute(bind, "");
    append_sync(bind);
    co_await program.send(bind);
    const auto said = co_await program.read();
    CHECK(field(first(said, 'E'), 'C') == "26000");
  });
}
