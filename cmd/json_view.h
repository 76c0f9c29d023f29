// SPDX-License-Identifier: Apache-2.0
// From a gateway's JSON to what the console shows.
#pragma once

#include <string_view>

#include "cmd/console.h"
#include "core/identity/json.h"

namespace hoop::cmd {

/// The member as a console value: null when it is missing; an object becomes "key=value" texts.
Value value_at(const identity::Json& object, std::string_view key);
/// The member's text, or nothing.
std::string text_at(const identity::Json& object, std::string_view key);

}  // namespace hoop::cmd
