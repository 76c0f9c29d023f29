// SPDX-License-Identifier: Apache-2.0
// The conditions of a rule, as a policy file writes them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/config/toml_reader.h"

namespace hoop::access {

/// By key; groups of verbs have become their verbs. Complains of what could never match.
std::map<std::string, std::vector<std::string>> read_when(const config::TomlTable& when);

}  // namespace hoop::access
