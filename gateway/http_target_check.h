// SPDX-License-Identifier: Apache-2.0
// Whether a configured HTTP service would serve sessions.
#pragma once

#include "gateway/target_check.h"

namespace hoop::gateway {

/// The secrets, the connection with its certificate, and the answer to one HEAD of the base path
/// with the credential, which must not be 401 or 403. Of one behind an agent the secrets alone.
/// Blocks.
void check_http_target(const GatewayConfig& config, const ConfiguredTarget& target,
                       const Clock& clock, const TargetReport& report);

}  // namespace hoop::gateway
