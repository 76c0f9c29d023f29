// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/masked_literals.h"

#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

std::vector<std::string> logged(std::string_view sql,
                                std::shared_ptr<const Catalog> catalog = test::demo_catalog()) {
  const NameContext names{std::move(catalog), std::vector<std::string>{"public"}, "hoop_abc",
                          "app"};
  std::vector<std::string> texts;
  process::run_on_deep_stack([&] {
    for (const Statement& statement : classify(sql, names)) texts.push_back(statement.action.text);
    return 0;
  });
  return texts;
}

}  // namespace

// customers.email, customers.ssn and employees.ssn are masked.
TEST_CASE("the log shows no literal that is compared with a masked column, or written to it") {
  struct Case {
    const char* sql;
    const char* logged;
  };
  const Case cases[] = {
      {"select id from customers where email = 'bob@x.example' and tier = 'gold'",
       "select id from customers where email = [redacted] and tier = 'gold'"},
      {"select id from customers where not (tier = 'gold' or lower(ssn) like '078%')",
       "select id from customers where not (tier = 'gold' or lower(ssn) like [redacted])"},
      {"select id from customers c where c.email in ('a', 'b') and id = 5",
       "select id from customers c where c.email in ([redacted], [redacted]) and id = 5"},
      {"select id from customers where ssn between 1 and -2.5e+3 and id < 10",
       "select id from customers where ssn between [redacted] and [redacted] and id < 10"},
      {"select id from customers where email = E'it\\'s' and name = 'n'",
       "select id from customers where email = [redacted] and name = 'n'"},
      {"select id from customers where email = 'a'\n 'b' and name = 'n'",
       "select id from customers where email = [redacted] and name = 'n'"},
      {"select id from customers where email = $q$it's$q$ or name = $$n$$",
       "select id from customers where email = [redacted] or name = $$n$$"},
      {"select id from customers where email = U&'\\0041' and id = - 5",
       "select id from customers where email = [redacted] and id = - 5"},
      {"select id from customers where id in (select id from customers where ssn = '1')",
       "select id from customers where id in (select id from customers where ssn = [redacted])"},
      {"select case when email = 'x' then 1 else 2 end, 3 from customers limit 4",
       "select case when email = [redacted] then [redacted] else [redacted] end, 3 from customers "
       "limit 4"},
      {"select 1 from orders o join customers c on c.email = 'x' and o.id = 7",
       "select 1 from orders o join customers c on c.email = [redacted] and o.id = 7"},
      {"select id from customers where customers = row(1, 'x')",
       "select id from customers where customers = row([redacted], [redacted])"},
      {"insert into customers (id, email, name) values (1, 'e', 'n'), (2, lower('E'), 'm')",
       "insert into customers (id, email, name) values (1, [redacted], 'n'), (2, "
       "lower([redacted]), "
       "'m')"},
      {"insert into customers values (1, 'n', 'e')",
       "insert into customers values ([redacted], [redacted], [redacted])"},
      {"insert into customers (id, name) values (1, 'n')",
       "insert into customers (id, name) values (1, 'n')"},
      {"insert into customers (id, ssn) select 5, '078' from orders where status = 'open'",
       "insert into customers (id, ssn) select [redacted], [redacted] from orders where status = "
       "[redacted]"},
      {"insert into customers (id, name) values (1, 'n') on conflict (id) do update set email = "
       "'e', name = 'n'",
       "insert into customers (id, name) values (1, 'n') on conflict (id) do update set email = "
       "[redacted], name = 'n'"},
      {"update customers set email = 'e', tier = 'gold' where id = 5",
       "update customers set email = [redacted], tier = 'gold' where id = 5"},
      {"update customers set name = email || 'x' where id = 5",
       "update customers set name = email || [redacted] where id = 5"},
      {"delete from customers where ssn = '078' and id = 5",
       "delete from customers where ssn = [redacted] and id = 5"},
      {"merge into customers c using orders o on c.id = 7 when matched then update set email = "
       "'e', "
       "name = 'n' when not matched then insert (id, ssn) values (8, '078')",
       "merge into customers c using orders o on c.id = 7 when matched then update set email = "
       "[redacted], name = 'n' when not matched then insert (id, ssn) values ([redacted], "
       "[redacted])"},
      {"execute q (1, 'bob')", "execute q ([redacted], [redacted])"},
      {"call p('bob')", "call p([redacted])"},
      // Nothing of these has to do with a mask.
      {"select id from orders where status = 'open' and id = 5",
       "select id from orders where status = 'open' and id = 5"},
      {"select id, email from customers where name = 'Bob' limit 5",
       "select id, email from customers where name = 'Bob' limit 5"},
      {"select id from customers where email is null and true",
       "select id from customers where email is null and true"},
      // Under another name a masked column is not known again.
      {"select 1 from (select email as x, id from customers) s where x = 'bob' and id = 5",
       "select [redacted] from (select email as x, id from customers) s where x = [redacted] and "
       "id = "
       "[redacted]"},
      {"with s as (select ssn as x from customers) select 1 from s where x = '078'",
       "with s as (select ssn as x from customers) select [redacted] from s where x = [redacted]"},
      {"select 1 from customers as c (a, b, x) where x = 'bob'",
       "select [redacted] from customers as c (a, b, x) where x = [redacted]"},
      // Code.
      {"do $$ begin perform 1 from customers where email = 'bob'; end $$", "do [redacted]"},
      {"create function f() returns int language sql as 'select 1 where ''bob'' = email'",
       "create function f() returns int language sql as [redacted]"},
      // What cannot be read.
      {"selct id from customers where ssn = 078", "selct id from customers where ssn = [redacted]"},
      {"selct id from customers where email = 'bob'",
       "selct id from customers where email = [redacted]"},
  };
  for (const Case& one : cases) {
    INFO(one.sql);
    CHECK(logged(one.sql) == std::vector<std::string>{one.logged});
    CHECK(logged(one.sql, test::unmasked_catalog()) == std::vector<std::string>{one.sql});
  }
}

TEST_CASE("literals are found in each statement of a string") {
  CHECK(logged("select 'a'; update customers set email = 'e' where id = 5; select 'b'") ==
        std::vector<std::string>{
            "select 'a'", " update customers set email = [redacted] where id = 5", " select 'b'"});
}

TEST_CASE("a literal whose end is not found takes the rest of the text along") {
  CHECK(without_literals("a = 'open", {4}) == "a = [redacted]");
  CHECK(without_literals("a = $x$open", {4}) == "a = [redacted]");
  CHECK(without_literals("a = ?b", {4}) == "a = [redacted]");
  CHECK(without_literals("a = 'x'", {99}) == "a = 'x'");
  CHECK(without_literals("", {0}) == "");
  CHECK(without_quoted("no quote") == "no quote");
  CHECK(without_quoted("x $1 y") == "x [redacted]");
}
