// SPDX-License-Identifier: Apache-2.0
// Token exchange (RFC 8693) for workloads: a job's own token of its CI platform becomes an access
// token of this gateway, once, for minutes; bound to the key that a proof with the request shows
// (RFC 9449 §5).
//
//   POST /v1/workloads/token  grant_type=urn:ietf:params:oauth:grant-type:token-exchange
//                             subject_token=…
//                             subject_token_type=urn:ietf:params:oauth:token-type:id_token
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "core/http/message.h"
#include "core/http/server.h"
#include "core/identity/token_verifier.h"
#include "core/identity/workload_token.h"
#include "gateway/issuer_keys.h"
#include "gateway/proof_checker.h"
#include "gateway/rate_limit.h"
#include "gateway/sqlite.h"

namespace hoop::gateway {

inline constexpr std::string_view kWorkloadTokenPath = "/v1/workloads/token";

struct ConfiguredWorkload {
  identity::WorkloadTerms terms;  // an empty audience: the base URL
  std::string ca_pem;             // of the platform; empty: the system's authorities
  bool operator==(const ConfiguredWorkload&) const = default;
};

/// Used on one event loop, that of the requests.
class WorkloadExchange {
 public:
  struct Parts {
    std::vector<ConfiguredWorkload> workloads;
    std::string base_url;
    Database database;
    crypto::P256Key key;  // signs the tokens
    const Clock& clock;
    Random& random;
    Log& log;
    ProofChecker& proofs;
    asio::any_io_executor executor;
  };
  /// Makes its table. Fails with config, storage.
  static Result<std::unique_ptr<WorkloadExchange>> create(Parts parts);

  /// What its tokens pass by.
  identity::TrustedIssuer issuer() const;
  asio::awaitable<http::Response> answer(http::Request request, http::ConnectionInfo connection);

 private:
  explicit WorkloadExchange(Parts parts);
  struct Fit {
    const identity::WorkloadTerms* terms = nullptr;
    identity::WorkloadClaims claims;
  };
  Result<Fit> fit(const identity::UnverifiedJws& token, const identity::KeySet& keys);
  asio::awaitable<Result<http::Response>> exchange(std::string subject_token, std::string key,
                                                   std::string address);
  /// False: it has been taken before.
  Result<bool> take_once(const std::string& issuer, const identity::WorkloadClaims& claims);
  /// key: the thumbprint of the one it is bound to; empty: none.
  http::Response token_for(const Fit& fit, const std::string& key);

  Parts parts_;
  std::map<std::string, std::unique_ptr<IssuerKeys>> keys_;  // by issuer
  RateLimit tries_;
};

}  // namespace hoop::gateway
