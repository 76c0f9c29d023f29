// SPDX-License-Identifier: Apache-2.0
// What all connections of one HTTP session share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/mask/secret_scrubber.h"
#include "core/net/tls.h"
#include "core/session/handler.h"
#include "protocols/http/dialect.h"

namespace hoop::http_target {

/// On one io_context; outlives the connections.
class SessionShared {
 public:
  explicit SessionShared(session::SessionContext of);

  const access::PolicyDocument& policy() const { return context.gate.policy().document(); }
  const access::Target& target() const { return context.grant.target; }
  bool has_credential() const;
  /// Made when it is first needed: the system's authorities take their time. Fails with config.
  Result<const net::TlsClient*> tls();

  session::SessionContext context;
  std::unique_ptr<Dialect> dialect;  // set right behind the making
  mask::KnownSecrets secrets;
  std::string target_origin;
  std::string target_authority;
  std::uint64_t rows = 0;  // of replies, by all connections
  std::uint64_t bytes = 0;
  std::uint64_t recorded_bytes = 0;  // of replies, in the log

 private:
  std::optional<net::TlsClient> tls_;
};

}  // namespace hoop::http_target
