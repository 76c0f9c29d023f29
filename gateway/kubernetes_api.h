// SPDX-License-Identifier: Apache-2.0
// The gateway's own requests to a cluster's API server, one after the other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/access/grant.h"
#include "core/access/target.h"
#include "core/base/clock.h"
#include "core/identity/json.h"
#include "core/net/stream.h"

namespace hoop::gateway {

/// Where an API server is, and by what we are let in.
struct ApiServer {
  access::Target target;
  access::HttpCredential credential;
  std::uint16_t by_port = 0;  // of 127.0.0.1, that leads to the target's host once; 0: directly
};
/// Asked anew for each connection: a changed secret is taken up.
using ApiServerFor = std::function<Result<ApiServer>()>;

struct ApiRequest {
  std::string method;
  std::string path;  // behind the target's base path, with the query
  std::string body = {};
  /// What the answer is to be, besides JSON as it is.
  std::string_view accept = "application/json";
};

struct ApiAnswer {
  int status = 0;
  identity::Json body;  // null where there is none, or it is no JSON
};

/// Blocks: for threads of the pool. Resource; one thread at a time.
class KubernetesApi {
 public:
  KubernetesApi(ApiServerFor server_for, const Clock& clock);
  ~KubernetesApi();
  KubernetesApi(KubernetesApi&&) noexcept;
  KubernetesApi& operator=(KubernetesApi&&) noexcept;

  /// Connects, if there is no connection. Ten seconds at most. Fails as server_for, with
  /// upstream_unreachable, timeout, integrity (the certificate), config (the authorities).
  Result<void> open();
  /// Any answer, in ten seconds at most. Fails as open(), and with io, malformed, too_large.
  Result<ApiAnswer> ask(const ApiRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The body of an answer that says yes. what: "list secrets in 'hoopctl'", for the message. Fails
/// with upstream_refused (401, 403: the hint says whose credential or rights; and other refusals),
/// not_found, upstream_unreachable (it is overloaded or broken).
Result<identity::Json> expect_success(ApiAnswer answer, std::string_view what);

}  // namespace hoop::gateway
