// SPDX-License-Identifier: Apache-2.0
// Compares passwords on a thread of its own: scrypt takes 80 ms, in which the gateway's loop must
// go on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/secret.h"
#include "core/net/asio.h"

namespace hoop::gateway::idp {

class PasswordWorker {
 public:
  PasswordWorker();
  /// Waits for the comparison under way.
  ~PasswordWorker();
  PasswordWorker(const PasswordWorker&) = delete;
  PasswordWorker& operator=(const PasswordWorker&) = delete;

  /// nullopt: too many are waiting already. Comes back on the caller's executor.
  asio::awaitable<std::optional<bool>> matches(SecretText password, std::string stored_hash);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hoop::gateway::idp
