// SPDX-License-Identifier: Apache-2.0
// Whether a configured target would serve sessions: each step of one is taken, and undone.
#pragma once

#include <functional>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "gateway/config.h"

namespace hoop::gateway {

/// Told of each step as it is done: what was looked at, and the words for it or why it failed.
using TargetReport = std::function<void(std::string_view step, const Result<std::string>& found)>;

/// The login and its secret, each database, and for each database role of the policy a session
/// role that is made, logs in and is dropped; or, of a shared login, whether it may become that. Of
/// a host: the key that it shows, and each login of the policy. Of an HTTP service: its
/// certificate, and what it answers to who comes with the credential; of a cluster that, and what
/// sessions would be lent there. Of a target behind an agent nothing but the secret: it is reached
/// by a gateway that runs. Blocks, a minute or so where nothing answers.
void check_target(const GatewayConfig& config, const ConfiguredTarget& target, const Clock& clock,
                  Random& random, const TargetReport& report);

}  // namespace hoop::gateway
