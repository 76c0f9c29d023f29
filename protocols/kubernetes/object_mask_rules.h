// SPDX-License-Identifier: Apache-2.0
// What masks say of the objects of a cluster.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/policy.h"
#include "core/mask/field_matcher.h"

namespace hoop::kubernetes {

/// The values of Secrets: hidden whatever the masks say, or like any other.
enum class SecretValues { hide, show };

/// Values that are told by a name: "secrets" and "configmaps" are the entries of their data, "env"
/// the variables of containers, "annotations" those of any object.
enum class NamedValue { secrets, configmaps, env, annotations };

/// Immutable, shared by the replies of a session.
class ObjectMaskRules {
 public:
  /// Of masks: columns as NAMESPACE.WHERE.NAME ("shop.configmaps.DB_URL", "*.env.*_token"), in
  /// which
  /// '*' stands for any run of characters and no case counts in a name, "*.NAME" for it anywhere;
  /// fields as JSONPath from each object on, of a list, a table or a watch too. Fails with config
  /// for a path that is none.
  static Result<ObjectMaskRules> create(const std::vector<access::Mask>& masks,
                                        SecretValues secrets = SecretValues::hide);

  /// The strictest that is said of it. Of secrets: redact where nothing is, unless they are shown.
  /// space: the namespace; empty for one that is not known, of which all is said.
  std::optional<access::MaskStrategy> strategy(NamedValue where, std::string_view space,
                                               std::string_view name) const;
  const mask::FieldMatcher& fields() const { return fields_; }
  bool empty() const;
  /// Whether a value is hidden by where it stands in an object, Secrets aside.
  bool look_at_objects() const { return !fields_.empty() || !named_.empty(); }

 private:
  struct Named {
    std::string space, where;
    std::string name;  // in lower case
    access::MaskStrategy with;
  };
  SecretValues secrets_ = SecretValues::hide;
  std::vector<Named> named_;
  mask::FieldMatcher fields_;
};

}  // namespace hoop::kubernetes
