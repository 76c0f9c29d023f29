// SPDX-License-Identifier: Apache-2.0
// Which proxy the user's environment asks for: HTTPS_PROXY and NO_PROXY as curl reads them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/secret.h"
#include "core/http/url.h"

namespace hoop::http {

/// The values as they stand in the environment; empty when not set. Who reads the environment is
/// cmd.
struct ProxyEnvironment {
  std::string https_proxy;
  std::string no_proxy;
};

/// A proxy that is asked to CONNECT. Only https requests go through it: plain http is for loopback.
class Proxy {
 public:
  /// https_proxy: [http://][user:password@]host[:port]; nullopt when empty. Fails with config.
  static Result<std::optional<Proxy>> from_environment(const ProxyEnvironment& environment);

  /// False for loopback and for what NO_PROXY names: "*", a host, or a domain with everything below
  /// it.
  bool applies_to(const Url& url) const;
  const std::string& host() const { return host_; }
  std::uint16_t port() const { return port_; }
  /// "Basic …" or empty.
  const SecretText& authorization() const { return authorization_; }

 private:
  std::string host_;
  std::uint16_t port_ = 0;
  SecretText authorization_;
  std::vector<std::string> direct_;
};

}  // namespace hoop::http
