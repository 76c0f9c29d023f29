// SPDX-License-Identifier: Apache-2.0
// The resources of an action: the tables, functions and other objects that a statement names, fully
// qualified.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/access/action.h"
#include "protocols/postgres/catalog.h"
#include "protocols/postgres/references.h"

namespace hoop::postgres {

struct ResourceNames {
  const Catalog& catalog;
  const std::optional<std::vector<std::string>>& search_path;  // nullopt: every schema is meant
};

/// Fills action.resources, and the attributes "where" (absent if any table other than the system's
/// is read without a WHERE that narrows; missing if none is read) and "candidates" (many: a name
/// may mean several tables, all are listed; unresolved: the catalog does not know it).
void add_resources(access::Action& action, const SqlNode& statement, const References& references,
                   const ResourceNames& names);

}  // namespace hoop::postgres
