// SPDX-License-Identifier: Apache-2.0
// Reads the tables of one policy file into their values; complaints stay with the file's tables.
#pragma once

#include <string_view>

#include "core/access/policy.h"
#include "core/config/toml_reader.h"

namespace hoop::access {

Role read_role(const config::TomlTable& table);
Rule read_rule(const config::TomlTable& table);
/// A [[detector]]: its expression finds all that `finds` shows, and nothing in what `ignores`
/// shows.
OwnPattern read_detector(const config::TomlTable& table);
/// The name is empty when the file gives none. Names of detectors are not looked up.
Mask read_mask(const config::TomlTable& table);
/// Keys that the table does not give stay as they are.
void read_limits(const config::TomlTable& table, Limits& limits);
void read_record(const config::TomlTable& table, PolicyDocument& document);

}  // namespace hoop::access
