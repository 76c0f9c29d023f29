// SPDX-License-Identifier: Apache-2.0
// A value that must not be printed, compared byte by byte, or left in memory.
#pragma once

#include <cstring>
#include <string>
#include <utility>

#include "core/base/bytes.h"

namespace hoop {

/// Overwrites memory in a way that the compiler keeps.
void wipe(void* memory, std::size_t size);

/// Owns a string-like value and wipes it when it goes. Move-only, so that copies are visible:
/// reveal() and copy on purpose. There is no operator<< and no formatter: printing one does not
/// compile.
template <class T>
class Secret {
 public:
  Secret() = default;
  explicit Secret(T value) : value_(std::move(value)) {}
  Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.clear(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      clear();
      value_ = std::move(other.value_);
      other.clear();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { clear(); }

  const T& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  Secret clone() const { return Secret(T(value_)); }

 private:
  void clear() {
    // The capacity, not only the size: a shrunken or moved-from string keeps its bytes.
    if (value_.capacity() != 0) {
      value_.resize(value_.capacity());
      wipe(value_.data(), value_.size() * sizeof(typename T::value_type));
    }
    value_.clear();
  }
  T value_;
};

using SecretText = Secret<std::string>;
using SecretBytes = Secret<Bytes>;

/// Equality in time that depends on the lengths alone.
bool equal_constant_time(ByteSpan a, ByteSpan b);

}  // namespace hoop
