// SPDX-License-Identifier: Apache-2.0
// What targets that are reached by HTTP are read by, whatever is spoken in it.
#pragma once

#include <optional>

#include "core/http/url.h"
#include "gateway/target_parts.h"

namespace hoop::gateway {

/// url: host, port and base path. Nothing after a complaint.
std::optional<http::Url> read_base_url(const config::TomlTable& table, access::Target& out);

/// credential, and by it what the target lends.
void read_credential(const config::TomlTable& table, ConfiguredTarget& out);

/// hand_out, via and path; the credential has been read.
void read_http_path(const config::TomlTable& table, ConfiguredTarget& out);

}  // namespace hoop::gateway
