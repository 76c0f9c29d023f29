// SPDX-License-Identifier: Apache-2.0
// Statements that differ in their numbers alone are judged once, and must be judged as if each had
// been read by itself.
#include "protocols/postgres/number_pattern.h"

#include <fstream>
#include <random>

#include "core/process/deep_stack.h"
#include "protocols/postgres/statement_reader.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

std::string pattern(std::string_view sql) {
  std::string out = number_pattern(sql).value_or("unsure");
  for (char& c : out)
    if (c == '\x01') c = '#';
  return out;
}

std::vector<std::string> conformance_texts() {
  std::vector<std::string> out;
  std::ifstream cases(HOOP_SOURCE_DIR "/tests/conformance/sql/evasions.txt");
  for (std::string line; std::getline(cases, line);)
    if (!line.empty() && line[0] != '#' && line.find(" | ") != std::string::npos)
      out.push_back(line.substr(line.find(" | ") + 3));
  std::ifstream clients(HOOP_SOURCE_DIR "/tests/conformance/sql/client_queries.sql");
  std::string text;
  for (std::string line; std::getline(clients, line);) {
    if (line != "--;") {
      text += line + "\n";
      continue;
    }
    out.push_back(std::exchange(text, {}));
  }
  for (const char* more : {"select * from customers where id = 5",
                           "select 1 where 1 = 1",
                           "select 7 limit 9",
                           "select id from customers where id + 1 = id + 2",
                           "select id from customers where id = id",
                           "select id, email from customers order by 2",
                           "select id, email from customers order by 1",
                           "select id from customers limit 10 offset 20",
                           "select id from customers limit all",
                           "explain (analyze 1) delete from orders where id = 4",
                           "explain (analyze 2) select 1",
                           "set statement_timeout = 100",
                           "set standard_conforming_strings = 1",
                           "select set_config('a.b', '1', false), 3",
                           "select 5::float(24)",
                           "select 5::varchar(10)",
                           "fetch 3 from c",
                           "fetch first from c",
                           "select * from orders where id in (1, 2, 3)",
                           "insert into orders (id, total) values (1, 2), (3, 4)",
                           "select id from orders where id = 1 or 2 = 2",
                           "update orders set total = total + 1 where id = 12 and 1 < 2",
                           "select 2147483647, 2147483648",
                           "select -5, - 5, +5",
                           "select a[1], a[2:3] from orders",
                           "select 1 as \"2\", '3', \"4x\".y5 from z6",
                           "select $1, $2 + 3",
                           "copy orders (id) to stdout with (format csv, header 1)",
                           "select id from customers group by 1",
                           "select distinct on (1) id, email from customers",
                           "select id from orders fetch first 5 rows only",
                           "values (1), (2) order by 1 limit 3"})
    out.emplace_back(more);
  return out;
}

/// Other numbers in the places that the pattern has.
std::string with_other_numbers(std::string_view sql, std::mt19937& random) {
  std::string out;
  static constexpr std::string_view kSome[] = {"1", "2", "3", "7", "10", "99", "4096", "999999999"};
  const std::string pattern = *number_pattern(sql);
  for (const char c : pattern)
    c == '\x01' ? out.append(kSome[random() % std::size(kSome)]) : out.append(1, c);
  return out;
}

void check_same(const JudgedText& got, const JudgedText& wanted) {
  REQUIRE(got.statements.size() == wanted.statements.size());
  CHECK(got.text == wanted.text);
  for (std::size_t i = 0; i < got.statements.size(); ++i) {
    const Statement& a = got.statements[i];
    const Statement& b = wanted.statements[i];
    CHECK(a.action.verb == b.action.verb);
    CHECK(a.action.resources == b.action.resources);
    CHECK(a.action.attributes == b.action.attributes);
    CHECK(a.action.text == b.action.text);
    CHECK(a.action.digest == b.action.digest);
    CHECK(a.refusal == b.refusal);
    CHECK(a.touches_masked == b.touches_masked);
    CHECK(a.writes_values == b.writes_values);
    CHECK(a.writes_mask == b.writes_mask);
    CHECK(a.can_write == b.can_write);
    CHECK(a.changes_catalog == b.changes_catalog);
    CHECK(a.changes_search_path == b.changes_search_path);
    CHECK(a.transaction == b.transaction);
    CHECK(a.copy == b.copy);
  }
}

