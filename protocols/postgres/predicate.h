// SPDX-License-Identifier: Apache-2.0
// Whether a WHERE clause narrows what is read, or only looks as if it did.
#pragma once

#include "protocols/postgres/sql_tree.h"

namespace hoop::postgres {

/// False for an absent clause and for one that no column takes part in (true, 1 = 1, $1 = $1) or
/// that compares a column with itself; AND narrows if any side does, OR if every side does. A
/// tautology over real columns (id > 0) counts as narrowing.
bool narrows(const SqlNode& where);

}  // namespace hoop::postgres
