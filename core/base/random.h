// SPDX-License-Identifier: Apache-2.0
// Randomness as an argument; crypto/digest.h has the real one.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/base/secret.h"

namespace hoop {

class Random {
 public:
  virtual ~Random() = default;
  /// Fills out with unpredictable bytes. Never fails: a system without randomness stops the
  /// process.
  virtual void fill(MutableByteSpan out) = 0;
  Bytes bytes(std::size_t count) {
    Bytes out(count);
    fill(out);
    return out;
  }
};

}  // namespace hoop
