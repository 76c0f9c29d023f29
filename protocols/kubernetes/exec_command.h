// SPDX-License-Identifier: Apache-2.0
// The words that are to run in a container: no shell reads them, unless they are one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hoop::kubernetes {

/// As access rules have it: "plain": the program is the first word, and runs nothing else that its
/// words name; "script": a shell with -c; "opaque": what it runs its words do not tell.
std::string_view form_of_command(const std::vector<std::string>& words);

/// "upload" and "download" for what kubectl cp runs, exactly; else "absent".
std::string_view transfer_of_command(const std::vector<std::string>& words);

}  // namespace hoop::kubernetes
