// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/scram_verifier.h"

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway {

std::string scram_verifier(const SecretText& password, ByteSpan salt, std::uint32_t iterations) {
  crypto::Digest256 salted = crypto::pbkdf2_sha256(as_bytes(password.reveal()), salt, iterations);
  crypto::Digest256 client_key = crypto::hmac_sha256(salted, as_bytes("Client Key"));
  const crypto::Digest256 stored_key = crypto::sha256(client_key);
  const crypto::Digest256 server_key = crypto::hmac_sha256(salted, as_bytes("Server Key"));
  wipe(salted.data(), salted.size());
  wipe(client_key.data(), client_key.size());
  return fmt::format("SCRAM-SHA-256${}:{}${}:{}", iterations, to_base64(salt), to_base64(stored_key), to_base64(server_key));
}

}  // namespace hoop::gateway
