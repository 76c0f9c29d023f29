// SPDX-License-Identifier: Apache-2.0
// Passwords at rest: scrypt with N = 2^15, r = 8, p = 1 and 16 bytes of salt. One hash takes about
// 80 ms and 32 MiB.
#pragma once

#include <string>
#include <string_view>

#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::gateway::idp {

/// "$scrypt$ln=15,r=8,p=1$SALT$HASH", both base64url.
std::string hash_password(const SecretText& password, Random& random);
/// False also for a stored text that is no such hash. Takes as long whether or not they match.
bool password_matches(const SecretText& password, std::string_view stored);
/// A hash that nothing matches: compared with when a user does not exist, so that the answer takes
/// as long.
std::string unmatchable_hash(Random& random);

}  // namespace hoop::gateway::idp
