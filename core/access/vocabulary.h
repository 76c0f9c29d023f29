// SPDX-License-Identifier: Apache-2.0
// The words that a policy may use for verbs, attributes and detectors; what is not here is a typing
// error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hoop::access {

/// Every verb of the protocol; empty for a protocol that we do not know.
const std::vector<std::string>& verbs_of(std::string_view protocol);
/// The verbs that a group word of the protocol ("read", "write", "ddl"; "program") stands for;
/// empty if it is none.
const std::vector<std::string>& verb_group(std::string_view protocol, std::string_view word);
std::vector<std::string> verb_groups(std::string_view protocol);
const std::vector<std::string>& protocols();
/// The keys of `when`.
const std::vector<std::string>& condition_keys();
/// The protocols whose actions a condition can ask for it.
std::vector<std::string> protocols_of_key(std::string_view key);
/// The classes of mask/detectors.h, and "all".
const std::vector<std::string>& detector_names();

}  // namespace hoop::access
