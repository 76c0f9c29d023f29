// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/masked_use.h"

#include <algorithm>
#include <array>

#include "protocols/postgres/function_list.h"
#include "protocols/postgres/masked_columns.h"
#include "protocols/postgres/masked_literals.h"
#include "protocols/postgres/refusal.h"

namespace hoop::postgres {
namespace {

using Verdict = std::optional<access::Decision>;

std::string dotted(const std::vector<std::string_view>& parts) {
  std::string name;
  for (const std::string_view part : parts) name += (name.empty() ? "" : ".") + std::string(part);
  return name;
}

// Samples of column values, other sessions' statements, and the raw bytes of large values.
constexpr auto kTelling = std::to_array<std::string_view>({
    "pg_largeobject",
    "pg_stat_activity",
    "pg_stat_statements",
    "pg_statistic",
    "pg_statistic_ext_data",
    "pg_stats",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
});

Verdict judge_relations(const References& references, const Catalog& catalog) {
  for (const RelationUse& use : references.relations) {
    if (use.schema().starts_with("pg_toast") ||
        std::ranges::find(kTelling, use.name()) != kTelling.end())
      return refuse(RefusalCode::masked_statistics, use.name());
    for (const Relation* relation : masked_relations(*use.range_var, catalog)) {
      if (catalog.is_view_over_masked(relation->oid))
        return refuse(RefusalCode::masked_view, relation->schema + "." + relation->name);
    }
  }
  return std::nullopt;
}

bool is_transparent(const FunctionUse& use, const Catalog& catalog) {
  if (use.name.empty() || use.name.size() > 2) return false;
  const std::string_view name = use.name.back();
  if (use.name.size() == 2 && use.name[0] == "information_schema") return name.starts_with("_pg_");
  if (use.name.size() == 2 && use.name[0] != "pg_catalog") return false;
  return is_transparent_function(name) && (use.name.size() == 2 || !catalog.is_user_function(name));
}

bool is_own_operator(const SqlNode& name, const Catalog& catalog) {
  const auto parts = name_parts(name);
  if (parts.empty()) return false;
  if (parts.size() == 1) return catalog.is_user_operator(parts[0]);
  return parts[0] != "pg_catalog";
}

/// Operators and casts that are not PostgreSQL's, and statements inside statements that make code.
Verdict judge_nodes(const SqlNode& node, const Catalog& catalog) {
  for (const std::string_view field : {"name", "useOp", "operName"}) {
    const bool is_operator = (node.is("A_Expr") && field == "name") ||
                             (node.is("SortBy") && field == "useOp") ||
                             (node.is("SubLink") && field == "operName");
    if (is_operator && is_own_operator(node[field], catalog))
      return refuse(RefusalCode::opaque_function, "operator");
  }
  if (node.is("TypeCast")) {
    const auto parts = name_parts(node["typeName"]["names"]);
    if (!parts.empty() && catalog.is_user_function(parts.back()))
      return refuse(RefusalCode::opaque_function, dotted(parts));
  }
  if (const StatementKind* nested = statement_kind(node.type());
      nested && nested->masked == OnMaskedTarget::refused)
    return refuse(RefusalCode::masked_code);
  Verdict found;
  for_each_child(node, [&](const SqlNode& child) {
    if (!found) found = judge_nodes(child, catalog);
  });
  return found;
}

Verdict judge_names(const SqlNode& statement) {
  // What is renamed takes its columns along: only what no mask can hang on may be.
  if (statement.is("RenameStmt")) {
    constexpr auto kHarmless =
        std::to_array<std::string_view>({"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_INDEX",
                                         "OBJECT_SEQUENCE", "OBJECT_TABCONSTRAINT"});
    if (std::ranges::find(kHarmless, statement["renameType"].text()) == kHarmless.end())
      return refuse(RefusalCode::masked_definition);
  }
  if (statement.is("AlterTableStmt") && statement["objtype"].text() == "OBJECT_TYPE")
    return refuse(RefusalCode::masked_definition);
  // A prepared statement's rows may hold masked columns, and here they would not go to the row
  // masker.
  if (statement.is("CreateTableAsStmt") && statement["query"].is("ExecuteStmt"))
    return refuse(RefusalCode::masked_derived);
  if (statement.is("ExplainStmt") && statement["query"].is("ExecuteStmt"))
    return refuse(RefusalCode::masked_explain);
  return std::nullopt;
}

Verdict judge_copy(const SqlNode& statement, const MaskedColumns& columns) {
  if (!statement["relation"].present() || statement["is_from"].flag() ||
      !columns.is_masked_relation(statement["relation"]))
    return std::nullopt;
  const auto names = name_parts(statement["attlist"]);
  if (names.empty() || std::ranges::any_of(names, [&](std::string_view name) {
        return columns.is_masked_name(name);
      }))
    return refuse(RefusalCode::masked_copy);
  return std::nullopt;
}

}  // namespace

std::vector<const Relation*> masked_relations(const SqlNode& range_var, const Catalog& catalog) {
  const SqlNode& schema = range_var["schemaname"];
  const auto wanted = schema.present() ? std::optional(schema.text()) : std::nullopt;
  auto found = catalog.find(wanted, range_var["relname"].text(), std::nullopt);
  std::erase_if(found,
                [&](const Relation* relation) { return !catalog.touches_masked(relation->oid); });
  return found;
}

MaskedUse judge_masked_use(const SqlNode& statement, const StatementKind& kind,
                           const References& references, const Catalog& catalog) {
  MaskedUse use;
  use.touches_masked =
      kind.verb == "fetch" || kind.verb == "execute" || kind.verb == "call" || kind.verb == "do";
  const MaskedColumns columns(statement, references, catalog);
  // What a prepared statement or a procedure does with the values it is given is not known here.
  if (use.touches_masked) {
    use.literals = all_literals(statement);
  } else if (columns.any()) {
    use.literals = masked_literals(statement, columns);
  }
  use.touches_masked = use.touches_masked || columns.any();
  if (references.has_unknown_node) use.refusal = refuse(RefusalCode::unknown_statement);
  if (!use.refusal) use.refusal = judge_nodes(statement, catalog);
  if (!use.refusal) use.refusal = judge_names(statement);
  if (!use.refusal) use.refusal = judge_relations(references, catalog);
  for (const FunctionUse& function : references.functions) {
    if (!use.refusal && !is_transparent(function, catalog))
      use.refusal = refuse(RefusalCode::opaque_function, dotted(function.name));
  }
  if (use.refusal || !columns.any()) return use;
  if (kind.masked == OnMaskedTarget::unless_masked)
    use.refusal = refuse(RefusalCode::masked_definition);
  if (!use.refusal && statement.is("ExplainStmt"))
    use.refusal = refuse(RefusalCode::masked_explain);
  if (!use.refusal && statement.is("CopyStmt")) use.refusal = judge_copy(statement, columns);
  if (!use.refusal) use.refusal = columns.judge();
  return use;
}

}  // namespace hoop::postgres
