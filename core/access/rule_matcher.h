// SPDX-License-Identifier: Apache-2.0
// A rule of the policy, prepared for judging many actions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/circumstances.h"
#include "core/access/command_pattern.h"
#include "core/access/field_condition.h"
#include "core/access/pattern.h"
#include "core/access/policy.h"

namespace hoop::access {

/// A resource's name that stands for all of its kind: an allow must be for them all ("*"), and what
/// denies any of them denies it.
inline constexpr std::string_view kEvery = "*";
/// The kind of resource of which "pods/log" is a part of "pods": a deny of the one is of the other.
inline constexpr std::string_view kResourceKey = "resource";
/// In Action::named_by: an allow must have the verb's own word, for which no "*" stands.
inline constexpr std::string_view kVerbKey = "verb";

class RuleMatcher {
 public:
  /// rule must outlive the matcher.
  explicit RuleMatcher(const Rule& rule);

  const Rule& rule() const { return *rule_; }
  bool concerns_target(std::string_view target) const;
  /// role is the policy role by which the identity opens the target; empty if it has none.
  bool concerns_role(std::string_view role) const;
  bool needs_role() const { return !rule_->roles.empty(); }
  bool matches(const Action& action, const Circumstances& now) const;

 private:
  enum class Subject { protocol, verb, resource, attribute, destination, path, field, command };
  struct Condition {
    Subject subject = Subject::attribute;
    std::string key;
    std::optional<Access> access;  // for "reads" and "writes"
    std::vector<Pattern> patterns;
    std::vector<std::optional<CommandPattern>> commands;  // none: says nothing sensible
    std::vector<std::string> paths;
    std::vector<FieldCondition> fields;
    // The same without capitals, for a deny of HTTP.
    std::vector<std::string> folded_paths;
    std::vector<FieldCondition> folded_fields;
  };
  bool fits(const Condition& condition, std::string_view value) const;
  bool holds(const Condition& condition, const Action& action) const;
  bool verbs_hold(const Condition& condition, const Action& action) const;
  bool command_fits(const Condition& condition, std::string_view command) const;
  bool commands_hold(const Condition& condition, const Action& action) const;
  bool resource_fits(const Condition& condition, const Resource& resource) const;
  bool resources_hold(const Condition& condition, const Action& action) const;
  bool destination_fits(const Condition& condition, const Action& action) const;
  bool paths_hold(const Condition& condition, const Action& action) const;
  bool fields_hold(const Condition& condition, const Action& action) const;

  bool is_named(const Action& action) const;

  const Rule* rule_;
  std::vector<Pattern> targets_;
  std::vector<Condition> conditions_;  // cheap ones first
  std::vector<CircumstanceMatcher> circumstances_;
  bool names_unknown_ = false;
  bool names_client_ = false;
};

/// The words of `when` that speak of resources, whatever the action holds.
bool is_resource_key(std::string_view key);

}  // namespace hoop::access
