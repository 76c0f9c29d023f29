// SPDX-License-Identifier: Apache-2.0
// What a question of a relay's client is for policy and record.
#pragma once

#include "core/access/action.h"
#include "protocols/ssh/relay_frames.h"

namespace hoop::ssh {

/// text in it is as it came.
access::Action action_of(const RelayAsk& ask);

}  // namespace hoop::ssh
