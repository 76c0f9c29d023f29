// SPDX-License-Identifier: Apache-2.0
// IMF-fixdate (RFC 9110 §5.6.7): "Fri, 20 Nov 2026 18:30:00 GMT".
#pragma once

#include <string>

#include "core/base/clock.h"

namespace hoop::http {

std::string http_date(SystemTime time);

}  // namespace hoop::http
