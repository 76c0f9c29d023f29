// SPDX-License-Identifier: Apache-2.0
// What a gateway that starts takes from its directory: the directory itself, keys and certificate.
#pragma once

#include <filesystem>

#include "core/base/descriptor.h"
#include "core/crypto/keys.h"
#include "core/net/tls.h"
#include "gateway/config.h"

namespace hoop::gateway {

/// Held while the gateway runs: two on one directory would sweep each other's sessions away. Fails
/// with config where another holds it, storage.
Result<Descriptor> lock_directory(const std::filesystem::path& file);

/// A P-256 key in PEM. Each fails with config where it is missing, or is something else.
Result<crypto::P256Key> read_key(const std::filesystem::path& path);
/// 32 bytes in base64url.
Result<SecretBytes> read_secret(const std::filesystem::path& path);
Result<net::TlsServer> read_certificate(const Layout& layout);

}  // namespace hoop::gateway
