// SPDX-License-Identifier: Apache-2.0
// Reads what a [[target]] of Kubernetes has besides its name.
#pragma once

#include "gateway/target_parts.h"

namespace hoop::gateway {

/// Complaints are kept by the table, as with every getter.
void read_kubernetes_target(const config::TomlTable& table, const Layout& layout,
                            ConfiguredTarget& out);

}  // namespace hoop::gateway
