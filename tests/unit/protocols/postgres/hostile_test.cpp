// SPDX-License-Identifier: Apache-2.0
// Targets and programs that mean harm, or have lost their way: each must end, or be answered, and
// nothing that masks hide may come through on the way.
#include "tests/unit/protocols/postgres/scripted_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

Bytes message(char tag, std::string_view body) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(static_cast<std::uint8_t>(tag));
  writer.u32(static_cast<std::uint32_t>(body.size() + 4));
  writer.text(body);
  return out;
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

Bytes one_row(std::initializer_list<std::string_view> texts) {
  Bytes out;
  add_row(out, texts);
  return out;
}

Bytes complete(std::string_view tag) {
  Bytes out;
  append_command_complete(out, tag);
  return out;
}

Bytes notice(std::string_view words) {
  Bytes out;
  append_notice_response(out, {Severity::notice, "00000", std::string(words), {}, {}});
  return out;
}

using namespace std::string_view_literals;

}  // namespace

TEST_CASE("a target that lies ends the connection, and what it sent stays hidden") {
  struct Lie {
    const char* name;
    Bytes sent;
  };
  const Bytes a = described({text_column("a")});
  const Bytes ab = described({text_column("a"), text_column("b")});
  FieldDescription number = text_column("a");
  number.type = 23;
  const Bytes as_number = described({number});
  const Lie lies[] = {
      {"a status that does not exist", joined({a, complete("SELECT 0"), message('Z', "X")})},
      {"a status of two bytes", joined({a, complete("SELECT 0"), message('Z', "II")})},
      {"a completion without an end", joined({a, message('C', "SELECT 1")})},
      {"a completion with a tail", joined({a, message('C', "SELECT 1\0x"sv)})},
      {"a row of a negative number of fields", joined({a, message('D', "\xff\xff"sv)})},
      {"a row of 32767 fields and none there", joined({a, message('D', "\x7f\xff"sv)})},
      {"a field of length -2", joined({a, message('D', "\0\1\xff\xff\xff\xfe"sv)})},
      {"a field of two gigabytes", joined({a, message('D', "\0\1\x7f\xff\xff\xff"sv)})},
      {"bytes behind the last field", joined({a, message('D', "\0\1\0\0\0\1xyz"sv)})},
      {"an empty row message", joined({a, message('D', "")})},
      {"a description of more fields than there are", message('T', "\0\3a\0"sv)},
      {"a description of a negative number", message('T', "\xff\xff"sv)},
      {"a description that ends within a field", message('T', "\0\1a\0\0\0\0\1"sv)},
      {"two descriptions of one result, the second harmless",
       joined({a, one_row({"x"}), as_number, one_row({kCardNumber}), complete("SELECT 2")})},
      {"two descriptions before the first row", joined({a, as_number, one_row({kCardNumber})})},
      {"a wider description after rows",
       joined({a, one_row({"x"}), ab, one_row({"y", kCardNumber})})},
      {"a row behind the completion", joined({a, complete("SELECT 0"), one_row({kCardNumber})})},
      {"a second result that was not asked for",
       joined({a, complete("SELECT 0"), a, one_row({kCardNumber}), complete("SELECT 1")})},
      {"a portal that is suspended in a simple query", joined({a, message('s', "")})},
      {"no data where rows were asked for", message('n', "")},
      {"descriptions of parameters", message('t', "\0\0"sv)},
      {"data is asked for in the middle of a SELECT", message('G', "\0\0\0"sv)},
      {"replication", message('W', "\0\0\0"sv)},
      {"the end of a copy that never began", message('c', "")},
      {"the answer of a function call", message('V', "\xff\xff\xff\xff"sv)},
      {"another login", message('R', "\0\0\0\0"sv)},
      {"a question for the password", message('R', "\0\0\0\3"sv)},
      {"another key", message('K', "\0\0\0\1\0\0\0\2"sv)},
      {"another version", message('v', "\0\3\0\0\0\0\0\0"sv)},
      {"another encoding", message('S', "client_encoding\0LATIN1\0"sv)},
      {"a setting without a value", message('S', "TimeZone\0"sv)},
      {"a notice whose fields do not end", message('N', "SERROR\0Moops"sv)},
      {"a notice without a body", message('N', "")},
      {"an error without fields", message('E', "")},
      {"an error whose fields do not end", message('E', "SERROR"sv)},
      {"a notification cut short", message('A', "\0\0"sv)},
      {"an unknown message", message('?', "x")},
      {"a message of tag zero", message('\0', "x")},
      {"a length below its own size", Bytes{'D', 0, 0, 0, 3}},
      {"a negative length", Bytes{'D', 0xFF, 0xFF, 0xFF, 0xFF}},
      {"a notice of two gigabytes", Bytes{'N', 0x7F, 0xFF, 0xFF, 0xFF}},
      {"a row of a gigabyte with a card in it",
       joined({a, Bytes{'D', 0x40, 0, 0, 0, 0, 1, 0x3F, 0, 0, 0}, to_bytes(kCardNumber)})},
      {"a row of a gigabyte with more columns than were described, none of which is scanned",
       joined({as_number, Bytes{'D', 0x40, 0, 0, 0, 0, 2, 0, 0, 0, 1, '1', 0x3F, 0, 0, 0},
               to_bytes(kCardNumber)})},
      {"a gigabyte of COPY data that nobody asked for",
       joined({a, Bytes{'d', 0x40, 0, 0, 0}, to_bytes(kCardNumber)})},
      {"another protocol", to_bytes("HTTP/1.1 200 OK\r\n\r\n4111 1111 1111 1111")},
  };
  for (const Lie& lie : lies) {
    INFO(lie.name);
    Scripted test(allow_all({detector_mask()}));
    test.server.on("select a from t", {}, lie.sent);
    test.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask("select a from t");
      REQUIRE_FALSE(said.empty());
      CHECK(said.back().tag == 'E');
      CHECK(field(said.back(), 'S') == "FATAL");
      for (const Said& one : said) CHECK(one.body.find(kCardNumber) == std::string::npos);
      const Said last = co_await program.read_one();
      CHECK(last.tag == 0);
    });
    CHECK(test.session.count_records(kCardNumber) == 0);
  }
}

