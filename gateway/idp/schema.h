// SPDX-License-Identifier: Apache-2.0
// The identity provider's tables.
#pragma once

#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

/// Makes the tables and columns that are not there yet.
Result<void> make_tables(Database& database);

}  // namespace hoop::gateway::idp
