// SPDX-License-Identifier: Apache-2.0
// Owners of what a C library makes and its own function frees.
#pragma once

namespace hoop::crypto {

/// The deleter of std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>.
template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* value) const {
    Free(value);
  }
};

}  // namespace hoop::crypto
