// SPDX-License-Identifier: Apache-2.0
// What names may be that others than us take apart: shells, ssh, sshd.
#pragma once

#include <string_view>

namespace hoop::access {

/// A user of a host, and no pattern: up to 32 letters, digits, '-', '_' and '.', the first of them
/// neither '-' nor '.'.
bool is_login(std::string_view name);

}  // namespace hoop::access
