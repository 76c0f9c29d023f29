// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/password_hash.h"

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::gateway::idp {
namespace {

constexpr std::string_view kPrefix = "$scrypt$ln=15,r=8,p=1$";
constexpr std::size_t kSaltBytes = 16;

crypto::Digest256 derive(const SecretText& password, ByteSpan salt) {
  return crypto::scrypt(as_bytes(password.reveal()), salt, 1U << 15, 8, 1);
}

std::string encode(ByteSpan salt, ByteSpan hash) {
  return std::string(kPrefix) + to_base64url(salt) + "$" + to_base64url(hash);
}

}  // namespace

std::string hash_password(const SecretText& password, Random& random) {
  const Bytes salt = random.bytes(kSaltBytes);
  return encode(salt, derive(password, salt));
}

bool password_matches(const SecretText& password, std::string_view stored) {
  if (!stored.starts_with(kPrefix)) return false;
  stored.remove_prefix(kPrefix.size());
  const std::size_t dollar = stored.find('$');
  if (dollar == stored.npos) return false;
  const auto salt = from_base64url(stored.substr(0, dollar));
  const auto hash = from_base64url(stored.substr(dollar + 1));
  if (!salt || !hash || salt->empty()) return false;
  return equal_constant_time(derive(password, *salt), *hash);
}

std::string unmatchable_hash(Random& random) {
  return encode(random.bytes(kSaltBytes), random.bytes(32));
}

}  // namespace hoop::gateway::idp
