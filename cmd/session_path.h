// SPDX-License-Identifier: Apache-2.0
// Where the connections of one session are served: by the engine in this process (local path), or
// by the gateway's at the other end of a tunnel (gateway path). The program cannot tell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/session/control.h"
#include "core/session/door.h"
#include "core/session/gate.h"

namespace hoop::cmd {

/// What a session came to, once it has ended.
struct SessionResult {
  session::SessionTotals totals;
  std::string log_digest;  // hex; empty when nobody could tell
  bool expired = false;
  std::string ended_by;          // gateway path: the cause in the log; empty when nobody could tell
  bool tunnel_broke = false;     // gateway path: under the program, and none was opened after it
  bool receipted = false;        // the log is at the gateway already
  std::optional<Error> failure;  // local path: the record was not kept to its end. gateway path:
                                 // the gateway did not confirm the end
  // Gateway path: what nobody has been told of.
  std::vector<session::ControlDenied> denials;
  std::vector<session::ControlApproval> approvals;

  /// The gateway took access away while the program ran.
  bool was_taken() const {
    return expired || ended_by == "killed" || ended_by == "revoked" ||
           ended_by == "policy_changed" || ended_by == "client_lost";
  }
  /// Gateway path: the gateway, or the way to it, went away while the program ran.
  bool lost_gateway() const {
    const bool unreachable = failure && (failure->code == ErrorCode::upstream_unreachable ||
                                         failure->code == ErrorCode::timeout);
    return tunnel_broke || unreachable || ended_by == "gateway_stopped" ||
           ended_by == "gateway_lost";
  }
};

class SessionPath {
 public:
  virtual ~SessionPath() = default;
  /// Serves one connection that the door has opened, to its end. Whatever goes wrong has been told
  /// to the program, if need be through door.
  virtual Task<void> serve(net::StreamPtr downstream, session::Opening opening,
                           session::Door& door) = 0;
  /// Ends running connections with this reason.
  virtual void end_all(std::string reason) = 0;
  /// Judges by this from now on; false: the session was made for something else.
  virtual bool take_policy(access::PolicyDocument part) = 0;
  /// Tells the program's user something in the protocol's own words.
  virtual void announce(std::string words) = 0;
  /// Access lasts until then: for the record.
  virtual void renewed(SystemTime expires_at) = 0;
  /// Nothing of the program's passes while lease does not hold. It outlives what is served.
  virtual void hold_by(session::Lease& lease) = 0;
  /// The gateway has ended the session: ends running connections with its reason, and records it.
  virtual void access_ended(const session::ControlEnd& end) = 0;
  /// Ends the session; once, when nothing is being served any more.
  virtual asio::awaitable<SessionResult> finish(std::string cause, int program_status) = 0;
};

}  // namespace hoop::cmd
