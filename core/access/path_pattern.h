// SPDX-License-Identifier: Apache-2.0
// Paths of files at a host, and the patterns by which rules name them.
#pragma once

#include <string>
#include <string_view>

#include "core/base/error.h"

namespace hoop::access {

/// A kind of resource: the path of a file or folder, from the root on, as the host has resolved it.
inline constexpr std::string_view kPathKey = "path";

/// A path without "//", "/./" and "..", from folder on where it does not begin at the root.
std::string lexical_path(std::string_view folder, std::string_view path);

/// In a pattern '*' stands for any run of characters between two '/', "**" for one over any number
/// of them. As fast as the two are long, whatever they hold.
bool path_matches(std::string_view pattern, std::string_view path);

/// Whether a pattern speaks of what is in that folder, as far as its beginning tells: the folder's
/// other name would lead past it.
bool concerns_inside(std::string_view pattern, std::string_view folder);

/// Whether a pattern can match a path that is written in full. Fails with config for one that does
/// not begin at the root, nor with "**", and for one with "//", "/./", ".." or a '/' at its end.
Result<void> check_path_pattern(std::string_view pattern);

}  // namespace hoop::access
