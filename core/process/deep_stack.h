// SPDX-License-Identifier: Apache-2.0
// Runs work on a thread whose stack is large enough for PostgreSQL's recursive parser.
#pragma once

#include <cstddef>
#include <functional>

namespace hoop::process {

/// Address space only: pages are committed when they are first touched, so a session that parses
/// ordinary SQL pays for a few. The classifier caps tokens so that the worst statement (about 125
/// bytes of parser stack a token) fits with room to spare.
inline constexpr std::size_t kDeepStackBytes = std::size_t{256} << 20;

/// Calls work on a thread of its own with a stack of kDeepStackBytes and a guard below it, waits
/// for its end and answers its value. An exception of work is thrown again here. Where such a
/// thread cannot be made: std::system_error.
int run_on_deep_stack(std::function<int()> work);

}  // namespace hoop::process
