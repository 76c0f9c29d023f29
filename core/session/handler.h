// SPDX-License-Identifier: Apache-2.0
// Serves the connections of one session: downstream ↔ upstream, in one protocol.
#pragma once

#include <memory>

#include "core/access/grant.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/mask/masker.h"
#include "core/net/dialer.h"
#include "core/session/door.h"
#include "core/session/gate.h"

namespace hoop::session {

/// What a handler may use. Everything is owned by the SessionEngine and outlives the handler.
struct SessionContext {
  Gate& gate;
  net::Dialer& dialer;
  mask::Masker& masker;
  const access::Grant& grant;
  const Clock& clock;
  Random& random;
  Log& log;
};

class ProtocolHandler {
 public:
  virtual ~ProtocolHandler() = default;
  /// Serves one connection that a door has opened, until either side ends it; says what went wrong
  /// in the protocol's own words before it returns an error. connection counts from 1 in the
  /// session. Several may run at once on one io_context.
  virtual Task<void> serve(std::uint64_t connection, net::StreamPtr downstream,
                           Opening opening) = 0;
  /// Ends every connection with this reason in the protocol's own words (expired, revoked).
  virtual void end_all(std::string reason) = 0;
  /// Tells the user of every connection something in the protocol's own words, where it has words
  /// for that; never waits.
  virtual void announce(std::string words) = 0;
  /// Whether what runs can be judged by these rules and limits from now on. False where it was made
  /// for others: it would not know what the new ones ask for.
  virtual bool can_judge_by(const access::PolicyDocument& policy) const = 0;
};

}  // namespace hoop::session
