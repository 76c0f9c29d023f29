// SPDX-License-Identifier: Apache-2.0
// What the refusals say; which statements get which is in tests/conformance/sql/evasions.txt.
#include "protocols/postgres/masked_use.h"

#include "core/process/deep_stack.h"
#include "protocols/postgres/classify.h"
#include "protocols/postgres/refusal.h"
#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

std::optional<access::Decision> refusal(std::string_view sql,
                                        std::shared_ptr<const Catalog> catalog) {
  std::optional<access::Decision> found;
  process::run_on_deep_stack([&] {
    found =
        classify(sql, NameContext{std::move(catalog), std::nullopt, "hoop_abc", "app"})[0].refusal;
    return 0;
  });
  return found;
}

}  // namespace

TEST_CASE("a refusal names the column and a way out, and repeats no literal") {
  const auto decision =
      refusal("select id from customers where email = 'planted@example.com'", test::demo_catalog());
  REQUIRE(decision);
  CHECK(decision->effect == access::Effect::deny);
  CHECK(decision->rule == "builtin/SQL_MASKED_PREDICATE");
  CHECK(decision->message.find("planted") == std::string::npos);
  CHECK_THAT(decision->message, Catch::Matchers::ContainsSubstring("(email)"));
  CHECK_FALSE(decision->hint.empty());
}

TEST_CASE("every refusal has a code, a message of one line and a hint") {
  for (int code = 0; code <= static_cast<int>(RefusalCode::write_back); ++code) {
    const auto decision = refuse(static_cast<RefusalCode>(code), std::string(500, 'x'));
    INFO(decision.rule);
    CHECK(decision.rule.starts_with("builtin/SQL_"));
    CHECK(decision.message.size() <= 240);
    CHECK(refuse(static_cast<RefusalCode>(code)).message.size() <= 120);
    CHECK_FALSE(decision.hint.empty());
  }
}

TEST_CASE("without masks nothing is refused for their sake") {
  for (const char* sql :
       {"select upper(email) from customers where email like 'a%'", "copy customers to stdout",
        "select c from customers c", "create view v as select 1", "select leak()",
        "do $$ begin end $$", "explain select * from customers"}) {
    INFO(sql);
    CHECK_FALSE(refusal(sql, test::unmasked_catalog()));
    CHECK(refusal(sql, test::demo_catalog()));
  }
}

TEST_CASE("a mask may let its columns be asked for by a value, or stand in any predicate") {
  using access::InPredicates;
  const auto catalog = [](InPredicates contact, InPredicates ssn) {
    access::Mask first = test::column_mask("contact", {"public.customers.email"});
    first.in_predicates = contact;
    access::Mask second = test::column_mask("ssn", {"*.ssn"});
    second.in_predicates = ssn;
    return std::make_shared<const Catalog>(
        Catalog::build(test::demo_answers().answers, {first, second}).value());
  };
  struct Case {
    const char* sql;
    bool equality;  // passes where email may be asked for by a value
    bool allow;     // and where it may stand in any predicate
  };
  const Case cases[] = {
      {"select id from customers where email = 'a@b.example'", true, true},
      {"select id, email from customers where 'a@b.example'::text = email and id > 5", true, true},
      {"select id from customers c where c.email = $1 or not c.email = $2", true, true},
      {"select id from customers where email in ('a', $1, 'c'::text)", true, true},
      {"update customers set tier = 'x' where email = 'a@b.example'", true, true},
      {"delete from customers where email = 'a@b.example'", true, true},
      {"select o.id from orders o join customers c on c.id = o.customer_id and c.email = 'a'", true,
       true},
      // What says more than whether a known value is there.
      {"select id from customers where email like 'a%'", false, true},
      {"select id from customers where email <> 'a'", false, true},
      {"select id from customers where email < 'a'", false, true},
      {"select id from customers where email not in ('a', 'b')", false, true},
      {"select id from customers where email is distinct from 'a'", false, true},
      {"select id from customers where lower(email) = 'a'", false, true},
      {"select id from customers where email = lower('A')", false, true},
      {"select id from customers where email = name", false, true},
      {"select id from customers where email = (select name from orders limit 1)", false, true},
      {"select id from customers where email = any (array['a', 'b'])", false, true},
      {"select id from customers where email = all ($1)", false, true},
      {"select id from customers where (email, id) = ('a', 1)", false, true},
      {"select id from customers order by email", false, true},
      {"select count(*) from customers group by email", false, true},
      // What is no predicate, or tells of other masks' columns.
      {"select email = 'a' from customers", false, false},
      {"select upper(email) from customers where email = 'a'", false, false},
      {"select distinct email from customers", false, false},
      {"select id from customers where ssn = '078'", false, false},
      {"select id from customers where email = 'a' and ssn = '078'", false, false},
      {"select id from customers where customers = 'a'", false, false},
      {"select id from customers c where c.upper = 'a'", false, false},
      {"insert into customers (id, email) values (1, 'a') on conflict (email) do nothing", false,
       false},
      {"select c.id from customers c natural join orders o", false, false},
      {"select id from customers where email operator(public.@@@) 'a'", false, false},
      {"copy (select upper(email) from customers where email = 'a') to stdout", false, false},
  };
  const auto equality = catalog(InPredicates::equality, InPredicates::deny);
  const auto allow = catalog(InPredicates::allow, InPredicates::deny);
  const auto deny = catalog(InPredicates::deny, InPredicates::deny);
  for (const Case& one : cases) {
    INFO(one.sql);
    CHECK(refusal(one.sql, deny));
    CHECK(refusal(one.sql, equality).has_value() != one.equality);
    CHECK(refusal(one.sql, allow).has_value() != one.allow);
  }
}

TEST_CASE("of two masks of a column, and of two columns of a name, the stricter decides") {
  using access::InPredicates;
  access::Mask open = test::column_mask("open", {"public.customers.email", "public.events.email"});
  open.in_predicates = InPredicates::allow;
  access::Mask strict = test::column_mask("strict", {"public.customers.email"});
  strict.with = access::MaskStrategy::partial;  // shows more, and still forbids
  for (const auto& masks : {std::vector{open, strict}, std::vector{strict, open}}) {
    const auto catalog = std::make_shared<const Catalog>(
        Catalog::build(test::demo_answers().answers, masks).value());
    CHECK(refusal("select id from customers where email = 'a'", catalog));
    CHECK_FALSE(refusal("select id from events where email = 'a'", catalog));
    CHECK(refusal("select 1 from customers c, events e where e.email = 'a'", catalog));
  }
}
