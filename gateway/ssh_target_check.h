// SPDX-License-Identifier: Apache-2.0
// Hosts as they are: the keys that they show, and whether they let sessions in.
#pragma once

#include <string>
#include <vector>

#include "gateway/target_check.h"
#include "protocols/ssh/public_key.h"

namespace hoop::gateway {

/// Each key that the host shows, of Ed25519, ECDSA and RSA. Blocks. Fails with usage for a name
/// that is none, upstream_unreachable, timeout; with config where there is no libssh.
Result<std::vector<ssh::PublicKey>> scan_host_keys(const std::string& host, std::uint16_t port);

/// As check_target(), which calls it.
void check_ssh_target(const GatewayConfig& config, const ConfiguredTarget& target,
                      const Clock& clock, Random& random, const TargetReport& report);

}  // namespace hoop::gateway
