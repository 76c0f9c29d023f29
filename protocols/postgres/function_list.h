// SPDX-License-Identifier: Apache-2.0
// The built-in functions whose reading is known, and those that no session may call.
#pragma once

#include <string_view>

namespace hoop::postgres {

/// A function of pg_catalog that sees nothing but its arguments and the system's own description:
/// reads no user table, runs no text as SQL, shows no other session's statements. On a target with
/// masks only these may be called.
bool is_transparent_function(std::string_view name);

/// True for those of them that change something (nextval, set_config, advisory locks).
bool is_writing_function(std::string_view name);

/// Reads server files, runs text as SQL where no rule can see it, or leaves the database: refused
/// whatever the policy.
bool is_forbidden_function(std::string_view name);

}  // namespace hoop::postgres
