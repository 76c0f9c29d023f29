// SPDX-License-Identifier: Apache-2.0
// Compiles kSecretPatterns; shared by the build-time generator and by the fallback at start.
#pragma once

#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/error.h"

namespace hoop::mask {

/// The compiled patterns in serialised form, which any CPU that Hyperscan supports can run. Fails
/// with internal.
Result<Bytes> compile_secret_patterns();

}  // namespace hoop::mask
