// SPDX-License-Identifier: Apache-2.0
// OpenSSH's format of private keys (PROTOCOL.key), which libssh reads.
#pragma once

#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/crypto/keys.h"

namespace hoop::ssh {

/// PEM, not encrypted: for memory alone.
SecretText openssh_private_key(const crypto::Ed25519Key& key, Random& random);

}  // namespace hoop::ssh
