// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/masked_columns.h"

#include <algorithm>
#include <array>

#include "protocols/postgres/masked_use.h"
#include "protocols/postgres/refusal.h"

namespace hoop::postgres {
namespace {

constexpr auto kSystemColumns =
    std::to_array<std::string_view>({"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"});

constexpr auto kPredicateFields = std::to_array<std::string_view>({
    "agg_filter",
    "agg_order",
    "condition",
    "distinctClause",
    "groupClause",
    "havingClause",
    "joinCondition",
    "limitCount",
    "limitOffset",
    "orderClause",
    "partitionClause",
    "quals",
    "sortClause",
    "usingClause",
    "whereClause",
    "windowClause",
});

bool is_star(const SqlNode& column) {
  const auto fields = column["fields"].items();
  return !fields.empty() && fields.back().is("A_Star");
}

/// The query whose rows the program receives with their origin: the statement, or what PREPARE and
/// DECLARE wrap.
const SqlNode* outermost_query(const SqlNode& statement) {
  if (statement.is("PrepareStmt") || statement.is("DeclareCursorStmt"))
    return outermost_query(statement["query"]);
  if (statement.is("SelectStmt")) {
    const bool plain = statement["op"].text() == "SETOP_NONE" && !statement["intoClause"].present();
    return plain ? &statement : nullptr;
  }
  const bool returns =
      statement.is("InsertStmt") || statement.is("UpdateStmt") || statement.is("DeleteStmt");
  return returns ? &statement : nullptr;
}

const SqlNode& outputs_of(const SqlNode& query) {
  return query[query.is("SelectStmt") ? "targetList" : "returningList"];
}

}  // namespace

MaskedColumns::MaskedColumns(const SqlNode& statement, const References& references,
                             const Catalog& catalog)
    : statement_(statement), references_(references), catalog_(catalog) {
  for (std::size_t i = 0; i < references.relations.size(); ++i) {
    for (const Relation* relation : masked_relations(*references.relations[i].range_var, catalog)) {
      relations_.emplace_back(i, relation);
      for (const auto& [name, allowed] : catalog.masked_names(relation->oid)) {
        const auto [known, is_new] = names_.try_emplace(name, allowed);
        if (!is_new) known->second = std::min(known->second, allowed);
      }
    }
  }
  if (!any()) return;
  find_outputs();
  find_harmless_stars(statement);
}

access::InPredicates MaskedColumns::in_predicates(std::string_view column) const {
  const auto found = names_.find(column);
  return found == names_.end() ? access::InPredicates::deny : found->second;
}

bool MaskedColumns::is_masked_relation(const SqlNode& range_var) const {
  return !masked_relations(range_var, catalog_).empty();
}

void MaskedColumns::find_outputs() {
  outermost_ = outermost_query(statement_);
  if (outermost_ == nullptr) return;
  for (const SqlNode& output : outputs_of(*outermost_).items()) {
    if (output["val"].is("ColumnRef")) plain_outputs_.insert(&output["val"]);
  }
}

bool MaskedColumns::reads_masked_directly(const SqlNode& from_item) const {
  if (from_item.is("RangeVar")) return is_masked_relation(from_item);
  if (from_item.is("RangeTableSample")) return reads_masked_directly(from_item["relation"]);
  if (from_item.is("JoinExpr"))
    return reads_masked_directly(from_item["larg"]) || reads_masked_directly(from_item["rarg"]);
  return false;  // subqueries and functions are judged by themselves: no masked column comes out of
                 // them
}

/// '*' over sources without masked columns, and the select list of EXISTS, which is never computed.
void MaskedColumns::find_harmless_stars(const SqlNode& node) {
  if (node.is("SubLink") && node["subLinkType"].text() == "EXISTS_SUBLINK") {
    for (const SqlNode& output : node["subselect"]["targetList"].items()) {
      if (output["val"].is("ColumnRef") && is_star(output["val"]))
        harmless_stars_.insert(&output["val"]);
    }
  }
  if (node.is("SelectStmt") &&
      std::ranges::none_of(node["fromClause"].items(),
                           [&](const SqlNode& f) { return reads_masked_directly(f); })) {
    for (const SqlNode& output : node["targetList"].items()) {
      const SqlNode& value = output["val"];
      if (value.is("ColumnRef") && is_star(value) && value["fields"].items().size() == 1)
        harmless_stars_.insert(&value);
    }
  }
  for_each_child(node, [&](const SqlNode& child) { find_harmless_stars(child); });
}

bool MaskedColumns::is_masked_source(std::string_view name) const {
  return std::ranges::any_of(references_.sources, [&](const RowSource& source) {
    return source.name == name && source.relation &&
           std::ranges::any_of(
               relations_, [&](const auto& masked) { return masked.first == *source.relation; });
  });
}

bool MaskedColumns::is_unmasked_source(std::string_view name) const {
  return !is_masked_source(name) &&
         std::ranges::any_of(references_.sources,
                             [&](const RowSource& s) { return s.name == name; });
}

/// a.b is a function call, b(a), where a has no column b: only real columns may be named that way.
bool MaskedColumns::is_column_of(std::string_view source, std::string_view column) const {
  if (std::ranges::find(kSystemColumns, column) != kSystemColumns.end()) return true;
  return std::ranges::all_of(references_.sources, [&](const RowSource& candidate) {
    if (candidate.name != source || !candidate.relation) return true;
    return std::ranges::all_of(relations_, [&](const auto& masked) {
      return masked.first != *candidate.relation || catalog_.has_column(masked.second->oid, column);
    });
  });
}

std::optional<access::Decision> MaskedColumns::judge() const {
  if (auto verdict = judge_sources()) return verdict;
  if (auto verdict = judge_outputs()) return verdict;
  return judge_node(statement_, Clause::value);
}

MaskedColumns::Verdict MaskedColumns::judge_sources() const {
  for (const RowSource& source : references_.sources) {
    // An alias with column names gives masked columns other names.
    const bool masked = is_masked_source(source.name);
    if (masked && source.alias != nullptr && (*source.alias)["colnames"].present())
      return refuse(RefusalCode::masked_derived,
                    "column aliases of '" + std::string(source.name) + "'");
  }
  for (const std::string_view cte : references_.cte_names) {
    const bool same = std::ranges::any_of(
        relations_, [&](const auto& masked) { return masked.second->name == cte; });
    if (same)
      return refuse(RefusalCode::masked_derived,
                    "WITH name '" + std::string(cte) + "' is also a table's");
  }
  return std::nullopt;
}

bool MaskedColumns::is_plain_masked(const SqlNode& output) const {
  const SqlNode& value = output["val"];
  if (!value.is("ColumnRef")) return false;
  return is_star(value) ? !harmless_stars_.contains(&value)
                        : is_masked_name(string_value(value["fields"].items().back()));
}

/// The outermost select list: DISTINCT, positions and output names must not reach a masked output.
MaskedColumns::Verdict MaskedColumns::judge_outputs() const {
  if (outermost_ == nullptr || !outermost_->is("SelectStmt")) return std::nullopt;
  const auto outputs = outputs_of(*outermost_).items();
  if (std::ranges::none_of(outputs, [&](const SqlNode& o) { return is_plain_masked(o); }))
    return std::nullopt;
  if ((*outermost_)["distinctClause"].present())
    return refuse(RefusalCode::masked_predicate, "DISTINCT");
  std::size_t first_star = 0;
  while (first_star < outputs.size() && !is_star(outputs[first_star]["val"])) ++first_star;
  for (const std::string_view clause : {"sortClause", "groupClause"}) {
    if (auto verdict = judge_positions((*outermost_)[clause], first_star, outputs)) return verdict;
  }
  return std::nullopt;
}

MaskedColumns::Verdict MaskedColumns::judge_positions(const SqlNode& clause, std::size_t first_star,
                                                      std::span<const SqlNode> outputs) const {
  if (clause.is("A_Const") && clause["ival"].present()) {
    const std::int64_t position = clause["ival"]["ival"].number();
    const auto index = static_cast<std::size_t>(position - 1);
    // Behind a star nobody knows here which column a position is.
    if (position < 1 || index >= first_star || is_plain_masked(outputs[index]))
      return refuse(RefusalCode::masked_predicate, "position");
    return std::nullopt;
  }
  if (clause.is("ColumnRef") && clause["fields"].items().size() == 1) {
    const std::string_view name = string_value(clause["fields"].items()[0]);
    const bool denotes_masked = std::ranges::any_of(outputs, [&](const SqlNode& o) {
      return !name.empty() && o["name"].text() == name && is_plain_masked(o);
    });
    if (denotes_masked) return refuse(RefusalCode::masked_predicate, name);
  }
  Verdict found;
  for_each_child(clause, [&](const SqlNode& child) {
    if (!found) found = judge_positions(child, first_star, outputs);
  });
  return found;
}

MaskedColumns::Verdict MaskedColumns::judge_node(const SqlNode& node, Clause clause) const {
  if (node.is("ColumnRef")) return judge_column(node, clause);
  if (clause == Clause::predicate && is_permitted_equality(node)) return std::nullopt;
  if (auto verdict = judge_struct(node)) return verdict;
  for (const SqlField& field : node.fields()) {
    // The proposed row is the program's own values: it may be taken over as it is.
    if (node.is("ResTarget") && field.name == "val" && field.value.is("ColumnRef")) {
      const auto parts = name_parts(field.value["fields"]);
      const bool declared = std::ranges::any_of(
          references_.sources, [](const RowSource& s) { return s.name == "excluded"; });
      if (parts.size() == 2 && parts[0] == "excluded" && parts[1] != "*" && !declared) continue;
    }
    const bool predicate =
        std::ranges::find(kPredicateFields, field.name) != kPredicateFields.end();
    if (auto verdict = judge_node(field.value, predicate ? Clause::predicate : clause))
      return verdict;
  }
  for (const SqlNode& item : node.items()) {
    if (auto verdict = judge_node(item, clause)) return verdict;
  }
  return std::nullopt;
}

/// column = value, and column IN (values), of values that stand in the text or are parameters: who
/// knows the value may ask for its rows. Two columns of the table compared with each other, or with
/// what a query finds, would say what the asker does not know.
bool MaskedColumns::is_permitted_equality(const SqlNode& node) const {
  if (!node.is("A_Expr") || name_parts(node["name"]) != std::vector<std::string_view>{"="})
    return false;
  const auto is_column = [&](const SqlNode& side) {
    if (!side.is("ColumnRef") || is_star(side)) return false;
    const auto parts = name_parts(side["fields"]);
    if (parts.empty() || is_masked_source(parts.back())) return false;
    if (parts.size() >= 2 && !is_column_of(parts[parts.size() - 2], parts.back())) return false;
    return in_predicates(parts.back()) != access::InPredicates::deny;
  };
  const auto is_value = [](const SqlNode& side) {
    const SqlNode& value = side.is("TypeCast") ? side["arg"] : side;
    return value.is("A_Const") || value.is("ParamRef");
  };
  const SqlNode& left = node["lexpr"];
  const SqlNode& right = node["rexpr"];
  if (node["kind"].text() == "AEXPR_OP")
    return (is_column(left) && is_value(right)) || (is_value(left) && is_column(right));
  if (node["kind"].text() != "AEXPR_IN" || !is_column(left)) return false;
  const auto values = right.is("List") ? right["items"].items() : right.items();
  return !values.empty() && std::ranges::all_of(values, is_value);
}

/// Names of columns that are not column references.
MaskedColumns::Verdict MaskedColumns::judge_struct(const SqlNode& node) const {
  if (node.is("JoinExpr")) {
    const bool masked = reads_masked_directly(node);
    if (masked && node["isNatural"].flag())
      return refuse(RefusalCode::masked_predicate, "NATURAL JOIN");
    if (masked && node["alias"].present())
      return refuse(RefusalCode::masked_derived, "alias of a join");
    for (const std::string_view column : name_parts(node["usingClause"])) {
      if (is_masked_name(column)) return refuse(RefusalCode::masked_predicate, column);
    }
  }
  if (node.is("IndexElem") && is_masked_name(node["name"].text()))
    return refuse(RefusalCode::masked_predicate, node["name"].text());
  if (node.is("A_Indirection")) {
    for (const std::string_view part : name_parts(node["indirection"])) {
      if (is_masked_name(part)) return refuse(RefusalCode::masked_derived, part);
    }
  }
  if (node.is("Constraint") && node["pktable"].present() && is_masked_relation(node["pktable"])) {
    // Whether a row that refers to a guess can be inserted answers the guess.
    const auto keys = name_parts(node["pk_attrs"]);
    if (keys.empty() ||
        std::ranges::any_of(keys, [&](std::string_view key) { return is_masked_name(key); }))
      return refuse(RefusalCode::masked_predicate, "REFERENCES without an unmasked column");
  }
  if (node.is("InsertStmt")) return judge_conflict(node);
  return std::nullopt;
}

/// ON CONFLICT answers whether a value is there: its columns must be named, and not be masked
/// (IndexElem is judged above).
MaskedColumns::Verdict MaskedColumns::judge_conflict(const SqlNode& insert) const {
  const SqlNode& conflict = insert["onConflictClause"];
  if (!conflict.present() || !is_masked_relation(insert["relation"])) return std::nullopt;
  if (conflict["infer"]["indexElems"].items().empty())
    return refuse(RefusalCode::masked_predicate, "ON CONFLICT without unmasked columns");
  return std::nullopt;
}

MaskedColumns::Verdict MaskedColumns::judge_star(const SqlNode& column,
                                                 const std::vector<std::string_view>& parts) const {
  if (plain_outputs_.contains(&column) || harmless_stars_.contains(&column)) return std::nullopt;
  if (parts.size() >= 2 && is_unmasked_source(parts[parts.size() - 2])) return std::nullopt;
  return refuse(parts.size() >= 2 ? RefusalCode::masked_whole_row : RefusalCode::masked_derived,
                "*");
}

MaskedColumns::Verdict MaskedColumns::judge_column(const SqlNode& column, Clause clause) const {
  const auto parts = name_parts(column["fields"]);
  if (parts.empty()) return refuse(RefusalCode::unknown_statement);
  if (is_star(column)) return judge_star(column, parts);
  const std::string_view name = parts.back();
  if (parts.size() == 1 && is_masked_source(name))
    return refuse(RefusalCode::masked_whole_row, name);
  if (parts.size() >= 2) {
    const std::string_view source = parts[parts.size() - 2];
    if (is_unmasked_source(source)) return std::nullopt;
    if (is_masked_source(source) && !is_column_of(source, name))
      return refuse(RefusalCode::masked_whole_row, name);
  }
  if (!is_masked_name(name) || plain_outputs_.contains(&column)) return std::nullopt;
  if (clause == Clause::predicate && in_predicates(name) == access::InPredicates::allow)
    return std::nullopt;
  return refuse(
      clause == Clause::predicate ? RefusalCode::masked_predicate : RefusalCode::masked_derived,
      name);
}

}  // namespace hoop::postgres
