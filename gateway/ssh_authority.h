// SPDX-License-Identifier: Apache-2.0
// The gateway as an SSH user authority: its key, DIR/keys/ssh_ca.key, which never leaves it.
#pragma once

#include <string>

#include "core/crypto/keys.h"
#include "gateway/config.h"

namespace hoop::gateway {

/// What DIR/keys/ssh_ca.key holds of a key.
SecretText ssh_authority_text(const crypto::Ed25519Key& key);
/// Fails with config where there is none, or something else.
Result<crypto::Ed25519Key> read_ssh_authority(const Layout& layout);
/// Makes one. Fails with config where there is one: hosts trust it.
Result<void> create_ssh_authority(const Layout& layout);
/// As a host's TrustedUserCAKeys has it.
std::string ssh_authority_line(const crypto::Ed25519Key& key, const std::string& gateway_id);

}  // namespace hoop::gateway
