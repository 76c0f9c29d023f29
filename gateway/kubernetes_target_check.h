// SPDX-License-Identifier: Apache-2.0
// Whether a configured cluster would serve sessions.
#pragma once

#include "gateway/target_check.h"

namespace hoop::gateway {

/// The secrets, the connection with its certificate, what the API server answers to who comes with
/// the credential, and what sessions would be lent: a token that is made, used and revoked, or
/// somebody's name. Of one behind an agent the secrets alone. Blocks.
void check_kubernetes_target(const GatewayConfig& config, const ConfiguredTarget& target,
                             const Clock& clock, Random& random, const TargetReport& report);

}  // namespace hoop::gateway
