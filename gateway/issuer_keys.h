// SPDX-License-Identifier: Apache-2.0
// The keys of a foreign issuer, which change: found by its metadata (OpenID Connect Discovery 1.0,
// RFC 8414), asked for anew, and kept while the issuer is away.
#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/identity/jwk.h"
#include "core/net/asio.h"
#include "core/net/tls.h"

namespace hoop::gateway {

/// Used on one event loop, that of the requests.
class IssuerKeys {
 public:
  /// Asks for the keys after a quarter of an hour, and once a minute at most when a token names a
  /// key that is not among them; while the issuer cannot be reached they are good for a day. Fails
  /// with config if trust cannot be read.
  static Result<std::unique_ptr<IssuerKeys>> create(std::string issuer, net::Trust trust,
                                                    asio::any_io_executor executor,
                                                    const Clock& clock, Log& log);
  ~IssuerKeys();
  IssuerKeys(const IssuerKeys&) = delete;
  IssuerKeys& operator=(const IssuerKeys&) = delete;

  /// Asks before somebody waits for them.
  void start();
  /// The keys that token may be signed with; nullptr while there are none. Another set is another
  /// object.
  asio::awaitable<std::shared_ptr<const identity::KeySet>> keys_for(std::string token);

 private:
  struct State;
  explicit IssuerKeys(std::shared_ptr<State> state);
  static asio::awaitable<void> refresh(std::shared_ptr<State> state, std::string token);
  std::shared_ptr<State> state_;
};

}  // namespace hoop::gateway
