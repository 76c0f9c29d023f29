// SPDX-License-Identifier: Apache-2.0
// What a gateway's answers mean.
#pragma once

#include <optional>
#include <string>

#include "cmd/session_path.h"
#include "core/http/message.h"

namespace hoop::cmd {

/// The answer to the end of a session on the gateway path; nullopt: it is none.
std::optional<SessionResult> read_session_result(const std::string& body);

/// The error in a problem document (RFC 9457), or in what stands in its place.
Error problem_of(const http::Response& response, std::string_view gateway_url);
/// The gateway's own words for why there is no tunnel are few: each becomes what a person can do.
Error tunnel_problem(const http::Response& response, std::string_view gateway_url);

}  // namespace hoop::cmd
