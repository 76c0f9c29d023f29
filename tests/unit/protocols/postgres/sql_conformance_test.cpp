// SPDX-License-Identifier: Apache-2.0
// tests/conformance/sql/evasions.txt against classify: the verdict that a user must get.
#include <fstream>
#include <string>

#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

/// "allow", or the code of the first refusal.
std::string verdict(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    if (statement.refusal) return statement.refusal->rule.substr(std::string("builtin/").size());
  }
  return "allow";
}

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

}  // namespace

TEST_CASE("what stock clients ask of the catalogs is allowed on a target with masks") {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/sql/client_queries.sql");
  REQUIRE(file);
  const NameContext names{test::demo_catalog(), std::nullopt, "hoop_abc", "app"};
  int cases = 0;
  process::run_on_deep_stack([&] {
    std::string sql;
    for (std::string line; std::getline(file, line);) {
      if (line != "--;") {
        sql += line + "\n";
        continue;
      }
      const auto statements = classify(sql, names);
      INFO(sql);
      CHECK(verdict(statements) == "allow");
      CHECK(statements[0].action.verb != "unknown");
      ++cases;
      sql.clear();
    }
    return 0;
  });
  CHECK(cases >= 100);
}

TEST_CASE("every statement of the conformance file gets its verdict") {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/sql/evasions.txt");
  REQUIRE(file);
  const NameContext names{test::demo_catalog(), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  const NameContext unknown_path{names.catalog, std::nullopt, "hoop_abc", "app"};
  int cases = 0;
  process::run_on_deep_stack([&] {
    for (std::string line; std::getline(file, line);) {
      if (line.empty() || line[0] == '#') continue;
      const auto bar = line.find('|');
      REQUIRE(bar != std::string::npos);
      const std::string expected = trimmed(line.substr(0, bar));
      const std::string sql = trimmed(line.substr(bar + 1));
      INFO(sql);
      CHECK(verdict(classify(sql, names)) == expected);
      // A path that nobody knows must never make hoopctl more lenient.
      CHECK(verdict(classify(sql, unknown_path)) == expected);
      ++cases;
    }
    return 0;
  });
  CHECK(cases >= 150);
}
