// SPDX-License-Identifier: Apache-2.0
// tests/conformance/sql/leaks.txt against a real PostgreSQL, directly and through a session: a
// refusal that prevents no leak only stands in the way.
#include <fstream>
#include <set>

#include "tests/unit/protocols/postgres/live_session.h"

using namespace hoop;
using namespace hoop::postgres;
using namespace hoop::test;

namespace {

struct LeakCase {
  std::string code;
  std::string shown;
  std::vector<std::string> statements;
};

/// What stands between separators, without the blanks around it.
std::vector<std::string> split_at(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + separator.size());
  }
}

std::vector<LeakCase> leak_cases() {
  std::ifstream file(HOOP_SOURCE_DIR "/tests/conformance/sql/leaks.txt");
  REQUIRE(file);
  std::vector<LeakCase> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    // The statement may hold the operator ||, but not with a single bar.
    const auto parts = split_at(line, " | ");
    INFO(line);
    REQUIRE(parts.size() == 3);
    cases.push_back({parts[0], parts[1], split_at(parts[2], " ;; ")});
  }
  return cases;
}

/// As a superuser with nothing in between; everything is undone.
std::string said_directly(const LeakCase& each) {
  std::string script = "begin;";
  for (const std::string& statement : each.statements) script += statement + ";";
  return server().sql(script + "rollback", "demo");
}

std::string said_through(const std::vector<Said>& messages) {
  std::string all;
  for (const Said& each : messages) all += each.body;
  return all;
}

}  // namespace

TEST_CASE("every refusal for the sake of masks prevents a leak that a real server shows") {
  server().sql(
      "create view customer_view as select id, email from customers;"
      "create function peek() returns text language sql as 'select email from customers where id "
      "= 7';"
      "grant select on customer_view to app; analyze customers",
      "demo");
  const std::vector<LeakCase> cases = leak_cases();
  CHECK(cases.size() >= 40);
  std::set<std::string> codes;
  for (const LeakCase& each : cases) {
    INFO(each.code << " | " << each.shown << " | " << each.statements.front());
    codes.insert(each.code);
    CHECK_THAT(said_directly(each), Catch::Matchers::ContainsSubstring(each.shown));
    Live live(allow_all({column_mask("public.customers.email")}));
    live.run([&](Program& program) -> asio::awaitable<void> {
      std::string refused_by, all;
      for (const std::string& statement : each.statements) {
        const auto said = co_await program.ask(statement);
        for (const Said& message : said) {
          if (message.tag != 'E' || !refused_by.empty()) continue;
          const std::string detail = field(message, 'D');
          if (detail.find("builtin/") != std::string::npos) refused_by = detail;
        }
        all += said_through(said);
      }
      CHECK_THAT(refused_by, Catch::Matchers::ContainsSubstring("builtin/" + each.code + " "));
      // A number says nothing by itself; a value does.
      if (each.shown.size() > 2) CHECK_THAT(all, !Catch::Matchers::ContainsSubstring(each.shown));
    });
  }
  // Each code that masks have, and no other.
  CHECK(codes ==
        std::set<std::string>{"SQL_FORBIDDEN_FUNCTION", "SQL_MASKED_CODE", "SQL_MASKED_COPY",
                              "SQL_MASKED_DEFINITION", "SQL_MASKED_DERIVED", "SQL_MASKED_EXPLAIN",
                              "SQL_MASKED_PREDICATE", "SQL_MASKED_STATISTICS", "SQL_MASKED_VIEW",
                              "SQL_MASKED_WHOLE_ROW", "SQL_OPAQUE_FUNCTION", "SQL_WRITE_BACK"});
}
