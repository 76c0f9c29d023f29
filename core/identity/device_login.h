// SPDX-License-Identifier: Apache-2.0
// The device flow (RFC 8628) as seen by the client: what to send, when, and what the answers mean.
// Does no I/O and never sleeps: the caller sends, and waits until next_poll().
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "core/identity/token_request.h"

namespace hoop::identity {

/// What the user is shown. From a peer, but checked: printable ASCII, and the URLs are https.
struct DevicePrompt {
  std::string user_code;
  std::string verification_uri;
  std::string verification_uri_complete;  // empty if the issuer gave none
  std::chrono::seconds expires_in{0};
  bool operator==(const DevicePrompt&) const = default;
};

/// Order: start_request → started → { wait until next_poll, poll_request → polled or poll_failed }
/// until polled gives tokens.
class DeviceLogin {
 public:
  /// host_name is shown on the approval page as what the requester calls itself; may be empty.
  /// parameters: what this issuer wants to be told besides.
  DeviceLogin(std::string client_id, std::string host_name, const Clock& clock,
              RequestParameters parameters = {})
      : client_id_(std::move(client_id)),
        host_name_(std::move(host_name)),
        parameters_(std::move(parameters)),
        clock_(clock) {}

  SecretText start_request() const;
  /// The answer to start_request. Fails with malformed, or upstream_refused if the issuer said no.
  Result<DevicePrompt> started(int status, std::string_view body);

  /// The moment to poll at; always before expires_at().
  SteadyTime next_poll() const { return next_poll_; }
  SteadyTime expires_at() const { return expires_at_; }
  SecretText poll_request() const;
  /// The answer to poll_request. nullopt: not yet, wait until next_poll() and ask again;
  /// "slow_down" has added 5 s to every wait from now on (§3.5), a 5xx or 429 has doubled the next
  /// one. Fails with denied (the user said no), timeout (the code has expired), unauthenticated
  /// (the issuer does not know the code), malformed.
  Result<std::optional<TokenSet>> polled(int status, std::string_view body);
  /// No answer came: doubles the next wait, up to a minute. Fails with timeout once the code has
  /// expired.
  Result<void> poll_failed();

 private:
  Result<void> wait(std::chrono::seconds span);
  Result<void> back_off();

  std::string client_id_;
  std::string host_name_;
  RequestParameters parameters_;
  const Clock& clock_;
  SecretText device_code_;
  std::chrono::seconds interval_{5};
  std::chrono::seconds extra_{0};  // of the exponential back-off; gone after the next answer
  SteadyTime next_poll_{};
  SteadyTime expires_at_{};
};

}  // namespace hoop::identity
