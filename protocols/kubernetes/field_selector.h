// SPDX-License-Identifier: Apache-2.0
// The name that a fieldSelector asks for, which the API server takes for the request's.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::kubernetes {

/// The value of the term metadata.name=… ("=", "=="); empty if there is none, or if it is no name
/// that could stand in a path. Kubernetes docs, "field-selectors". Fails with malformed for what
/// the API server would not read, and for two such terms that differ: which of them counts depends
/// on its version.
Result<std::string> name_of_field_selector(std::string_view selector);

}  // namespace hoop::kubernetes
