// SPDX-License-Identifier: Apache-2.0
// A [[target]] of the configuration.
#pragma once

#include "core/config/toml_reader.h"
#include "gateway/config.h"

namespace hoop::gateway {

/// Complains of what is wrong with it.
ConfiguredTarget read_target(const config::TomlTable& table, const Layout& layout);

}  // namespace hoop::gateway
