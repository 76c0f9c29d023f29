// SPDX-License-Identifier: Apache-2.0
#include "core/base/secret.h"

#include <string.h>  // explicit_bzero is not in <cstring>

namespace hoop {

void wipe(void* memory, std::size_t size) {
  if (size != 0) explicit_bzero(memory, size);
}

bool equal_constant_time(ByteSpan a, ByteSpan b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace hoop
