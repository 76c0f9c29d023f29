// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/cancel_keys.h"

namespace hoop::postgres {
namespace {

constexpr std::size_t kKeyBytes = 8;  // process id and secret, 32 bits each, in protocol 3.0

}  // namespace

Bytes CancelKeys::issue(Bytes target_key, Random& random) {
  Bytes key;
  do {
    key = random.bytes(kKeyBytes);
    key[0] &= 0x7F;  // clients print the process id as a signed number
    key[3] |= 1;     // and some take 0 for "none"
  } while (target_keys_.contains(key));
  target_keys_.emplace(key, std::move(target_key));
  return key;
}

std::optional<Bytes> CancelKeys::find(const Bytes& key) const {
  const auto found = target_keys_.find(key);
  if (found == target_keys_.end()) return std::nullopt;
  return found->second;
}

}  // namespace hoop::postgres
