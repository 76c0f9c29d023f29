// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/target_cache.h"

namespace hoop::postgres {

Result<std::shared_ptr<const net::TlsClient>> TargetCache::tls_for(const access::Target& target) {
  const Trusted trusted{target.tls_ca_pem, target.tls};
  const std::lock_guard lock(mutex_);
  if (const auto known = clients_.find(trusted); known != clients_.end()) return known->second;
  net::Trust trust;
  trust.ca_pem = target.tls_ca_pem;
  trust.names = target.tls == access::TlsMode::verify_ca ? net::Trust::Names::ignore
                                                         : net::Trust::Names::check;
  HOOP_TRY(auto made, net::TlsClient::create(std::move(trust)));
  auto client = std::make_shared<const net::TlsClient>(std::move(made));
  clients_.emplace(trusted, client);
  return client;
}

std::shared_ptr<const Catalog> TargetCache::share(Catalog catalog) {
  std::vector<std::shared_ptr<const Catalog>> alive;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(catalogs_, [&](const auto& one) {
      auto held = one.lock();
      const bool gone = held == nullptr;
      if (!gone) alive.push_back(std::move(held));
      return gone;
    });
  }
  // Without the lock: they may be large. Two that come at once may both stay, and do no harm.
  for (auto& one : alive)
    if (*one == catalog) return std::move(one);
  auto fresh = std::make_shared<const Catalog>(std::move(catalog));
  const std::lock_guard lock(mutex_);
  catalogs_.push_back(fresh);
  return fresh;
}

}  // namespace hoop::postgres
