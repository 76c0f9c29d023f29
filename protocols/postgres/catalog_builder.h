// SPDX-License-Identifier: Apache-2.0
// Makes a Catalog from the answers to Catalog::queries().
#pragma once

#include <cstddef>
#include <vector>

#include "protocols/postgres/catalog.h"

namespace hoop::postgres {

class CatalogBuilder {
 public:
  static constexpr std::size_t kSearchPathAnswer = 0;   // schema
  static constexpr std::size_t kRelationsAnswer = 1;    // oid, schema, name, kind
  static constexpr std::size_t kColumnsAnswer = 2;      // relation, number, name
  static constexpr std::size_t kInheritanceAnswer = 3;  // parent, child
  static constexpr std::size_t kViewsAnswer = 4;      // view, relation that it reads (0: anything)
  static constexpr std::size_t kGeneratedAnswer = 5;  // relation, generated column, source column
  static constexpr std::size_t kRoutinesAnswer = 6;   // f|e|c|o, schema, name
  static constexpr std::size_t kAnswers = 7;

  CatalogBuilder(const std::vector<Catalog::Rows>& answers, const std::vector<access::Mask>& masks,
                 const Catalog* earlier)
      : answers_(answers), masks_(masks), earlier_(earlier) {}
  Result<Catalog> build();

 private:
  struct Column {
    std::int16_t number = 0;
    std::string name;
  };
  using Key = std::pair<Oid, std::int16_t>;

  Result<void> check_shape() const;
  Result<void> read_relations();
  Result<void> read_columns();
  Result<void> read_links();
  void read_routines();
  Result<void> resolve(const access::Mask& mask);
  void keep_earlier();
  void mask_column(Oid relation, const Column& column, const MaskedColumn& as);
  void spread();
  void close_views();

  const std::vector<Catalog::Rows>& answers_;
  const std::vector<access::Mask>& masks_;
  const Catalog* earlier_;
  Catalog catalog_;
  std::map<Oid, std::vector<Column>> columns_;
  std::multimap<Oid, Oid> relatives_;         // parent and child, in both directions
  std::multimap<Oid, Oid> readers_;           // relation → views that read it
  std::multimap<Key, std::int16_t> derived_;  // column → generated columns made from it
  std::vector<Key> pending_;
};

}  // namespace hoop::postgres