mask::Masker make_masker() {
  access::Mask cards;
  cards.detectors = {"payment_card"};
  return std::move(*mask::Masker::create({cards}, SecretBytes(Bytes(32, 1))));
}

}  // namespace

TEST_CASE("a pattern has the numbers left out, and nothing else") {
  CHECK(pattern("select * from t where id = 12345 and x<7") ==
        "select * from t where id = # and x<#");
  CHECK(pattern("select 123456789, 1234567890, 0, 007") == "select #, 1234567890, 0, 007");
  CHECK(pattern("select t1.c2, \"3\", '4', $5") == "select t1.c2, \"3\", '4', $5");
  CHECK(pattern("select 'it''s 5', \"a\"\"6\"") == "select 'it''s 5', \"a\"\"6\"");
  CHECK(pattern("select a[1:2],-3,(4)") == "select a[#:#],-#,(#)");
  CHECK(pattern("select größe7") == "select größe7");
  for (const char* sql :
       {"select 1.5",          "select .5",      "select 1e5",     "select 12abc",
        "select 0x1F",         "select E'\\'1'", "select U&'1'",   "select u&\"1\"",
        "select b'1'",         "select $$1$$",   "select $a$1$a$", "select 1 -- 2",
        "select /* 1 */ 2",    "select '1",      "select \"1",     "select 1::float(5)",
        "select 1::FLOAT (5)", "select \x01",    "select 5$",      "select 1_000",
        "select N'1'"}) {
    INFO(sql);
    CHECK_FALSE(number_pattern(sql));
  }
}

TEST_CASE("what was judged with other numbers is what would be judged now") {
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  auto masker = make_masker();
  std::mt19937 random(20261127);
  int shared = 0;
  process::run_on_deep_stack([&] {
    for (const std::string& sql : conformance_texts()) {
      if (!number_pattern(sql)) continue;
      for (int round = 0; round < 6; ++round) {
        StatementReader warm(names, masker), cold(names, masker);
        const JudgedPtr first = warm.read(with_other_numbers(sql, random));
        const std::string other = with_other_numbers(sql, random);
        INFO(other);
        check_same(*warm.read(other), *cold.read(other));
        if (first->statements.size() == 1 && !first->statements[0].depends_on_numbers) ++shared;
      }
    }
    return 0;
  });
  CHECK(shared > 500);
}

TEST_CASE("a text that is spelled as a pattern is not taken for one") {
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  auto masker = make_masker();
  process::run_on_deep_stack([&] {
    StatementReader reader(names, masker);
    const std::string sql = "select id from orders where id = 5";
    CHECK_FALSE(reader.read(sql)->statements.at(0).refusal);
    CHECK(reader.read(*number_pattern(sql))->statements.at(0).refusal);
    return 0;
  });
}

TEST_CASE("a text that is judged by another's pattern is cleaned by itself") {
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  auto masker = make_masker();
  process::run_on_deep_stack([&] {
    StatementReader reader(names, masker);
    reader.read("select id from orders where a = 4111 and b = '1 4111 1111 1111 1111'");
    const auto judged =
        reader.read("select id from orders where a = 4112 and b = '1 4111 1111 1111 1111'");
    CHECK(judged->statements.at(0).action.text ==
          "select id from orders where a = 4112 and b = '1 [redacted]'");
    CHECK(judged->text == "select id from orders where a = 4112 and b = '1 4111 1111 1111 1111'");
    return 0;
  });
}
