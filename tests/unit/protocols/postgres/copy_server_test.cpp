// SPDX-License-Identifier: Apache-2.0
// COPY … TO STDOUT of a real PostgreSQL: what its options do to the rows must neither hide a value
// from the detectors nor change what they leave alone.
#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "protocols/postgres/copy_text.h"
#include "tests/support/sql_catalog.h"
#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

/// Options that move the ends of fields, or write bytes of values otherwise.
constexpr const char* kOptions[] = {
    "",
    "(delimiter '@')",
    "(delimiter 'A')",
    "(delimiter '-', null 'x\\')",
    "(null '')",
    "(null 'N', header)",
    "delimiter ' ' null 'none'",
    "(format csv)",
    "(format csv, header, force_quote *)",
    "(format csv, quote '@')",
    "(format csv, escape '@')",
    "(format csv, quote '4', escape '1')",
    "(format csv, quote 4, delimiter 1)",
    "(format csv, delimiter '@', null 'zz')",
    "(format csv, delimiter E'\\t', quote '''', escape '\\', encoding 'utf-8')",
    "(format csv, delimiter ';', escape ';')",
    "csv quote 'm' null '\\N'",
};

constexpr const char* kSecretKey = "AKIAIOSFODNN7EXAMPLQ";

std::string copy_of(const std::string& query, const char* options) {
  return fmt::format("copy ({}) to stdout {}", query, options);
}

CopyText format_of(const std::string& statement) {
  const NameContext names{unmasked_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  std::vector<Statement> judged;
  process::run_on_deep_stack([&] {
    judged = classify(statement, names);
    return 0;
  });
  REQUIRE(judged.size() == 1);
  INFO((judged[0].refusal ? judged[0].refusal->message : "allowed"));
  REQUIRE_FALSE(judged[0].refusal);
  REQUIRE(judged[0].copy_text);
  return *judged[0].copy_text;
}

void reads_and_writes_as_the_server(const char* options) {
  INFO(options);
  // Each pair, so that what stands beside a value matters too; NULL is among them.
  const std::string query = "select a.v, b.v from shapes a, shapes b order by a.n, b.n";
  const std::string statement = copy_of(query, options);
  const CopyText format = format_of(statement);
  const std::string rows = server().sql(statement, "demo") + "\n";
  const bool header = std::string_view(options).find("header") != std::string_view::npos;
  std::vector<std::optional<std::string>> shapes;
  const std::size_t count = std::stoul(server().sql("select count(*) from shapes", "demo"));
  for (std::size_t i = 0; i < count; ++i) {
    const auto hex = server().sql(
        fmt::format("select coalesce(encode(convert_to(v, 'UTF8'), 'hex'), 'null') from shapes "
                    "where n = {}",
                    i),
        "demo");
    if (hex == "null") {
      shapes.emplace_back();
    } else {
      const auto bytes = from_hex(hex);
      REQUIRE(bytes);
      shapes.emplace_back(to_text(*bytes));
    }
  }
  CopyFields fields(format);
  const auto values = fields.split(rows);
  const std::size_t before = header ? 2 : 0;
  REQUIRE(values.size() == before + 2 * count * count);
  std::vector<std::optional<std::string>> rewritten(values.size());
  for (std::size_t i = 0; i < values.size() - before; ++i) {
    const auto& shape = shapes[i % 2 == 0 ? i / 2 / count : i / 2 % count];
    INFO(i);
    CHECK(values[before + i] == shape.value_or(format.null));
    if (shape) rewritten[before + i] = *shape;
  }
  std::string written;
  fields.join(rewritten, written);
  CHECK(written == rows);
}

}  // namespace

TEST_CASE("COPY with whatever options before a real PostgreSQL") {
  server().sql(
      "create table if not exists shapes (n int, v text); truncate shapes;"
      "insert into shapes select ordinality - 1, v from unnest(array['', 'N', '\\N', 'zz', '\\.', "
      "'x\\', 'a,b', '\"', 'say \"no\"', 'a@b', '@', '''', ';', 'it''s; \\ so', E'a\\tb', "
      "E'a\\nb\\n', E'\\r', E'\\x01\\b\\f\\v', 'AxA', '4111', '-', ' ', 'mum', '{\"a\": \"b\"}', "
      "'gr\u00fc\u00dfe', 'none', null]) with ordinality as t (v, ordinality)",
      "demo");

  SECTION("fields are read, and written, as the server does") {
    for (const char* options : kOptions) reads_and_writes_as_the_server(options);
  }

  SECTION("no option hides a value from the detectors") {
    const std::string query = fmt::format(
        "select null, 'joe@example.com', 'pay 4111-1111-1111-1111 now', '{}', "
        "'{{\"card\": \"4111 1111 1111 1111\", \"say\": \"no\"}}'::json, "
        "E'-----BEGIN RSA PRIVATE KEY-----\\nMIIEowIBAAKCAQEAvq\\n-----END RSA PRIVATE KEY-----'",
        kSecretKey);
    Live live(allow_all({detector_mask("all")}));
    live.run([&](Program& program) -> asio::awaitable<void> {
      for (const char* options : kOptions) {
        const std::string statement = copy_of(query, options);
        const CopyText format = format_of(statement);
        const auto said = co_await program.ask(statement);
        INFO(options << ": " << tags(said));
        REQUIRE(tags(said).ends_with("dcCZ"));
        const Said& row = said[said.size() - 4];
        CopyFields fields(format);
        const auto values = fields.split(row.body);
        REQUIRE(values.size() == 6);
        CHECK(values[0] == format.null);
        CHECK(values[1] == "[redacted]");
        CHECK(values[2] == "pay [redacted] now");
        CHECK(values[3] == "[redacted]");
        CHECK(values[4] == "{\"card\": \"[redacted]\", \"say\": \"no\"}");
        CHECK(values[5].find("MII") == std::string_view::npos);
      }
    });
  }

  SECTION("what cannot be read is refused") {
    Live live(allow_all({detector_mask("all")}));
    live.run([&](Program& program) -> asio::awaitable<void> {
      for (const char* options :
           {"(format json)", "(force_array)", "(format csv, quote E'\\n')", "(encoding 'latin1')",
            "(encoding 'EUC_JP')", "(format csv, escape E'\\r')", "(format csv, delimiter 'ab')"}) {
        const auto said = co_await program.ask(copy_of("select 1", options));
        INFO(options);
        CHECK(tags(said) == "EZ");
        CHECK(field(said[0], 'C') == "42501");
      }
      const auto said = co_await program.ask("copy written from stdin (encoding 'latin1')");
      CHECK(tags(said) == "EZ");
      CHECK(field(said[0], 'C') == "42501");
    });
  }
}
