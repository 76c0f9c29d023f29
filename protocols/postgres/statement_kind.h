// SPDX-License-Identifier: Apache-2.0
// What each kind of PostgreSQL statement is in the words of policy, and what it may do on a target
// with masks.
#pragma once

#include <string>
#include <string_view>

#include "protocols/postgres/sql_tree.h"

namespace hoop::postgres {

/// On a target that has masks. unless_masked: refused if it names a relation with masked columns.
enum class OnMaskedTarget { judged_by_use, unless_masked, refused };
enum class Effects { none, writes, changes_catalog };

struct StatementKind {
  std::string_view type;    // "CreateStmt"
  std::string_view verb;    // "create"
  std::string_view object;  // "table"; empty: none, or told by the statement itself
  Effects effects = Effects::none;
  OnMaskedTarget masked = OnMaskedTarget::judged_by_use;
};

/// nullptr for a statement that this program does not know.
const StatementKind* statement_kind(std::string_view type);
/// The kind of object that a statement is about: "table", "materialized_view"; empty if it is about
/// none.
std::string object_of(const StatementKind& kind, const SqlNode& statement);

}  // namespace hoop::postgres
