// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/catalog.h"

#include "tests/support/catch.h"
#include "tests/support/sql_catalog.h"

using namespace hoop;
using namespace hoop::postgres;

namespace {

Result<Catalog> build(const test::CatalogAnswers& db, std::vector<std::string> columns,
                      const Catalog* earlier = nullptr) {
  return Catalog::build(db.answers, {test::column_mask("m", std::move(columns))}, earlier);
}

std::vector<std::string> found(const Catalog& catalog, std::optional<std::string_view> schema,
                               std::string_view name,
                               std::optional<std::vector<std::string>> path) {
  std::vector<std::string> names;
  for (const Relation* relation : catalog.find(schema, name, path))
    names.push_back(relation->schema + "." + relation->name);
  return names;
}

}  // namespace

TEST_CASE("a mask resolves by schema, table and column, and by wildcards") {
  const auto db = test::demo_answers();
  CHECK(build(db, {"public.customers.email"})->masked(100, 3) != nullptr);
  CHECK(build(db, {"public.customers.email"})->masked(108, 2) == nullptr);
  CHECK(build(db, {"customers.email"})->masked(108, 2) != nullptr);
  CHECK(build(db, {"*.ssn"})->masked_names(109) ==
        std::map<std::string, access::InPredicates>{{"ssn", access::InPredicates::deny}});
  CHECK(build(db, {"public.*.email"})->masked(108, 2) == nullptr);
  CHECK(build(db, {"public.*.email"})->masked(110, 3) != nullptr);
  CHECK(build(db, {"public.orders.*"})->masked_names(101).size() == 4);
  CHECK_FALSE(build(db, {"nobody.*.nothing"})->has_masks());
}

TEST_CASE("an exact mask that names no column is an error, so a typing mistake cannot unmask") {
  const auto db = test::demo_answers();
  const auto failed = build(db, {"public.customers.emial"});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::denied);
  CHECK_THAT(failed.error().message,
             Catch::Matchers::ContainsSubstring("mask 'm' names no column"));
  auto lenient = test::column_mask("m", {"public.customers.emial"});
  lenient.on_unresolved = access::OnUnresolved::ignore;
  CHECK(Catalog::build(db.answers, {lenient}));
}

TEST_CASE("a mask holds for parents, partitions and generated columns") {
  auto db = test::demo_answers();
  db.relation(120, "public", "people_2025", 'r', {"name", "id", "phone"}).child(102, 120);
  db.relation(121, "public", "contacts", 'r', {"id", "email", "lower_email", "upper_email"})
      .generated(121, 3, 2)
      .generated(121, 4, 3);
  const auto by_parent = build(db, {"public.people.phone", "public.contacts.email"});
  CHECK(by_parent->masked(103, 3) != nullptr);
  CHECK(by_parent->masked(120, 3) != nullptr);
  CHECK(by_parent->masked(121, 4) != nullptr);
  const auto by_child = build(db, {"public.people_2024.phone"});
  CHECK(by_child->masked(102, 3) != nullptr);
  CHECK(by_child->masked(120, 3) != nullptr);
}

TEST_CASE("of two masks on one column the stricter wins, whatever their order") {
  auto partial = test::column_mask("a", {"*.ssn"});
  partial.with = access::MaskStrategy::partial;
  auto null = test::column_mask("b", {"public.customers.ssn"});
  null.with = access::MaskStrategy::null;
  const auto db = test::demo_answers();
  CHECK(Catalog::build(db.answers, {partial, null})->masked(100, 4)->mask == "b");
  CHECK(Catalog::build(db.answers, {null, partial})->masked(100, 4)->mask == "b");
}

TEST_CASE(
    "views are known to read masked columns through any number of views, and through opaque "
    "functions") {
  const auto catalog = test::demo_catalog();
  CHECK(catalog->is_view_over_masked(104));
  CHECK(catalog->is_view_over_masked(105));
  CHECK(catalog->is_view_over_masked(107));
  CHECK_FALSE(catalog->is_view_over_masked(106));
  CHECK(catalog->touches_masked(100));
  CHECK_FALSE(catalog->touches_masked(101));
  CHECK_FALSE(test::unmasked_catalog()->is_view_over_masked(107));
}

TEST_CASE("what was masked in a session stays masked after it was renamed or dropped") {
  const auto before = build(test::demo_answers(), {"public.customers.email"});
  test::CatalogAnswers renamed;
  renamed.relation(100, "public", "clients", 'r', {"id", "name", "mail"});
  const auto after = build(renamed, {"public.customers.email"}, &*before);
  REQUIRE(after);
  CHECK(after->masked(100, 3) != nullptr);
  CHECK(after->masked_names(100) ==
        std::map<std::string, access::InPredicates>{{"mail", access::InPredicates::deny}});
  const auto gone = build(test::CatalogAnswers(), {"public.customers.email"}, &*before);
  REQUIRE(gone);
  CHECK(gone->touches_masked(100));
  CHECK(found(*gone, "public", "customers", std::nullopt) ==
        std::vector<std::string>{"public.customers"});
  CHECK(gone->is_view_over_masked(104));
}

TEST_CASE("names resolve along the path as PostgreSQL resolves them") {
  auto db = test::demo_answers();
  db.relation(130, "pg_temp_3", "orders", 'r', {"id"})
      .relation(131, "public", "pg_class", 'r', {"id"});
  const auto catalog = build(db, {});
  using Names = std::vector<std::string>;
  CHECK(found(*catalog, std::nullopt, "customers", Names{"archive", "public"}) ==
        Names{"archive.customers"});
  CHECK(found(*catalog, std::nullopt, "customers", std::nullopt) ==
        Names{"public.customers", "archive.customers"});
  CHECK(found(*catalog, "archive", "customers", Names{"public"}) == Names{"archive.customers"});
  CHECK(found(*catalog, std::nullopt, "orders", Names{"public"}) == Names{"pg_temp_3.orders"});
  CHECK(found(*catalog, "pg_temp", "orders", Names{"public"}) == Names{"pg_temp_3.orders"});
  CHECK(found(*catalog, std::nullopt, "pg_class", Names{"public"}) == Names{"pg_catalog.pg_class"});
  CHECK(found(*catalog, std::nullopt, "pg_class", Names{"public", "pg_catalog"}) ==
        Names{"public.pg_class"});
  CHECK(found(*catalog, std::nullopt, "nothing", Names{"public"}).empty());
  CHECK(catalog->default_search_path() == Names{"pg_catalog", "public"});
}

TEST_CASE("answers of another shape are refused") {
  auto db = test::demo_answers();
  db.answers[1][0][0] = "x";
  CHECK(build(db, {}).error().code == ErrorCode::malformed);
  db = test::demo_answers();
  db.answers[2][0].pop_back();
  CHECK(build(db, {}).error().code == ErrorCode::malformed);
  db = test::demo_answers();
  db.answers.pop_back();
  CHECK(build(db, {}).error().code == ErrorCode::malformed);
}

TEST_CASE(
    "catalog queries name every function and operator in full, so that no search_path can bend "
    "them") {
  for (const std::string& query : Catalog::queries()) {
    INFO(query);
    CHECK(query.find("pg_catalog.") != std::string::npos);
    for (const char* bare : {" = ", " <> ", " > ", " like ", " in (", " using (", "::text"})
      CHECK(query.find(bare) == std::string::npos);
  }
}
