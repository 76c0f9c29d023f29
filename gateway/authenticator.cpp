// SPDX-License-Identifier: Apache-2.0
#include "gateway/authenticator.h"

#include <utility>

#include "core/identity/jwt.h"

namespace hoop::gateway {

void Authenticator::accept(identity::TrustedIssuer issuer) {
  fixed_.push_back(std::move(issuer));
  make_verifier();
}

void Authenticator::accept_foreign(identity::TrustedIssuer issuer,
                                   std::unique_ptr<IssuerKeys> keys) {
  foreign_.emplace(std::move(issuer), std::move(keys), nullptr);
}

void Authenticator::start() {
  if (foreign_) foreign_->keys->start();
}

void Authenticator::make_verifier() {
  std::vector<identity::TrustedIssuer> all = fixed_;
  if (foreign_ && foreign_->used) {
    all.push_back(foreign_->issuer);
    all.back().keys = *foreign_->used;
  }
  verifier_.emplace(std::move(all), clock_);
}

Task<access::Identity> Authenticator::authenticate(std::string access_token, std::string proven) {
  if (foreign_ && identity::unverified_issuer(access_token) == foreign_->issuer.issuer) {
    auto keys = co_await foreign_->keys->keys_for(access_token);
    if (keys == nullptr)
      co_return fail(ErrorCode::upstream_unreachable,
                     "the identity provider cannot be reached, so no login can be checked",
                     "the gateway's log says why; try again in a minute");
    if (keys != foreign_->used) {
      foreign_->used = std::move(keys);
      make_verifier();
    }
  }
  if (!verifier_) make_verifier();
  co_return verifier_->verify(access_token, proven);
}

}  // namespace hoop::gateway