TEST_CASE("a target that lies in a pipeline ends the connection") {
  struct Lie {
    const char* name;
    Bytes sent;
  };
  Bytes parsed;
  append_parse_complete(parsed);
  const Bytes bound = message('2', "");
  const Bytes a = described({text_column("a")});
  const Lie lies[] = {
      {"Bind is answered before Parse", bound},
      {"a row before the description", joined({parsed, bound, one_row({kCardNumber})})},
      {"Parse is answered twice", joined({parsed, parsed})},
      {"the description is left out", joined({parsed, bound, complete("SELECT 0")})},
      {"a description comes again after rows",
       joined({parsed, bound, a, one_row({"x"}), a, one_row({kCardNumber})})},
      {"a row after the end",
       joined({parsed, bound, a, complete("SELECT 0"), one_row({kCardNumber})})},
      {"Close is answered, which nobody asked for", joined({parsed, message('3', "")})},
  };
  for (const Lie& lie : lies) {
    INFO(lie.name);
    Scripted test(allow_all({detector_mask()}));
    // The script answers Parse by nothing and Execute by all.
    test.server.raw = lie.sent;
    test.run([&](Program& program) -> asio::awaitable<void> {
      co_await program.send(extended("select a from t", "PBDES"));
      const auto said = co_await program.read();
      REQUIRE_FALSE(said.empty());
      CHECK(said.back().tag == 'E');
      CHECK(field(said.back(), 'S') == "FATAL");
      for (const Said& one : said) CHECK(one.body.find(kCardNumber) == std::string::npos);
    });
  }
}

TEST_CASE("a target that hangs up in the middle of a message is an error to the program") {
  Bytes row = one_row({"abcdef"});
  for (std::size_t cut = 0; cut < row.size(); ++cut) {
    Scripted test(allow_all({detector_mask()}));
    test.server.hang_up = true;
    test.server.on("select a from t", described({text_column("a")}),
                   Bytes(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(cut)));
    test.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask("select a from t");
      REQUIRE_FALSE(said.empty());
      CHECK(said.back().tag == 'E');
      CHECK(field(said.back(), 'C') == "08006");
    });
    CHECK(test.session.count_records("\"status\":\"cut off\"") == 1);
  }
}

TEST_CASE("what a lost connection left unanswered ends in the log, with the rows that went out") {
  Scripted test(allow_all());
  SECTION("the target hangs up between two statements") {
    test.server.hang_up = true;
    test.server.on("select a from t; select b from t", described({text_column("a")}),
                   joined({one_row({"abcdef"}), complete("SELECT 1")}));
    test.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask("select a from t; select b from t");
      REQUIRE_FALSE(said.empty());
      CHECK(field(said.back(), 'C') == "08006");
    });
    CHECK(test.session.count_records("\"status\":\"SELECT 1\"") == 1);
    CHECK(test.session.count_records("\"status\":\"unanswered\"") == 1);
  }
  SECTION("the target hangs up behind some rows") {
    test.server.hang_up = true;
    test.server.on("select a from t", described({text_column("a")}),
                   joined({one_row({"abcdef"}), one_row({"abcdef"}), one_row({"abcdef"})}));
    test.run([&](Program& program) -> asio::awaitable<void> {
      const auto said = co_await program.ask("select a from t");
      REQUIRE_FALSE(said.empty());
    });
    CHECK(test.session.count_records("\"rows\":3,\"bytes\":51") == 1);
    CHECK(test.session.count_records("\"status\":\"cut off\"") == 1);
  }
}

