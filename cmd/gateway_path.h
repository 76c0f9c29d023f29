// SPDX-License-Identifier: Apache-2.0
// The gateway path: each connection of the program goes through a tunnel of its own to the gateway,
// which holds the credential, judges, masks and records.
#pragma once

#include <memory>
#include <set>

#include "cmd/gateway_client.h"
#include "cmd/session_path.h"
#include "core/session/tunnel.h"

namespace hoop::cmd {

class GatewayPath final : public SessionPath {
 public:
  /// grant has a ticket, and key is the one that it was asked for with. client outlives this.
  GatewayPath(Environment& environment, GatewayClient& client, access::Grant grant,
              crypto::Ed25519Key key)
      : environment_(environment),
        client_(client),
        grant_(std::move(grant)),
        key_(std::move(key)),
        parting_(client.executor()) {}

  Task<void> serve(net::StreamPtr downstream, session::Opening opening,
                   session::Door& door) override;
  void end_all(std::string reason) override;
  // All of this is the gateway's, which does it by itself.
  bool take_policy(access::PolicyDocument) override { return true; }
  void announce(std::string) override {}
  /// The gateway records it.
  void renewed(SystemTime) override {}
  void hold_by(session::Lease&) override {}
  void access_ended(const session::ControlEnd& end) override;
  asio::awaitable<SessionResult> finish(std::string cause, int program_status) override;

 private:
  Task<std::unique_ptr<session::Tunnel>> open();
  Result<http::Headers> proof(const net::Stream& connection);

  Environment& environment_;
  GatewayClient& client_;
  access::Grant grant_;
  crypto::Ed25519Key key_;
  std::uint64_t streams_ = 0;
  std::set<session::Tunnel*> live_;
  bool tunnel_broke_ = false;
  asio::steady_timer parting_;
  std::string ended_by_;  // as far as we have been told
};

}  // namespace hoop::cmd
