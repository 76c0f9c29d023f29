// SPDX-License-Identifier: Apache-2.0
// The endpoints that the command line talks to: device authorization (RFC 8628), token and
// revocation (RFC 6749, 7009).
#pragma once

#include "core/crypto/keys.h"
#include "core/http/form.h"
#include "gateway/idp/parts.h"
#include "gateway/idp/try_limiter.h"

namespace hoop::gateway::idp {

/// Answers are JSON; a refusal is an OAuth error document. Fails (storage) only for what is the
/// gateway's own fault.
class TokenEndpoints {
 public:
  TokenEndpoints(Shared& shared, crypto::P256Key key);

  Result<http::Response> authorize_device(const http::Request& request,
                                          const http::ConnectionInfo& connection);
  Result<http::Response> token(const http::Request& request,
                               const http::ConnectionInfo& connection);
  Result<http::Response> revoke(const http::Request& request);

  const crypto::P256Key& key() const { return key_; }

 private:
  /// key: the thumbprint of the one that the client has proven to hold, or empty; what it is given
  /// is bound to it.
  Result<http::Response> from_device_code(const http::Form& form, const std::string& key,
                                          const http::ConnectionInfo& connection);
  Result<http::Response> from_code(const http::Form& form, const std::string& key,
                                   const http::ConnectionInfo& connection);
  /// signed_in_at: none where it is not known.
  Result<http::Response> begin_login(const std::string& subject,
                                     std::optional<SystemTime> signed_in_at, const std::string& key,
                                     const http::ConnectionInfo& connection);
  /// A token for deciding requests, which is no login: it cannot be renewed.
  Result<http::Response> let_decide(const DeviceRequests::Poll& approved, const std::string& key,
                                    const http::ConnectionInfo& connection);
  Result<http::Response> from_refresh_token(const http::Form& form, const std::string& key,
                                            const http::ConnectionInfo& connection);
  struct Terms {
    std::string_view scope = kLoginScope;
    std::optional<SystemTime> signed_in_at = {};
    SecretText refresh_token = {};  // empty: none
  };
  http::Response tokens(const User& user, const std::string& key, const Terms& terms);
  http::Response no_proof(const Error& why);
  Result<void> purge_now_and_then();

  Shared& shared_;
  crypto::P256Key key_;
  WindowLimiter requests_by_address_;
  SteadyTime purged_at_{};
};

}  // namespace hoop::gateway::idp
