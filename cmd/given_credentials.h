// SPDX-License-Identifier: Apache-2.0
// What a login without a person is given in files and pipes: a client's secret or key, a token.
#pragma once

#include <string>

#include "cmd/token_requests.h"
#include "core/identity/service_login.h"
#include "core/identity/token_store.h"

namespace hoop::cmd {

/// What HOOPCTL_CA_FILE or HOOPCTL_CA_SHA256 say of the gateway's certificate, in place of what
/// record says. False if neither is set. Fails with usage.
Result<bool> take_given_trust(const Settings& settings, identity::GatewayRecord& record);

/// The client that login names, with its secret or key. Fails with config; also where everybody
/// may read the file.
Result<identity::ServiceClient> read_service_client(const identity::LoginMethod& login);

/// A token in a file, which everybody may read as Kubernetes mounts them: it lives for minutes.
/// Fails with config.
Result<SecretText> read_token_file(const std::string& file);
/// To the end of descriptor. Fails with config.
Result<SecretText> read_token(int descriptor);
/// What was given as an access token: itself, or what the gateway at url gives for a job's token of
/// its CI platform, bound to a key of its own. Fails as given_token() and parse_exchange_answer().
Task<identity::TokenSet> redeem(Web& gateway, std::string url, SecretText given, const Clock& clock,
                                Random& random);

}  // namespace hoop::cmd
