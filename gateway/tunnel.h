// SPDX-License-Identifier: Apache-2.0
// GET /v1/sessions/{session}/tunnel: turns an HTTPS connection into a stream of a session, for whom
// ticket and proof are the login.
#pragma once

#include "core/http/server.h"
#include "gateway/live_sessions.h"

namespace hoop::gateway {

/// "/v1/sessions/{session}/tunnel".
bool is_tunnel_path(std::string_view path);

class TunnelService {
 public:
  /// Borrows both; they outlive it and every request.
  TunnelService(LiveSessions& sessions, Log& log) : sessions_(sessions), log_(log) {}

  /// Answers 101, and then hands the connection to its session; or says why not. Never suspends.
  http::Response answer(const http::Request& request, const http::ConnectionInfo& connection);

 private:
  LiveSessions& sessions_;
  Log& log_;
};

}  // namespace hoop::gateway
