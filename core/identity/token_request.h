// SPDX-License-Identifier: Apache-2.0
// The client's half of an OAuth token endpoint (RFC 6749 §5, §6; RFC 7009): request bodies and
// answers, without I/O.
#pragma once

#include <chrono>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/secret.h"

namespace hoop::identity {

struct TokenSet {
  SecretText access_token;
  SecretText refresh_token;  // empty if the issuer gave none
  std::chrono::seconds expires_in{0};
  bool bound = false;   // good only with proofs by the key that was proven to the issuer (dpop.h)
  SecretText key = {};  // that key, PEM; whoever asked for the tokens sets it
};

/// application/x-www-form-urlencoded, for every request here.
using FormField = std::pair<std::string_view, std::string_view>;
SecretText form_body(std::span<const FormField> fields);
inline SecretText form_body(std::initializer_list<FormField> fields) {
  return form_body(std::span(fields.begin(), fields.size()));
}

/// One name or value of it.
SecretText form_encoded(std::string_view text);

/// What an issuer wants to be told beside the standard's own members: scope, resource (RFC 8707),
/// audience.
using RequestParameters = std::map<std::string, std::string, std::less<>>;
constexpr std::size_t kMostParameters = 16;
/// Printable, not long, and no member that a request of ours has already.
bool is_request_parameter(std::string_view name, std::string_view value);

/// One word of a scope (RFC 6749 §3.3), not long.
bool is_scope_word(std::string_view text);
/// scope: words with blanks between them.
bool scope_has(std::string_view scope, std::string_view word);

SecretText refresh_request(std::string_view client_id, const SecretText& refresh_token,
                           const RequestParameters& parameters = {});
SecretText revocation_request(std::string_view client_id, const SecretText& refresh_token);

/// What a 200 of the token endpoint holds. Fails with malformed.
Result<TokenSet> parse_token_set(std::string_view body);
/// The answer to refresh_request. Fails with unauthenticated (log in again), upstream_refused (the
/// issuer is ill: the old token may still be good), malformed. After a lost answer never send the
/// same refresh token again: the issuer takes that for theft and ends the login.
Result<TokenSet> parse_refresh_answer(int status, std::string_view body);

/// The "error" of an OAuth error document (RFC 6749 §5.2), or "" if body is none. From a peer:
/// compare it, do not show it.
std::string oauth_error(std::string_view body);

/// The sub of an access token that nobody verified: for telling the user as whom they are logged
/// in, for nothing else.
Result<std::string> unverified_subject(const SecretText& access_token);

}  // namespace hoop::identity
