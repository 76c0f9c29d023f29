// SPDX-License-Identifier: Apache-2.0
// Whose access token it is: the embedded identity provider's, or a foreign issuer's, whose keys are
// asked for; and the gateway's own, for workloads.
#pragma once

#include <memory>
#include <string>

#include "core/identity/token_verifier.h"
#include "gateway/issuer_keys.h"

namespace hoop::gateway {

/// Used on one event loop, that of the requests.
class Authenticator {
 public:
  explicit Authenticator(const Clock& clock) : clock_(clock) {}

  /// Tokens of issuer pass, whose keys are in it. Before the first request.
  void accept(identity::TrustedIssuer issuer);
  /// Tokens of issuer pass, whose keys are what keys answers.
  void accept_foreign(identity::TrustedIssuer issuer, std::unique_ptr<IssuerKeys> keys);

  /// Asks for a foreign issuer's keys before somebody waits for them.
  void start();
  /// Fails with unauthenticated, and with upstream_unreachable while there are no keys.
  /// proven: as TokenVerifier::verify() takes it.
  Task<access::Identity> authenticate(std::string access_token, std::string proven = {});

 private:
  struct Foreign {
    identity::TrustedIssuer issuer;
    std::unique_ptr<IssuerKeys> keys;
    std::shared_ptr<const identity::KeySet> used;  // by the verifier
  };
  void make_verifier();

  const Clock& clock_;
  std::vector<identity::TrustedIssuer> fixed_;
  std::optional<Foreign> foreign_;
  std::optional<identity::TokenVerifier> verifier_;
};

}  // namespace hoop::gateway
