// SPDX-License-Identifier: Apache-2.0
// What masks forbid in a statement. Conservative: whatever is not seen to be harmless is refused.
//
// A masked column may stand, by its plain name or by '*', in the select list or RETURNING of the
// outermost statement only: there PostgreSQL's RowDescription names its table and number, and the
// row masker hides the value. Anywhere else it would be compared (a guess is answered by a row
// count), computed with, or stored under another name.
#pragma once

#include <optional>

#include "core/access/policy.h"
#include "protocols/postgres/catalog.h"
#include "protocols/postgres/references.h"
#include "protocols/postgres/statement_kind.h"

namespace hoop::postgres {

struct MaskedUse {
  std::optional<access::Decision> refusal;
  /// The statement refers to masked columns' relations, or what it refers to cannot be told (FETCH,
  /// EXECUTE).
  bool touches_masked = false;
  /// Where literals begin that the log must not show.
  std::vector<std::size_t> literals;
};

/// catalog must have masks.
MaskedUse judge_masked_use(const SqlNode& statement, const StatementKind& kind,
                           const References& references, const Catalog& catalog);

/// The relations with masked columns that the name may mean: of its schema, or of any schema if it
/// names none.
std::vector<const Relation*> masked_relations(const SqlNode& range_var, const Catalog& catalog);

}  // namespace hoop::postgres
