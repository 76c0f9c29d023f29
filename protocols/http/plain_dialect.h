// SPDX-License-Identifier: Apache-2.0
// HTTP services as such: judged by method, path, query and body, masked by media type.
#pragma once

#include "protocols/http/dialect.h"
#include "protocols/http/shared.h"

namespace hoop::http_target {

/// shared outlives it. Fails with config for masks that cannot be applied.
Result<std::unique_ptr<Dialect>> make_plain_dialect(SessionShared& shared);

}  // namespace hoop::http_target
