// SPDX-License-Identifier: Apache-2.0
// The name of an object that is to be created: it stands in no URL, but in the body.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hoop::kubernetes {

/// metadata.name of a JSON object. nullopt where nobody can be sure of it: it has none (the server
/// makes one up), a member stands twice, or it is no JSON.
std::optional<std::string> name_in_body(std::string_view json);

}  // namespace hoop::kubernetes
