// SPDX-License-Identifier: Apache-2.0
// What no policy can allow (design "Credentials by protocol"): whatever could leave a login behind,
// change who the session is, or change how SQL is read.
#pragma once

#include <optional>
#include <string_view>

#include "core/access/policy.h"
#include "protocols/postgres/references.h"

namespace hoop::postgres {

/// The decision that forbids the statement, or nullopt. Looks into nested statements too.
std::optional<access::Decision> fixed_refusal(const SqlNode& statement,
                                              const References& references,
                                              std::string_view mapped_role);

/// True if the statement can change search_path: SET, RESET ALL, DISCARD ALL, set_config.
bool changes_search_path(const SqlNode& statement, const References& references);

}  // namespace hoop::postgres
