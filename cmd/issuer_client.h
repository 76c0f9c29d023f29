// SPDX-License-Identifier: Apache-2.0
// Speaks with a gateway before there is a login, and with its issuer: discovery, device flow,
// refresh, revocation.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cmd/environment.h"
#include "core/http/client.h"
#include "core/identity/device_login.h"
#include "core/identity/discovery.h"
#include "core/identity/service_login.h"
#include "core/identity/token_store.h"

namespace hoop::cmd {

inline constexpr auto kRequestTime = std::chrono::seconds(15);  // one request and its answer

/// HTTPS with one trust; certificate errors become config (exit status 78) with a hint about login.
class Web {
 public:
  static Result<std::unique_ptr<Web>> open(const Environment& environment,
                                           asio::any_io_executor executor, net::Trust trust,
                                           std::uint64_t max_body = 8U << 20);
  Task<http::Response> send(std::string method, std::string url, http::Headers headers,
                            std::string body, std::chrono::milliseconds patience = kRequestTime);
  Task<http::Client::UpgradeAnswer> upgrade(std::string url, std::string protocol,
                                            http::Client::UpgradeHeaders headers,
                                            std::chrono::milliseconds patience);
  /// 200 or an error that names the URL.
  Task<std::string> get(std::string url);
  void close() { client_.close(); }

 private:
  Web(http::Client client, const Clock& clock) : client_(std::move(client)), clock_(clock) {}
  http::Client client_;
  const Clock& clock_;
};

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
        random_(random),
        issuer_(std::move(issuer)),
        client_id_(std::move(client_id)),
        parameters_(std::move(parameters)) {}
  Task<identity::IssuerMetadata> discover();
  Task<http::Response> post_form(std::string url, SecretText form, SecretText authorization = {},
                                 std::string proof = {});

  /// A key that tokens of this login are bound to, where the issuer does that.
  void choose_key(const identity::IssuerMetadata& issuer);
  /// A request to the token endpoint, with a proof of the key if there is one; once more with the
  /// issuer's nonce if it wants that.
  Task<http::Response> ask_for_tokens(std::string url, SecretText form,
                                      SecretText authorization = {});
  /// What came is bound to our key, or to none.
  Result<identity::TokenSet> with_key(Result<identity::TokenSet> tokens) const;

  const Clock& clock_;
  Random& random_;
  std::optional<crypto::P256Key> key_;
  std::string nonce_;  // of the issuer
  std::string issuer_;
  std::string client_id_;
  identity::RequestParameters parameters_;
  Web* web_ = nullptr;
  std::unique_ptr<Web> own_web_;
};

/// HTTPS through the proxy that the environment names. Fails with config.
Result<http::ClientOptions> client_options(const Environment& environment);

net::Trust trust_of(const identity::GatewayRecord& record);
/// What a token set becomes on disk.
identity::StoredTokens to_store(identity::TokenSet tokens, const identity::GatewayRecord& record,
                                SystemTime now);

}  // namespace hoop::cmd
