// SPDX-License-Identifier: Apache-2.0
// Why a target behind an agent cannot be reached, in words that users read and that the API tells
// apart.
#pragma once

#include <string>

#include "core/base/error.h"

namespace hoop::gateway {

inline std::string agent_offline_text() { return "the agent of this target is offline"; }
inline std::string agent_lost_text() { return "the agent of this target was lost"; }
inline std::string agent_not_allowed_text() {
  return "the agent of this target does not allow its address";
}

inline Error agent_offline() {
  return {ErrorCode::upstream_unreachable,
          agent_offline_text(),
          "try again; if it stays so, ask whoever runs the agent",
          {}};
}

}  // namespace hoop::gateway
