// SPDX-License-Identifier: Apache-2.0
// What names and OIDs mean in a target database, as far as masks and rules need it; one immutable
// snapshot.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/policy.h"
#include "core/base/error.h"

namespace hoop::postgres {

using Oid = std::uint32_t;

struct Relation {
  std::string schema;
  std::string name;
  Oid oid = 0;
  char kind = 'r';  // pg_class.relkind
  bool operator==(const Relation&) const = default;
};

/// A column whose values are hidden: resolved through inheritance and partitions.
struct MaskedColumn {
  Oid relation = 0;
  std::int16_t number = 0;  // attnum
  std::string name;
  access::MaskStrategy with = access::MaskStrategy::redact;
  std::string mask;  // the mask's name in policy
  access::InPredicates in_predicates = access::InPredicates::deny;
  bool operator==(const MaskedColumn&) const = default;
};

class Catalog {
 public:
  /// Constant SQL, run on the upstream connection before the program's first statement (and again
  /// after DDL): several statements, each answering text rows. Never holds user text. Every name
  /// and operator is qualified, so no search_path can change what they mean; the first answers the
  /// session's own path, so a SET LOCAL search_path may come only after it.
  static std::vector<std::string> queries();
  /// rows[i] are the rows of queries()[i], NULL as nullopt. Fails with malformed (wrong shape),
  /// denied (an exact mask name with on_unresolved = deny that names no column). earlier: the
  /// session's catalog before; what it masked stays masked by OID and number, and a mask that it
  /// resolved may name nothing now (the column was dropped or renamed).
  using Rows = std::vector<std::vector<std::optional<std::string>>>;
  static Result<Catalog> build(const std::vector<Rows>& answers,
                               const std::vector<access::Mask>& masks,
                               const Catalog* earlier = nullptr);

  bool operator==(const Catalog&) const = default;

  bool has_masks() const { return !masked_.empty(); }
  /// nullptr if the column is not masked.
  const MaskedColumn* masked(Oid relation, std::int16_t number) const;
  /// The relations an unqualified or qualified name can mean; see NameContext::search_path.
  std::vector<const Relation*> find(
      std::optional<std::string_view> schema, std::string_view name,
      const std::optional<std::vector<std::string>>& search_path) const;
  /// Of the relation of this name, qualified: "public.customers".
  std::vector<const MaskedColumn*> masked_columns_of(std::string_view qualified) const;
  /// Has masked columns itself, or is a view (materialised or not) over such a relation, however
  /// deep.
  bool touches_masked(Oid relation) const;
  bool is_view_over_masked(Oid relation) const;
  std::map<std::string, access::InPredicates> masked_names(Oid relation) const;
  /// True if the relation has a column of this name. Known for relations with masked columns only;
  /// false for others.
  bool has_column(Oid relation, std::string_view column) const;
  /// A function or a cast's target type of this name exists outside pg_catalog, information_schema
  /// and the extensions.
  bool is_user_function(std::string_view name) const { return user_functions_.contains(name); }
  bool is_user_operator(std::string_view name) const { return user_operators_.contains(name); }
  /// Schemas (extensions' too, pg_catalog not) that have a function of this name.
  std::vector<std::string> schemas_of_function(std::string_view name) const;
  std::vector<const Relation*> relations_in(std::string_view schema) const;
  /// The session's effective path when the catalog was read: current_schemas(true).
  const std::vector<std::string>& default_search_path() const { return default_search_path_; }

 private:
  friend class CatalogBuilder;
  std::map<Oid, Relation> relations_;
  std::map<std::string, std::vector<Oid>, std::less<>> by_name_;
  std::map<std::pair<Oid, std::int16_t>, MaskedColumn> masked_;
  std::map<Oid, std::set<std::string, std::less<>>> columns_;  // of relations with masked columns
  std::set<Oid> views_over_masked_;
  std::set<std::string, std::less<>> user_functions_;
  std::set<std::string, std::less<>> user_operators_;
  std::map<std::string, std::set<std::string>, std::less<>> function_schemas_;
  std::vector<std::string> default_search_path_;
};

}  // namespace hoop::postgres
