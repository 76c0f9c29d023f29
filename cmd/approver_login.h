// SPDX-License-Identifier: Apache-2.0
// Who decides a request proves afresh who they are: by a device flow of its own, whose token is for
// deciding alone, and kept nowhere.
#pragma once

#include <string>

#include "cmd/environment.h"
#include "cmd/token_presenter.h"
#include "core/identity/token_store.h"

namespace hoop::cmd {

/// What the issuer is told: as at a login, with the scope for deciding besides. Without the one for
/// a refresh token; and where it speaks OpenID Connect, that an earlier sign-in does not count.
identity::RequestParameters approving_parameters(const identity::GatewayRecord& gateway);

/// The device flow of the gateway at url to its end, each time; says where to sign in before it
/// waits. Fails with denied where an agent runs us, with usage where a token in the place of a
/// person is what we have, with unauthenticated where there was no login, and as a login does.
Task<Presented> sign_in_to_approve(Environment& environment, asio::any_io_executor executor,
                                   std::string url);

}  // namespace hoop::cmd
