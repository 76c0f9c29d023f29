// SPDX-License-Identifier: Apache-2.0
// Where masked columns stand in a statement, by name: the part of masked_use that looks at every
// column reference.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "core/access/policy.h"
#include "protocols/postgres/catalog.h"
#include "protocols/postgres/references.h"

namespace hoop::postgres {

class MaskedColumns {
 public:
  MaskedColumns(const SqlNode& statement, const References& references, const Catalog& catalog);

  /// The statement refers to a relation with masked columns.
  bool any() const { return !relations_.empty(); }
  bool is_masked_name(std::string_view column) const { return names_.contains(column); }
  /// What predicates may do with the columns of that masked name: what all of them allow.
  access::InPredicates in_predicates(std::string_view column) const;
  bool is_masked_relation(const SqlNode& range_var) const;
  /// An alias or a name that stands for the rows of such a relation.
  bool is_masked_source(std::string_view name) const;
  std::optional<access::Decision> judge() const;

 private:
  using Verdict = std::optional<access::Decision>;
  /// What a masked column does where it stands; tells which refusal the user reads.
  enum class Clause { value, predicate };

  Verdict judge_sources() const;
  Verdict judge_outputs() const;
  Verdict judge_node(const SqlNode& node, Clause clause) const;
  bool is_permitted_equality(const SqlNode& node) const;
  Verdict judge_struct(const SqlNode& node) const;
  Verdict judge_column(const SqlNode& column, Clause clause) const;
  Verdict judge_star(const SqlNode& column, const std::vector<std::string_view>& parts) const;
  Verdict judge_positions(const SqlNode& clause, std::size_t first_star,
                          std::span<const SqlNode> outputs) const;
  Verdict judge_conflict(const SqlNode& insert) const;
  void find_outputs();
  void find_harmless_stars(const SqlNode& node);
  bool reads_masked_directly(const SqlNode& from_item) const;
  bool is_plain_masked(const SqlNode& output) const;
  bool is_unmasked_source(std::string_view name) const;
  bool is_column_of(std::string_view source, std::string_view column) const;

  const SqlNode& statement_;
  const References& references_;
  const Catalog& catalog_;
  /// Masked columns of the relations referred to.
  std::map<std::string, access::InPredicates, std::less<>> names_;
  std::vector<std::pair<std::size_t, const Relation*>>
      relations_;                           // index into references_.relations, what it may mean
  const SqlNode* outermost_ = nullptr;      // the query whose rows go to the program
  std::set<const SqlNode*> plain_outputs_;  // its outputs that are a bare column or star
  std::set<const SqlNode*> harmless_stars_;
};

}  // namespace hoop::postgres
