// SPDX-License-Identifier: Apache-2.0
// The fixed database that SQL tests are judged against, as answers to Catalog::queries().
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/postgres/catalog.h"

namespace hoop::test {

class CatalogAnswers {
 public:
  CatalogAnswers() : answers(postgres::Catalog::queries().size()) {
    for (const char* schema : {"pg_catalog", "public"}) add(0, {schema});
  }
  CatalogAnswers& relation(postgres::Oid oid, const char* schema, const char* name, char kind,
                           std::vector<const char*> columns) {
    add(1, {std::to_string(oid), schema, name, std::string(1, kind)});
    int number = 0;
    for (const char* column : columns)
      add(2, {std::to_string(oid), std::to_string(++number), column});
    return *this;
  }
  CatalogAnswers& child(postgres::Oid parent, postgres::Oid child) {
    return add(3, {std::to_string(parent), std::to_string(child)});
  }
  /// read 0: a function that may read anything.
  CatalogAnswers& view_reads(postgres::Oid view, postgres::Oid read) {
    return add(4, {std::to_string(view), std::to_string(read)});
  }
  CatalogAnswers& generated(postgres::Oid relation, int column, int source) {
    return add(5, {std::to_string(relation), std::to_string(column), std::to_string(source)});
  }
  CatalogAnswers& routine(const char* kind, const char* schema, const char* name) {
    return add(6, {kind, schema, name});
  }

  std::vector<postgres::Catalog::Rows> answers;

 private:
  CatalogAnswers& add(std::size_t answer, std::vector<std::string> fields) {
    std::vector<std::optional<std::string>> row;
    for (std::string& field : fields) row.emplace_back(std::move(field));
    answers[answer].push_back(std::move(row));
    return *this;
  }
};

inline access::Mask column_mask(std::string name, std::vector<std::string> columns) {
  access::Mask mask;
  mask.name = std::move(name);
  mask.columns = std::move(columns);
  return mask;
}

/// The database of tests/conformance/sql: customers with masked email and ssn, people (partitioned)
/// with masked phone.
inline CatalogAnswers demo_answers() {
  CatalogAnswers db;
  db.relation(1259, "pg_catalog", "pg_class", 'r', {})
      .relation(2619, "pg_catalog", "pg_stats", 'v', {});
  db.relation(13000, "information_schema", "columns", 'v', {});
  db.relation(100, "public", "customers", 'r',
              {"id", "name", "email", "ssn", "tier", "credit_limit", "notes"});
  db.relation(101, "public", "orders", 'r', {"id", "customer_id", "total", "status"});
  db.relation(102, "public", "people", 'p', {"id", "name", "phone"})
      .relation(103, "public", "people_2024", 'r', {"id", "name", "phone"});
  db.child(102, 103);
  db.relation(104, "public", "customer_view", 'v', {"id", "email"}).view_reads(104, 100);
  db.relation(105, "public", "deep_view", 'm', {"id", "x"}).view_reads(105, 104);
  db.relation(106, "public", "order_view", 'v', {"id", "total"}).view_reads(106, 101);
  db.relation(107, "public", "opaque_view", 'v', {"id"}).view_reads(107, 0);
  db.relation(108, "archive", "customers", 'r', {"id", "email"});
  db.relation(109, "public", "employees", 'r', {"id", "name", "ssn", "email"});
  db.relation(110, "public", "events", 'r', {"id", "payload", "email"});
  db.relation(111, "public", "order_id_seq", 'S', {});
  db.routine("f", "public", "leak")
      .routine("f", "public", "initcap")
      .routine("e", "public", "similarity")
      .routine("e", "ext", "dblink");
  db.routine("c", "public", "leaky_type")
      .routine("o", "public", "@@@")
      .routine("o", "public", "~~>");
  return db;
}

inline std::shared_ptr<const postgres::Catalog> demo_catalog() {
  auto built = postgres::Catalog::build(
      demo_answers().answers,
      {column_mask("contact", {"public.customers.email", "public.people_2024.phone"}),
       column_mask("ssn", {"*.ssn"})});
  return std::make_shared<const postgres::Catalog>(std::move(built).value());
}

inline std::shared_ptr<const postgres::Catalog> unmasked_catalog() {
  return std::make_shared<const postgres::Catalog>(
      postgres::Catalog::build(demo_answers().answers, {}).value());
}

}  // namespace hoop::test
