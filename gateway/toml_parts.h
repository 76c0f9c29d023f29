// SPDX-License-Identifier: Apache-2.0
// What several parts of the gateway's configuration are read by.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/config/toml_reader.h"
#include "gateway/config.h"

namespace hoop::gateway {

/// The whole of it, 4 MiB at most. Fails with config.
Result<std::string> read_file(const std::filesystem::path& path);

/// Letters of names that people type and that stand in file names: a-z, 0-9, '-', '_', '.'.
bool is_name(std::string_view text, std::size_t most);

/// The authorities in the file that key names, if it is there, into pem; its path into path, if
/// that is wanted. Complains of what holds none.
void read_ca(const config::TomlTable& table, std::string_view key, const Layout& layout,
             std::string& pem, std::string* path);

}  // namespace hoop::gateway
