// SPDX-License-Identifier: Apache-2.0
// Speaks with a gateway before there is a login, and with its issuer: discovery, device flow,
// refresh, revocation.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cmd/token_requests.h"
#include "core/identity/device_login.h"
#include "core/identity/discovery.h"
#include "core/identity/service_login.h"
#include "core/identity/token_store.h"

namespace hoop::cmd {

/// An issuer, reached with the gateway's trust when it is the gateway itself, else with the
/// authorities that the gateway has named, or the system's.
class IssuerClient {
 public:
  /// gateway is borrowed and used when the issuer is at the same origin.
  static Result<std::unique_ptr<IssuerClient>> open(const Environment& environment,
                                                    asio::any_io_executor executor, Web& gateway,
                                                    const identity::GatewayRecord& record);

  using Announce = std::function<void(const identity::DevicePrompt&)>;
  /// The device flow to its end. announce is called once, before the wait.
  Task<identity::TokenSet> log_in(std::string host_name, Announce announce);
  /// The same, with parameters in the place of the login's.
  Task<identity::TokenSet> log_in_with(identity::RequestParameters parameters,
                                       std::string host_name, Announce announce);
  /// The code flow to its end, by a browser on this machine. open is called once, with the page,
  /// before the wait. Fails with unsupported where the issuer has none.
  Task<identity::TokenSet> log_in_by_browser(Random& random,
                                             std::function<void(const std::string&)> open);
  /// A token without a person, by the secret or key that login names.
  Task<identity::TokenSet> log_in_by(identity::LoginMethod login, Random& random);
  /// key: that the refresh token is bound to; empty: none.
  Task<identity::TokenSet> refresh(SecretText refresh_token, SecretText key);
  /// Fails with unsupported if the issuer has no revocation.
  Task<void> revoke(SecretText refresh_token);

 private:
  IssuerClient(const Clock& clock, Random& random, std::string issuer, std::string client_id,
               identity::RequestParameters parameters)
      : clock_(clock),
        requests_(clock, random),
        issuer_(std::move(issuer)),
        client_id_(std::move(client_id)),
        parameters_(std::move(parameters)) {}
  Task<identity::IssuerMetadata> discover();
  /// Makes the key that tokens of this login are bound to, where the issuer does that.
  void choose_key(const identity::IssuerMetadata& issuer);

  const Clock& clock_;
  TokenRequests requests_;
  std::string issuer_;
  std::string client_id_;
  identity::RequestParameters parameters_;
  Web* web_ = nullptr;
  std::unique_ptr<Web> own_web_;
};

/// What this machine calls itself; may be empty.
std::string host_name();
net::Trust trust_of(const identity::GatewayRecord& record);
/// What a token set becomes on disk.
identity::StoredTokens to_store(identity::TokenSet tokens, const identity::GatewayRecord& record,
                                SystemTime now);

}  // namespace hoop::cmd
