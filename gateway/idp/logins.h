// SPDX-License-Identifier: Apache-2.0
// Logins and their refresh tokens: rotated at every use, ended as a whole when a token comes twice
// (RFC 9700 §4.14).
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "gateway/sqlite.h"

namespace hoop::gateway::idp {

class Logins {
 public:
  explicit Logins(Database& database) : database_(database) {}

  /// A new login that lasts until now + life however often it is refreshed. key: the thumbprint of
  /// the one that its refresh tokens are bound to, empty for none. Answers the first of them.
  Result<SecretText> start(std::string_view subject, std::string_view client_id,
                           std::string_view key, SystemTime now, std::chrono::seconds life,
                           Random& random);

  struct Rotation {
    enum class State { rotated, unknown, ended, reused };
    State state = State::unknown;
    std::string subject;
    SecretText token;  // the next one
  };
  /// Spends token. A login that is bound to another key than the proven one is unknown, and its
  /// token not spent. reused: it had been spent before, so one of two holders stole it; the login
  /// has been ended for both.
  Result<Rotation> rotate(std::string_view token, std::string_view client_id,
                          std::string_view proven, SystemTime now, Random& random);
  /// Ends the login that token belongs to, if any.
  Result<void> end(std::string_view token, std::string_view client_id);
  Result<void> purge(SystemTime now);

 private:
  Result<SecretText> issue(std::int64_t family, Random& random);
  Database& database_;
};

}  // namespace hoop::gateway::idp
