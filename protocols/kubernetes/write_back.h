// SPDX-License-Identifier: Apache-2.0
// Masks that come back in what is to be written: "get -o yaml | replace -f -" would store them in
// the place of what they hide.
#pragma once

#include "core/base/bytes.h"

namespace hoop::kubernetes {

/// Whether a mask stands in the body, whatever its form (JSON, YAML, protobuf), as it is or in
/// base64 of either alphabet, as Secrets have it.
bool carries_mask(ByteSpan body);

}  // namespace hoop::kubernetes
