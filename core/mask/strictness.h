// SPDX-License-Identifier: Apache-2.0
// Which of two strategies shows less of a value.
#pragma once

#include <optional>

#include "core/access/policy.h"

namespace hoop::mask {

/// Where two masks are about one thing, what shows least wins: the higher number.
constexpr int strictness(access::MaskStrategy strategy) {
  switch (strategy) {
    case access::MaskStrategy::partial: return 0;
    case access::MaskStrategy::hash: return 1;
    case access::MaskStrategy::redact:
    case access::MaskStrategy::null: return 2;
  }
  return 2;
}

/// Of two that show as little the first one stays.
constexpr std::optional<access::MaskStrategy> stricter(std::optional<access::MaskStrategy> a,
                                                       std::optional<access::MaskStrategy> b) {
  if (!a || !b) return a ? a : b;
  return strictness(*b) > strictness(*a) ? b : a;
}

}  // namespace hoop::mask
