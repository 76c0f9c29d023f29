// SPDX-License-Identifier: Apache-2.0
// What requests to an API server mean, and what is masked in its answers.
#pragma once

#include <memory>

#include "protocols/http/dialect.h"
#include "protocols/http/shared.h"

namespace hoop::kubernetes {

/// shared outlives it. Fails with config for masks that cannot be applied.
Result<std::unique_ptr<http_target::Dialect>> make_dialect(http_target::SessionShared& shared);

}  // namespace hoop::kubernetes
