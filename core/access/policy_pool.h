// SPDX-License-Identifier: Apache-2.0
// What sessions share of their policies: those of one role at one target judge by equal parts.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/access/policy.h"

namespace hoop::access {

/// Safe from several threads at once.
class PolicyPool {
 public:
  /// The engine of an equal part that somebody holds already, or a new one.
  std::shared_ptr<const PolicyEngine> share(PolicyDocument part);

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<const PolicyEngine>> engines_;
};

}  // namespace hoop::access
