// SPDX-License-Identifier: Apache-2.0
// What a login without a person is given in files and pipes: a client's secret or key, a token.
#pragma once

#include <string>

#include "core/identity/service_login.h"
#include "core/identity/token_store.h"

namespace hoop::cmd {

/// The client that login names, with its secret or key. Fails with config; also where everybody
/// may read the file.
Result<identity::ServiceClient> read_service_client(const identity::LoginMethod& login);

/// The access token in a file. Everybody may read that one, as Kubernetes mounts them: it lives for
/// minutes. Fails as identity::given_token does.
Result<identity::TokenSet> read_token_file(const std::string& file, SystemTime now);
/// To the end of descriptor.
Result<identity::TokenSet> read_token(int descriptor, SystemTime now);

}  // namespace hoop::cmd
