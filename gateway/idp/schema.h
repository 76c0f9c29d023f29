// SPDX-License-Identifier: Apache-2.0
// The identity provider's tables, and how a time stands in them.
#pragma once

#include "core/base/clock.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

/// Makes the tables that are not there yet.
Result<void> make_tables(Database& database);

/// Milliseconds since 1970.
inline std::int64_t to_column(SystemTime time) { return time.time_since_epoch().count(); }
inline SystemTime from_column(std::int64_t value) {
  return SystemTime(std::chrono::milliseconds(value));
}

}  // namespace hoop::gateway::idp
