// SPDX-License-Identifier: Apache-2.0
// What the operator decides about the embedded identity provider.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace hoop::gateway::idp {

// What a token can be for (RFC 6749 §3.3): everything but deciding requests, or that alone.
inline constexpr std::string_view kLoginScope = "hoopctl";
inline constexpr std::string_view kApprovingScope = "approve";

struct Settings {
  std::string issuer;    // the gateway's base URL, without a slash at the end
  std::string audience;  // of access tokens
  std::string client_id = "hoopctl";
  std::string client_name = "hoopctl command line";
  std::chrono::seconds access_token_life{300};  // at most 300
  std::chrono::seconds device_code_life{300};   // at most 300
  std::chrono::seconds poll_interval{5};
  std::chrono::seconds login_life{12 * 3600};  // however often it is refreshed
  std::chrono::seconds decision_time{180};     // from signing in to approving
  int device_requests_per_minute = 60;         // an address
  int wrong_codes_in_five_minutes = 300;       // in all
};

}  // namespace hoop::gateway::idp
