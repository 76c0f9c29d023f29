// SPDX-License-Identifier: Apache-2.0
// Whatever the JSON: refused as malformed or too large, or a grant that writes and reads as itself.
#include <cstdlib>

#include "core/access/grant.h"

using namespace hoop;
using namespace hoop::access;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto grant = grant_from_json({reinterpret_cast<const char*>(data), size});
  if (!grant) {
    if (grant.error().code != ErrorCode::malformed && grant.error().code != ErrorCode::too_large)
      std::abort();
    return 0;
  }
  const SecretText json = grant_to_json(*grant);
  const auto back = grant_from_json(json.reveal());
  if (!back || grant_to_json(*back).reveal() != json.reveal()) std::abort();
  return 0;
}
