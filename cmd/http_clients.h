// SPDX-License-Identifier: Apache-2.0
// How programs that speak HTTP find an endpoint: by a URL in a variable.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cmd/program_environment.h"
#include "cmd/target_endpoint.h"
#include "core/access/target.h"

namespace hoop::cmd {

/// That its base path is part of a URL, and its url_variable one that a program may be given:
/// neither ours nor one that would change how programs run. Fails with config.
Result<void> check_http_target(const access::Target& target);

/// "http://127.0.0.1:PORT" and the target's base path: no '/' is at its end. Of a Unix socket with
/// "localhost", which clients that are told the socket do not look up.
std::string http_url(const TargetEndpoint& endpoint);

/// A service as a program is told of it.
struct HttpService {
  std::string target;
  std::string url;
  std::string variable;  // of the target's; empty: none
};
HttpService http_service(const TargetEndpoint& endpoint);

/// That no proxy is asked for 127.0.0.1, beside what user's variables say of proxies.
Variables variables_without_proxy(const std::map<std::string, std::string>& user);

/// What a program is told of services: HOOPCTL_URL is the first one's, and unless is_alone (the
/// program has no other targets) each has a variable of its own; and those that targets name.
/// services: at least one, in their order. Fails with usage where two targets name one variable.
Result<Variables> http_variables(const std::vector<HttpService>& services, bool is_alone);

}  // namespace hoop::cmd
