// SPDX-License-Identifier: Apache-2.0
#include "core/access/policy_pool.h"

namespace hoop::access {

std::shared_ptr<const PolicyEngine> PolicyPool::share(PolicyDocument part) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<const PolicyEngine> equal;
  std::erase_if(engines_, [&](const std::weak_ptr<const PolicyEngine>& one) {
    auto held = one.lock();
    if (held == nullptr) return true;
    if (equal == nullptr && held->document() == part) equal = std::move(held);
    return false;
  });
  if (equal != nullptr) return equal;
  auto fresh = std::make_shared<const PolicyEngine>(std::move(part));
  engines_.push_back(fresh);
  return fresh;
}

}  // namespace hoop::access
