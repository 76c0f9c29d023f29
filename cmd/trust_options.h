// SPDX-License-Identifier: Apache-2.0
// What --ca and --ca-sha256 name, or the variables in their place.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::cmd {

// `from` is the option or the variable, for the error.

/// "AA:BB…" or "aabb…" as people copy it; as hex. Fails with usage.
Result<std::string> read_ca_digest(std::string text, std::string_view from = "--ca-sha256");
/// The PEM in a file. Fails with usage.
Result<std::string> read_ca_file(const std::string& path, std::string_view from = "--ca");

}  // namespace hoop::cmd
