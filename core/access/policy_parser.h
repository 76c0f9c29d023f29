// SPDX-License-Identifier: Apache-2.0
// TOML and JSON forms of a PolicyDocument.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/access/policy.h"

namespace hoop::access {

struct PolicySource {
  std::string name;  // for messages: "policy.toml"
  std::string text;
};

/// Reads the files in order into one document: a later role, rule or mask of the same name replaces
/// the earlier, others are appended; a later [limits] key replaces the earlier. Every error is
/// config and reads "file:line:column: message"; unknown keys, unknown verbs and detectors, wrong
/// types and rules that can never match are errors.
Result<PolicyDocument> parse_policy(const std::vector<PolicySource>& sources);

/// The form that a grant carries. from_json is strict: unknown members fail with malformed.
std::string policy_to_json(const PolicyDocument& document);
Result<PolicyDocument> policy_from_json(std::string_view json);

}  // namespace hoop::access
