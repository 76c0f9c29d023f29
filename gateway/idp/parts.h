// SPDX-License-Identifier: Apache-2.0
// What the endpoints of the identity provider share.
#pragma once

#include "core/base/clock.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/http/message.h"
#include "core/http/server.h"
#include "gateway/audit.h"
#include "gateway/idp/authorization_codes.h"
#include "gateway/idp/device_requests.h"
#include "gateway/idp/logins.h"
#include "gateway/idp/settings.h"
#include "gateway/idp/user_store.h"
#include "gateway/proof_checker.h"

namespace hoop::gateway::idp {

struct Shared {
  Settings settings;
  const Clock& clock;
  Random& random;
  Log& log;
  UserStore users;
  DeviceRequests requests;
  Logins logins;
  AuthorizationCodes codes;
  Audit audit;
  ProofChecker& proofs;
};

/// The key under which an address is limited: IPv6 by its /64, which one host has whole.
std::string address_key(const asio::ip::address& address);
/// As people read it: an IPv4 address that came mapped into IPv6 is shown as IPv4.
std::string address_text(const asio::ip::address& address);

/// What every answer has: nothing is kept by a browser or a proxy.
void add_security_headers(http::Response& response);
http::Response too_many(http::Response response, std::chrono::seconds retry_after);

}  // namespace hoop::gateway::idp
