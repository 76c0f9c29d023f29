// SPDX-License-Identifier: Apache-2.0
// What gateway and client of a running session say to each other beside the program's connections
// (hoopctl-control(5)): one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/access/policy.h"
#include "core/base/bytes.h"

namespace hoop::session {

/// The protocol's name in the Upgrade field, and the longest line of either side.
inline constexpr std::string_view kControlProtocol = "hoopctl-control/1";
inline constexpr std::size_t kMaxLineOfGateway = 4U << 20;  // a policy part, as in a grant
inline constexpr std::size_t kMaxLineOfClient = 4U << 10;

/// The client asks whether its session still stands; the gateway says so with the same number.
struct ControlAlive {
  std::uint64_t number = 0;
  bool operator==(const ControlAlive&) const = default;
};

/// Gateway to client: access has ended.
struct ControlEnd {
  std::string cause;   // as in the log's session_end
  std::string reason;  // for the program and its user
  std::string by;      // the subject of the person who ended it; empty: nobody did
  std::string words;   // what that person gave as the reason
  bool operator==(const ControlEnd&) const = default;
};

/// Gateway to client, local path: judge by this from now on.
struct ControlPolicy {
  access::PolicyDocument policy;
  bool operator==(const ControlPolicy&) const = default;
};

/// Gateway to client, gateway path: an action was refused. Never a literal or a row's value.
struct ControlDenied {
  std::string rule;
  std::string message;
  std::string hint;
  std::string verb;
  bool operator==(const ControlDenied&) const = default;
};

/// Gateway to client, gateway path: an action waits for somebody to approve it, or waits no more.
/// Never a literal or a row's value but what an approver is shown.
struct ControlApproval {
  std::string request;
  access::ApprovalState state = access::ApprovalState::pending;
  bool waits = false;    // the action does, still
  bool resumes = false;  // once it is approved, hoopctl resume can run it
  std::string rule;
  std::string message;
  std::string hint;
  std::string verb;
  std::string summary;  // the beginning of what an approver is shown
  std::string by;       // who has decided
  SystemTime expires_at{};
  bool operator==(const ControlApproval&) const = default;
};
/// Of a decision that has an approval.
ControlApproval approval_news(const access::Action& action, const access::Decision& decision,
                              bool waits);

/// Client to gateway: what an end asks for has been done.
struct ControlEnded {
  bool operator==(const ControlEnded&) const = default;
};

using FromGateway =
    std::variant<ControlAlive, ControlEnd, ControlPolicy, ControlDenied, ControlApproval>;
using FromClient = std::variant<ControlAlive, ControlEnded>;

/// With the line's end.
std::string encode(const FromGateway& message);
std::string encode(const FromClient& message);
/// line is without its end. Strict: fails with malformed, also for a member that we do not know.
Result<FromGateway> decode_from_gateway(std::string_view line);
Result<FromClient> decode_from_client(std::string_view line);

/// Parts bytes into lines that end with LF.
class LineSplitter {
 public:
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}
  void feed(ByteSpan bytes) { held_ += as_text(bytes); }
  /// nullopt: there is no whole line. Fails with too_large where longest bytes hold no end.
  Result<std::optional<std::string>> next();

 private:
  std::size_t longest_;
  std::string held_;
  std::size_t searched_ = 0;
};

}  // namespace hoop::session
