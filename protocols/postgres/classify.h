// SPDX-License-Identifier: Apache-2.0
// SQL to Actions by libpg_query (PostgreSQL's own grammar), and what masks forbid in a statement.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/action.h"
#include "core/access/policy.h"
#include "protocols/postgres/catalog.h"
#include "protocols/postgres/copy_text.h"

namespace hoop::postgres {

enum class TransactionStep { none, begin, commit, rollback, other };
enum class CopyDirection { none, in, out };

/// One statement of a string, judged as far as it can be without the gate.
struct Statement {
  access::Action action;
  /// Set when masks or the fixed rules (design "Credentials by protocol") forbid it, whatever
  /// policy says; effect is deny.
  std::optional<access::Decision> refusal;
  /// A masked relation is referred to, or it cannot be told (FETCH, EXECUTE, CALL): server messages
  /// about it may quote values.
  bool touches_masked = false;
  /// Values of the program's are written by it: parameters may be among them.
  bool writes_values = false;
  /// One of its literals is what a mask shows, and would be written.
  bool writes_mask = false;
  /// With other numbers in its text (number_pattern.h) something here might read otherwise.
  bool depends_on_numbers = true;
  /// It can write: a row limit withholds rows but lets it finish.
  bool can_write = false;
  /// It may create, drop or change relations or functions: the catalog must be read anew before the
  /// next statement is judged.
  bool changes_catalog = false;
  /// It may change search_path: unqualified names stand for every relation of that name from then
  /// on.
  bool changes_search_path = false;
  /// It gives the name of a prepared statement, or of a portal, another meaning behind the
  /// protocol's back, or none any more.
  struct Renames {
    enum class What { nothing, statement, portal } what = What::nothing;
    std::string name;  // empty: all of them
  } renames = {};
  /// SQL's EXECUTE, also inside another statement, of the prepared statement of this name; empty:
  /// of none.
  std::string executes = {};
  TransactionStep transaction = TransactionStep::none;
  CopyDirection copy = CopyDirection::none;
  std::shared_ptr<const CopyText> copy_text;  // of every COPY … TO
};

/// What the names in a statement are resolved with.
struct NameContext {
  std::shared_ptr<const Catalog> catalog;
  /// The schemas of unqualified names, in order; nullopt: unknown since a SET search_path, so every
  /// schema is meant.
  std::optional<std::vector<std::string>> search_path;
  std::string session_role;  // hoop_<id>
  std::string mapped_role;
};

/// Classifies every statement of sql. Unreadable SQL gives one Statement with verb "unknown" and a
/// refusal; never fails open. sql is at most kMaxStatementBytes. Needs a deep stack: call on a
/// thread made by run_on_deep_stack.
std::vector<Statement> classify(std::string_view sql, const NameContext& names);

/// The same statement with other numbers in its text, for one that does not depend on them.
Statement with_text(const Statement& judged, std::string_view sql);

inline constexpr std::size_t kMaxStatementBytes = 16U
                                                  << 20;  // design "Rules", 6: the held-message cap

}  // namespace hoop::postgres
