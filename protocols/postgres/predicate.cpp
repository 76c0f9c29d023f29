// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/predicate.h"

#include <algorithm>

namespace hoop::postgres {
namespace {

bool mentions_column(const SqlNode& node) {
  if (node.is("ColumnRef")) return true;
  if (node.is("CurrentOfExpr")) return true;  // one row
  bool found = false;
  for_each_child(node, [&](const SqlNode& child) { found = found || mentions_column(child); });
  return found;
}

bool same_tree(const SqlNode& a, const SqlNode& b) {
  if (a.kind() != b.kind() || a.type() != b.type() || a.text() != b.text() ||
      a.number() != b.number() || a.items().size() != b.items().size() ||
      a.fields().size() != b.fields().size())
    return false;
  for (std::size_t i = 0; i < a.items().size(); ++i) {
    if (!same_tree(a.items()[i], b.items()[i])) return false;
  }
  for (std::size_t i = 0; i < a.fields().size(); ++i) {
    const SqlField& left = a.fields()[i];
    const SqlField& right = b.fields()[i];
    if (left.name != right.name) return false;
    if (left.name != "location" && !same_tree(left.value, right.value)) return false;
  }
  return true;
}

}  // namespace

bool narrows(const SqlNode& where) {
  if (!where.present() || !mentions_column(where)) return false;
  if (where.is("BoolExpr")) {
    const auto args = where["args"].items();
    if (where["boolop"].text() == "AND_EXPR") return std::ranges::any_of(args, narrows);
    if (where["boolop"].text() == "OR_EXPR") return std::ranges::all_of(args, narrows);
    return true;
  }
  if (where.is("A_Expr") && where["lexpr"].present())
    return !same_tree(where["lexpr"], where["rexpr"]);
  if (where.is("TypeCast") || where.is("CollateClause")) return narrows(where["arg"]);
  return true;
}

}  // namespace hoop::postgres
