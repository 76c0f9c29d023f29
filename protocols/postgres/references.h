// SPDX-License-Identifier: Apache-2.0
// Every relation, function and row source that a statement names, found by a walk that no node type
// can hide from.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "core/access/action.h"
#include "protocols/postgres/sql_tree.h"

namespace hoop::postgres {

/// One mention of a table, view or sequence; a name that a WITH clause in scope defines is none.
struct RelationUse {
  const SqlNode* range_var = nullptr;
  access::Access access = access::Access::read;
  /// Rows are read from it at this mention; filtered: under a WHERE that narrows.
  bool reads_rows = false;
  bool filtered = false;
  /// The statement makes it: the name is a new one, whatever has it already.
  bool declared = false;
  std::string_view schema() const { return (*range_var)["schemaname"].text(); }
  std::string_view name() const { return (*range_var)["relname"].text(); }
};

/// A name by which an expression may refer to rows: an alias, or the relation's own name.
struct RowSource {
  std::string_view name;
  std::optional<std::size_t>
      relation;  // index into References::relations; nullopt: a subquery, function, join or CTE
  const SqlNode* alias = nullptr;  // the Alias node, if one was written
};

struct FunctionUse {
  std::vector<std::string_view> name;  // as written: {"pg_catalog", "lower"}
  const SqlNode* call = nullptr;       // the FuncCall, if it is one
};

struct References {
  std::vector<RelationUse> relations;
  std::vector<RowSource> sources;
  std::vector<FunctionUse> functions;
  std::vector<std::string_view> cte_names;
  std::vector<std::string_view> dml;  // verbs of INSERT, UPDATE, DELETE and MERGE anywhere in it
  bool has_unknown_node = false;
};

References collect_references(const SqlNode& statement);

}  // namespace hoop::postgres
