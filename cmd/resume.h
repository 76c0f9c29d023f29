// SPDX-License-Identifier: Apache-2.0
// What runs a request once it is approved.
#pragma once

#include <string>
#include <vector>

#include "cmd/request_document.h"

namespace hoop::cmd {

/// What stands after "--" of connect, so that the target is asked for exactly what was approved,
/// byte for byte. Fails with usage where only whoever asked can do that again.
Result<std::vector<std::string>> words_of_request(const RequestDocument& request);

}  // namespace hoop::cmd
