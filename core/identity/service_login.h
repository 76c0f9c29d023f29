// SPDX-License-Identifier: Apache-2.0
// A login without a person (RFC 6749 §4.4): a service proves itself to the issuer by its secret
// (§2.3.1) or by a signature of its key (RFC 7523 §2.2, OpenID Connect Core §9). Requests and
// answers, without I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "core/identity/discovery.h"
#include "core/identity/token_request.h"

namespace hoop::identity {

/// What a service is known by at its issuer. With a key, secret is not used.
struct ServiceClient {
  std::string client_id;
  SecretText secret;
  std::optional<crypto::P256Key> key;
  std::string key_id;  // as the issuer knows the key; empty: its thumbprint (RFC 7638)
};

struct ServiceRequest {
  SecretText form;
  SecretText authorization;  // the header field of that name; empty for none
};

/// The request to the token endpoint. Of parameters `scope` is left out: it is what people ask for
/// (offline_access), and a service gets no refresh token.
ServiceRequest service_request(const ServiceClient& client, const IssuerMetadata& issuer,
                               const RequestParameters& parameters, SystemTime now, Random& random);

/// The answer to it. Fails with unauthenticated (the issuer does not take the secret or key),
/// config (it takes the client, and not for this), upstream_refused (it is ill), malformed.
Result<TokenSet> parse_service_answer(int status, std::string_view body);

/// A job's token of its CI platform, for an access token of the gateway (RFC 8693 §2.1).
SecretText exchange_request(const SecretText& subject_token);
/// The answer to it. Fails with unauthenticated (what the gateway says of the token), config (it
/// takes none), upstream_refused, malformed.
Result<TokenSet> parse_exchange_answer(int status, std::string_view body);
/// Whether text is a token, and no access token: something to be exchanged.
bool is_other_token(std::string_view text);

/// An access token that somebody else has obtained, as it stands in a file or a pipe: what it says
/// of its own life is taken as it is, for the gateway checks it. Fails with config if it is no
/// access token (RFC 9068 §2.1: `at+jwt`), unauthenticated if it has expired.
Result<TokenSet> given_token(std::string_view text, SystemTime now);

}  // namespace hoop::identity
