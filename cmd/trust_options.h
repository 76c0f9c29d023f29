// SPDX-License-Identifier: Apache-2.0
// What --ca and --ca-sha256 name.
#pragma once

#include <string>

#include "core/base/error.h"

namespace hoop::cmd {

/// "AA:BB…" or "aabb…" as people copy it; as hex. Fails with usage.
Result<std::string> read_ca_digest(std::string text);
/// The PEM in a file. Fails with usage.
Result<std::string> read_ca_file(const std::string& path);

}  // namespace hoop::cmd
