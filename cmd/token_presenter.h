// SPDX-License-Identifier: Apache-2.0
// Requests to the gateway in the name of who holds an access token; with a proof of its key where
// it is bound to one (RFC 9449 §7).
#pragma once

#include <string>
#include <string_view>

#include "cmd/web.h"
#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/base/secret.h"

namespace hoop::cmd {

/// An access token, and the key that it is bound to: empty for a bearer token.
struct Presented {
  SecretText token;
  SecretText key;
};

class TokenPresenter {
 public:
  TokenPresenter(const Clock& clock, Random& random) : clock_(clock), random_(random) {}

  /// Once more with the gateway's nonce, if it wants that in proofs.
  Task<http::Response> send(Web& web, Presented who, std::string method, std::string url,
                            http::Headers headers, std::string body,
                            std::chrono::milliseconds patience);
  /// Sets the fields that say who asks for this.
  Result<void> present(const Presented& who, std::string_view method, std::string_view url,
                       http::Headers& headers) const;
  /// Whether the gateway wants its nonce in proofs, as where our clock is wrong: then it is known
  /// now, and the request can be made again.
  bool learn_nonce(const http::Response& response);
  const std::string& nonce() const { return nonce_; }

 private:
  const Clock& clock_;
  Random& random_;
  std::string nonce_;  // of the gateway, for proofs; empty: it has asked for none
};

}  // namespace hoop::cmd
