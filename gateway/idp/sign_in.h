// SPDX-License-Identifier: Apache-2.0
// A user and a password, typed into a page: whether they are right, and how often somebody may try.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/http/form.h"
#include "gateway/idp/parts.h"
#include "gateway/idp/password_worker.h"
#include "gateway/idp/try_limiter.h"

namespace hoop::gateway::idp {

/// One for all pages: who is slowed down on one is on the others.
class SignIn {
 public:
  explicit SignIn(Shared& shared);

  struct Outcome {
    std::optional<std::string> user;  // who it is; none: what follows
    int status = 403;
    std::string complaint = {};
    std::chrono::seconds wait{0};  // before the next try; 0: none is known
  };
  /// The fields username and password of form. address: the limiters' key.
  Task<Outcome> check(const http::Form& form, std::string address);

  static TryLimiter::Settings limits(int free_tries, std::chrono::seconds longest_delay);
  static std::string wait_text(std::chrono::seconds wait);

 private:
  /// For whoever wonders why somebody cannot log in any more.
  Result<void> note_locked(const std::string& username, const std::string& address);
  std::chrono::seconds password_wait(const std::string& username, const std::string& address) const;

  Shared& shared_;
  std::string unmatchable_hash_;
  TryLimiter passwords_by_user_;
  TryLimiter passwords_by_address_;
  PasswordWorker worker_;  // last: its thread's work may refer to what stands above
};

}  // namespace hoop::gateway::idp
