// SPDX-License-Identifier: Apache-2.0
// The keys by which programs cancel: ours, handed out in BackendKeyData, each mapped to the
// target's real one.
#pragma once

#include <map>
#include <optional>

#include "core/base/random.h"

namespace hoop::postgres {

class CancelKeys {
 public:
  /// A new process id and secret (8 bytes, BackendKeyData's body) that stands for the target's key
  /// until revoke().
  Bytes issue(Bytes target_key, Random& random);
  void revoke(const Bytes& key) { target_keys_.erase(key); }
  std::optional<Bytes> find(const Bytes& key) const;

 private:
  std::map<Bytes, Bytes> target_keys_;
};

}  // namespace hoop::postgres
