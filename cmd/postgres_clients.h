// SPDX-License-Identifier: Apache-2.0
// How libpq and its kin find an endpoint.
#pragma once

#include <string>
#include <vector>

#include "cmd/program_environment.h"
#include "cmd/target_endpoint.h"

namespace hoop::cmd {

using Endpoints = std::vector<const TargetEndpoint*>;

/// The database that a session begins in.
std::string database_of(const TargetEndpoint& endpoint);
std::string password_file_of(const TargetEndpoint& endpoint);
/// A line of a password file (pgpass) that fits this endpoint alone.
SecretText password_line(const TargetEndpoint& endpoint);
/// A connection URI of libpq that names that password file and holds no secret.
std::string postgres_url(const TargetEndpoint& endpoint, std::string_view password_file);

/// What a program is told of databases: plainly of the first; of several each by service, by URL,
/// and all by one password file. Writes files into the first one's folder. endpoints: of databases,
/// in their order; is_alone: the program has no other targets.
Result<Variables> postgres_variables(const Endpoints& endpoints, bool is_alone);

}  // namespace hoop::cmd
