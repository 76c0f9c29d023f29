// SPDX-License-Identifier: Apache-2.0
// Reads a file that the user named.
#pragma once

#include <cstddef>
#include <string>

#include "core/base/error.h"

namespace hoop::cmd {

/// All of it. Fails with usage: the name on the command line is wrong, or the file is larger than
/// max_bytes.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

}  // namespace hoop::cmd