TEST_CASE("a target that sends notices without end fills no memory and can be left") {
  Scripted test(allow_all({detector_mask()}));
  Bytes many;
  const Bytes one = notice("the card is " + std::string(kCardNumber));
  while (many.size() < (8U << 20)) many.insert(many.end(), one.begin(), one.end());
  const std::size_t sent = many.size() / one.size();
  test.server.on("select a from t", described({text_column("a")}),
                 joined({many, complete("SELECT 0")}));
  test.run([&](Program& program) -> asio::awaitable<void> {
    const auto said = co_await program.ask("select a from t");
    std::size_t notices = 0;
    for (const Said& each : said) {
      notices += each.tag == 'N' ? 1U : 0U;
      CHECK(each.body.find(kCardNumber) == std::string::npos);
    }
    CHECK(notices == sent);
  });
}

TEST_CASE("a program that breaks the protocol is told so and gets nothing more") {
  struct Lie {
    const char* name;
    Bytes sent;
  };
  const Lie lies[] = {
      {"a Query without an end", message('Q', "select 1")},
      {"a Query with a tail", message('Q', "select 1\0x"sv)},
      {"an empty Query message", message('Q', "")},
      {"a Parse without its types", message('P', "\0select 1\0"sv)},
      {"a Parse of a negative number of types", message('P', "\0select 1\0\xff\xff"sv)},
      {"a Bind of more formats than there are", message('B', "\0\0\0\5\0\1"sv)},
      {"a Bind of 65535 parameters", message('B', "\0\0\0\0\xff\xff"sv)},
      {"a Bind whose parameter is longer than it", message('B', "\0\0\0\0\0\1\0\0\0\x9x\0\0"sv)},
      {"a Bind with a parameter of length -2", message('B', "\0\0\0\0\0\1\xff\xff\xff\xfe\0\0"sv)},
      {"a Describe of something else", message('D', "X\0"sv)},
      {"a Close without a name", message('C', "S")},
      {"an Execute without a row count", message('E', "\0"sv)},
      {"a password after the login", message('p', "secret\0"sv)},
      {"a message of the server's", message('T', "\0\0"sv)},
      {"an unknown message", message('!', "")},
      {"a length below its own size", Bytes{'Q', 0, 0, 0, 3}},
      {"a negative length", Bytes{'Q', 0xFF, 0xFF, 0xFF, 0xFF}},
      {"a length above what is held", Bytes{'Q', 0x40, 0, 0, 0}},
      {"COPY data above what is held", Bytes{'d', 0x40, 0, 0, 0}},
      {"another protocol", to_bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")},
      {"TLS", Bytes{0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3}},
  };
  for (const Lie& lie : lies) {
    INFO(lie.name);
    Scripted test(allow_all({detector_mask()}));
    test.run([&](Program& program) -> asio::awaitable<void> {
      co_await program.send(lie.sent);
      const auto said = co_await program.read();
      REQUIRE_FALSE(said.empty());
      CHECK(said.back().tag == 'E');
      CHECK(field(said.back(), 'S') == "FATAL");
    });
    CHECK(test.server.heard().empty());
  }
}

TEST_CASE("a program that uses what is not there is answered as the server would, and goes on") {
  struct Odd {
    const char* name;
    Bytes sent;
    const char* code;
  };
  Bytes bind_unknown;
  append_bind(bind_unknown, "", "nowhere", {}, {}, {});
  Bytes describe_unknown;
  append_describe(describe_unknown, Named::statement, "nowhere");
  Bytes execute_unknown;
  append_execute(execute_unknown, "nowhere");
  const Odd odd[] = {
      {"a statement that nobody prepared", bind_unknown, "26000"},
      {"a description of nothing", describe_unknown, "26000"},
      {"a portal that nobody bound", execute_unknown, "34000"},
  };
  for (const Odd& one : odd) {
    INFO(one.name);
    Scripted test(allow_all({detector_mask()}));
    test.server.on("select a from t", described({text_column("a")}), rows_of({"x"}));
    test.run([&](Program& program) -> asio::awaitable<void> {
      Bytes sent = one.sent;
      append_sync(sent);
      co_await program.send(std::move(sent));
      const auto refused = co_await program.read();
      REQUIRE_FALSE(refused.empty());
      CHECK(field(refused.front(), 'C') == one.code);
      const auto said = co_await program.ask("select a from t");
      CHECK(tags(said) == "TDCZ");
    });
  }
}
