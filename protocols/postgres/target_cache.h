// SPDX-License-Identifier: Apache-2.0
// What sessions share about the targets that they have in common: TLS settings, and catalogs that
// are equal. A gateway holds thousands of connections to a few databases.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/access/target.h"
#include "core/net/tls.h"
#include "protocols/postgres/catalog.h"

namespace hoop::postgres {

/// Safe from several threads at once.
class TargetCache {
 public:
  /// How to speak TLS to a target; by what the target says it trusts. Fails with config.
  Result<std::shared_ptr<const net::TlsClient>> tls_for(const access::Target& target);
  /// The equal one that somebody holds already, or this one. Each connection reads its own, so that
  /// none is out of date; what it read is kept once.
  std::shared_ptr<const Catalog> share(Catalog catalog);

 private:
  using Trusted = std::pair<std::string, access::TlsMode>;
  std::mutex mutex_;
  std::map<Trusted, std::shared_ptr<const net::TlsClient>> clients_;
  std::vector<std::weak_ptr<const Catalog>> catalogs_;
};

}  // namespace hoop::postgres
