// SPDX-License-Identifier: Apache-2.0
// The form in which PostgreSQL stores a SCRAM-SHA-256 password, so that CREATE ROLE never carries the password itself.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/base/secret.h"

namespace hoop::gateway {

/// "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey" (PostgreSQL docs, "catalog-pg-authid"; RFC 5803). password is ASCII, for
/// which SASLprep changes nothing.
std::string scram_verifier(const SecretText& password, ByteSpan salt, std::uint32_t iterations);

}  // namespace hoop::gateway
