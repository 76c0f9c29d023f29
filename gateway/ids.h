// SPDX-License-Identifier: Apache-2.0
// Names that nobody can guess.
#pragma once

#include <string>
#include <string_view>

#include "core/base/random.h"

namespace hoop::gateway {

/// The prefix and 26 characters of base32: 128 random bits.
std::string new_id(std::string_view prefix, Random& random);
/// "s_" and such.
std::string new_session_id(Random& random);

}  // namespace hoop::gateway
