// SPDX-License-Identifier: Apache-2.0
// IMF-fixdate (RFC 9110 §5.6.7): "Fri, 20 Nov 2026 18:30:00 GMT".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace hoop::http {

std::string http_date(SystemTime time);
/// nullopt for anything else, the obsolete forms of a date too.
std::optional<SystemTime> parse_http_date(std::string_view text);

}  // namespace hoop::http
