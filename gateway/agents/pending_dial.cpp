// SPDX-License-Identifier: Apache-2.0
#include "gateway/agents/pending_dial.h"

namespace hoop::gateway {

Error Agents::Pending::why_no_stream(bool stopping) const {
  using session::DialRefusal;
  if (stopping) return {ErrorCode::cancelled, "the gateway is stopping", {}, {}};
  if (refusal) {
    switch (*refusal) {
      case DialRefusal::not_allowed:
        return {ErrorCode::upstream_refused,
                agent_not_allowed_text(),
                "whoever runs the agent adds it: hoopctl agent serve --allow HOST:PORT",
                {}};
      case DialRefusal::unreachable:
        return {ErrorCode::upstream_unreachable,
                "the agent cannot reach the target",
                "check that the server runs and that host and port of the target are right",
                {}};
      case DialRefusal::timeout:
        return {ErrorCode::timeout, "the target does not answer its agent in time", {}, {}};
      case DialRefusal::busy:
        return {ErrorCode::upstream_unreachable,
                "the agent of this target takes no more streams",
                "try again",
                {}};
      case DialRefusal::failed:
        return {ErrorCode::upstream_unreachable,
                "the agent of this target could not dial back",
                "its log says why",
                {}};
    }
  }
  if (!control || !control->is_open())
    return {ErrorCode::upstream_unreachable, agent_lost_text(), "try again", {}};
  return {ErrorCode::timeout,
          "the agent of this target did not dial back in time",
          "its log says why",
          {}};
}

}  // namespace hoop::gateway
