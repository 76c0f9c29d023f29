// SPDX-License-Identifier: Apache-2.0
#include "gateway/idp/sign_in.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/idp/password_hash.h"

namespace hoop::gateway::idp {
namespace {

using std::chrono::seconds;

constexpr const char* kWrongPassword = "The user or the password is wrong.";

}  // namespace

SignIn::SignIn(Shared& shared)
    : shared_(shared),
      unmatchable_hash_(unmatchable_hash(shared.random)),
      // A user's delay is short, or anybody could lock anybody out; an address's is long.
      passwords_by_user_(limits(5, seconds(60))),
      passwords_by_address_(limits(10, seconds(300))) {}

TryLimiter::Settings SignIn::limits(int free_tries, seconds longest_delay) {
  TryLimiter::Settings out;
  out.free_tries = free_tries;
  out.longest_delay = longest_delay;
  return out;
}

std::string SignIn::wait_text(seconds wait) {
  return "Too many wrong tries. Wait " + std::to_string(wait.count()) + " s and try again.";
}

Task<SignIn::Outcome> SignIn::check(const http::Form& form, std::string address) {
  Outcome out;
  const std::string username(form.find("username").value_or(""));
  SecretText password{std::string(form.find("password").value_or(""))};
  const std::string user_key = to_hex(crypto::sha256(as_bytes(username)));
  out.wait = password_wait(user_key, address);
  if (out.wait > seconds(0)) {
    out.status = 429;
    out.complaint = wait_text(out.wait);
    co_return out;
  }
  HOOP_CO_TRY(const std::optional<std::string> hash, shared_.users.password_hash(username));
  // Counted before it is known, so that a hundred tries at once do not all pass the check above.
  const SteadyTime now = shared_.clock.steady_now();
  passwords_by_user_.failed(user_key, now);
  passwords_by_address_.failed(address, now);
  // An unknown user costs the same 80 ms.
  std::string compared_with = hash.value_or(unmatchable_hash_);
  const std::optional<bool> right =
      co_await worker_.matches(std::move(password), std::move(compared_with));
  if (!right) {
    out.status = 503;
    out.complaint = "The gateway is busy. Try again.";
    out.wait = seconds(5);
    co_return out;
  }
  if (!*right || !hash) {
    // Not the name: people type passwords into the wrong field.
    shared_.log.warning("sign_in_failed", {{"address", address}});
    HOOP_CO_TRY(const bool locks, shared_.users.wrong_password(username));
    // Here the name is one that there is.
    if (locks) HOOP_CO_CHECK(note_locked(username, address));
    out.complaint = kWrongPassword;
    co_return out;
  }
  passwords_by_user_.succeeded(user_key);
  HOOP_CO_CHECK(shared_.users.right_password(username));
  // Only its own try: whoever has one password must not wipe the slate of guesses at others'.
  passwords_by_address_.take_back(address);
  out.user = username;
  co_return out;
}

Result<void> SignIn::note_locked(const std::string& username, const std::string& address) {
  shared_.log.warning("user_locked", {{"subject", username}, {"address", address}});
  return shared_.audit.add({0, shared_.clock.system_now(), "hoopctl", "user.lock", username,
                            std::to_string(UserStore::kMostWrongPasswords) +
                                " wrong passwords, the last from " + address});
}

seconds SignIn::password_wait(const std::string& username, const std::string& address) const {
  const SteadyTime now = shared_.clock.steady_now();
  return std::max(passwords_by_user_.wait_for(username, now),
                  passwords_by_address_.wait_for(address, now));
}

}  // namespace hoop::gateway::idp
