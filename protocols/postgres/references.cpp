// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/references.h"

#include <algorithm>

#include "protocols/postgres/predicate.h"

namespace hoop::postgres {
namespace {

using access::Access;

/// The names that WITH clauses around a node define, innermost first.
struct Scope {
  const Scope* outer = nullptr;
  std::vector<std::string_view> names;

  bool defines(std::string_view name) const {
    for (const Scope* at = this; at != nullptr; at = at->outer) {
      if (std::ranges::find(at->names, name) != at->names.end()) return true;
    }
    return false;
  }
};

/// What a RangeVar means where it stands.
struct Place {
  const Scope* scope = nullptr;
  Access access = Access::read;
  bool reads_rows = false;
  bool filtered = false;
  bool declares = false;

  Place within(const Scope& inner) const { return {&inner, Access::read, false, false, false}; }
  Place reading(const SqlNode& where) const {
    return {scope, Access::read, true, narrows(where), false};
  }
  Place writing() const { return {scope, Access::write, false, false, false}; }
  Place declaring() const { return {scope, Access::write, false, false, true}; }
  Place expression() const { return {scope, Access::read, false, false, false}; }
};

std::string_view dml_verb(const SqlNode& node) {
  if (node.is("InsertStmt")) return "insert";
  if (node.is("UpdateStmt")) return "update";
  if (node.is("DeleteStmt")) return "delete";
  if (node.is("MergeStmt")) return "merge";
  return {};
}

class Collector {
 public:
  explicit Collector(References& found) : found_(found) {}

  void visit(const SqlNode& node, const Place& place) {
    if (node.kind() == SqlNode::Kind::list) {
      for (const SqlNode& item : node.items()) visit(item, place);
      return;
    }
    if (node.kind() != SqlNode::Kind::object) return;
    if (!is_raw_node_type(node.type())) found_.has_unknown_node = true;
    if (node.is("SelectStmt") || !dml_verb(node).empty()) return visit_query(node, place);
    if (node.is("RangeVar")) return visit_relation(node, place);
    if (node.is("LockingClause")) return;  // lockedRels are aliases
    if (node.is("CopyStmt")) return visit_copy(node, place);
    if (node.is("FuncCall")) found_.functions.push_back({name_parts(node["funcname"]), &node});
    if (node.is("CreateTrigStmt"))
      found_.functions.push_back({name_parts(node["funcname"]), nullptr});
    if (node.is("RangeTableSample"))
      found_.functions.push_back({name_parts(node["method"]), nullptr});
    if (node.is("RangeSubselect") || node.is("RangeFunction") || node.is("RangeTableFunc") ||
        node.is("JoinExpr")) {
      note_alias(node["alias"]);
      note_alias(node["join_using_alias"]);
    }
    visit_fields(node, place);
  }

 private:
  void note_alias(const SqlNode& alias) {
    if (alias.present())
      found_.sources.push_back({alias["aliasname"].text(), std::nullopt, &alias});
  }

  void visit_fields(const SqlNode& node, const Place& place) {
    for (const SqlField& field : node.fields()) {
      // These name relations that the statement leans on without changing them.
      const bool only_read =
          field.name == "inhRelations" || field.name == "pktable" || node.is("TableLikeClause");
      const bool declares = field.name == "rel" || field.name == "view" ||
                            field.name == "typevar" ||
                            (node.is("CreateStmt") && field.name == "relation") ||
                            (node.is("CreateSeqStmt") && field.name == "sequence");
      visit(field.value, only_read ? place.expression() : declares ? place.declaring() : place);
    }
  }

  void visit_relation(const SqlNode& node, const Place& place) {
    const SqlNode& alias = node["alias"];
    const std::string_view name =
        alias.present() ? alias["aliasname"].text() : node["relname"].text();
    const bool is_cte = place.access == Access::read && !node["schemaname"].present() &&
                        place.scope != nullptr && place.scope->defines(node["relname"].text());
    RowSource source{name, std::nullopt, alias.present() ? &alias : nullptr};
    if (!is_cte) {
      source.relation = found_.relations.size();
      found_.relations.push_back(
          {&node, place.access, place.reads_rows, place.filtered, place.declares});
    }
    found_.sources.push_back(source);
  }

  void visit_copy(const SqlNode& node, const Place& place) {
    for (const SqlField& field : node.fields()) {
      const bool out = field.name == "relation" && !node["is_from"].flag();
      visit(field.value, out ? place.reading(SqlNode()) : place);
    }
  }

  /// The WITH clause's own queries see each other as PostgreSQL lets them: all names if RECURSIVE,
  /// else the earlier ones.
  void visit_with(const SqlNode& with, Scope& scope, const Place& outer) {
    const auto ctes = with["ctes"].items();
    for (const SqlNode& cte : ctes) {
      found_.cte_names.push_back(cte["ctename"].text());
      if (with["recursive"].flag()) scope.names.push_back(cte["ctename"].text());
    }
    for (const SqlNode& cte : ctes) {
      visit(cte, outer.within(scope));
      if (!with["recursive"].flag()) scope.names.push_back(cte["ctename"].text());
    }
  }

  void visit_query(const SqlNode& node, const Place& outer) {
    Scope scope{outer.scope, {}};
    visit_with(node["withClause"], scope, outer);
    const Place here = outer.within(scope);
    const std::string_view verb = dml_verb(node);
    if (!verb.empty()) found_.dml.push_back(verb);
    for (const SqlField& field : node.fields()) {
      if (field.name == "withClause") continue;
      visit(field.value, place_of(node, verb, field.name, here));
    }
  }

  static Place place_of(const SqlNode& node, std::string_view verb, std::string_view field,
                        const Place& here) {
    if (field == "intoClause") return here.writing();
    if (field == "fromClause" || field == "usingClause") return here.reading(node["whereClause"]);
    if (field == "sourceRelation") return here.reading(SqlNode());  // ON is a join, not a filter
    if (field != "relation") return here.expression();
    Place target = here.writing();
    target.reads_rows = verb != "insert";
    target.filtered = verb != "merge" && narrows(node["whereClause"]);
    return target;
  }

  References& found_;
};

}  // namespace

References collect_references(const SqlNode& statement) {
  References found;
  // Outside queries a relation is what the statement acts upon.
  Collector(found).visit(statement, Place{nullptr, Access::write, false, false, false});
  return found;
}

}  // namespace hoop::postgres
