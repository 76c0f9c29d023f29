// SPDX-License-Identifier: Apache-2.0
// What a gateway lets its user open.
#pragma once

#include "cmd/environment.h"
#include "core/identity/json.h"

namespace hoop::cmd {

/// GET /v1/targets of the chosen gateway: objects. Fails as GatewayClient::get does.
Result<identity::Json::Array> fetch_targets(Environment& environment);

}  // namespace hoop::cmd
