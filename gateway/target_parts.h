// SPDX-License-Identifier: Apache-2.0
// What targets of several protocols are read by.
#pragma once

#include "gateway/toml_parts.h"

namespace hoop::gateway {

/// tls, server_name and ca_file.
void read_tls(const config::TomlTable& table, const Layout& layout, ConfiguredTarget& out);

/// via and path; the target's labels have been read. stays: what a session logs in by and may not
/// leave the gateway, as complaints name it; empty if it may.
void read_path(const config::TomlTable& table, std::string_view stays, ConfiguredTarget& out);

/// The text at key, which must be a reference to a secret (secret_reference.h).
std::string read_reference(const config::TomlTable& table, std::string_view key);

}  // namespace hoop::gateway
