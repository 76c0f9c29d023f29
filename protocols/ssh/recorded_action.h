// SPDX-License-Identifier: Apache-2.0
// What log and user are told of an action.
#pragma once

#include <string>

#include "core/access/action.h"
#include "core/access/policy.h"
#include "core/mask/masker.h"

namespace hoop::ssh {

/// An action is judged as it came, and kept without what detectors find, up to a length. Fails
/// closed.
Result<void> clean_for_log(access::Action& action, mask::Masker& masker);

/// Why not, in one line.
std::string words_of(const access::Decision& decision);
/// How a program ends that may not run: as hoopctl itself would (hoopctl(1)).
std::uint32_t status_of(const access::Decision& decision);

}  // namespace hoop::ssh
