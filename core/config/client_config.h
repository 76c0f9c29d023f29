// SPDX-License-Identifier: Apache-2.0
// The user's own settings: $XDG_CONFIG_HOME/hoopctl/config.toml, or the file that --config names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::config {

enum class OutputFormat { text, json };

struct ClientConfig {
  std::string gateway;                 // https://host[:port]; empty: the one of the last login
  std::optional<OutputFormat> output;  // unset: text on a terminal
  bool quiet = false;
  bool operator==(const ClientConfig&) const = default;
};

/// Fails with config: "name:line:column: message"; unknown keys are errors.
Result<ClientConfig> parse_client_config(std::string_view name, std::string_view text);

/// A missing file is an empty configuration only if nobody named it.
enum class Missing { is_empty, is_error };
Result<ClientConfig> load_client_config(const std::string& path, Missing missing);

}  // namespace hoop::config
