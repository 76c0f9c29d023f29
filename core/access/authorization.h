// SPDX-License-Identifier: Apache-2.0
// Evidence, inside the gateway, that policy let an identity open a target until a time.
#pragma once

#include <string>
#include <vector>

#include "core/access/identity.h"
#include "core/access/target.h"
#include "core/base/clock.h"

namespace hoop::access {

class PolicyEngine;

/// Move-only and minted only by PolicyEngine::authorize: no credential can be made without one.
class Authorization {
 public:
  Authorization(Authorization&&) = default;
  Authorization& operator=(Authorization&&) = default;
  Authorization(const Authorization&) = delete;
  Authorization& operator=(const Authorization&) = delete;

  const Identity& identity() const { return identity_; }
  const Target& target() const { return target_; }
  const std::string& role() const { return role_; }  // the policy role's name
  const std::string& database_role() const {
    return database_role_;
  }  // the mapped role, empty if the protocol has none
  /// As whom one may log in at the target; the first is the default. Empty if the protocol has
  /// none.
  const std::vector<std::string>& logins() const { return logins_; }
  /// Whether some rule might let a port be forwarded.
  bool may_forward() const { return may_forward_; }
  DataPath path() const { return path_; }
  SystemTime valid_until() const { return valid_until_; }
  /// How long a session may last in all by renewals; 0: there are none.
  std::chrono::seconds renew_for() const { return renew_for_; }

 private:
  friend class PolicyEngine;
  Authorization() = default;
  Identity identity_;
  Target target_;
  std::string role_;
  std::string database_role_;
  std::vector<std::string> logins_;
  bool may_forward_ = false;
  DataPath path_ = DataPath::gateway;
  SystemTime valid_until_{};
  std::chrono::seconds renew_for_{0};
};

}  // namespace hoop::access
