// SPDX-License-Identifier: Apache-2.0
#include "core/identity/browser_login.h"

#include <algorithm>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kRandomBytes = 32;  // RFC 7636 §4.1 advises them for the verifier
constexpr std::size_t kMaxCodeBytes = 4096;

std::optional<std::string_view> member(const BrowserLogin::Fields& query, std::string_view name) {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  if (found == query.end()) return std::nullopt;
  return found->second;
}

bool is_code(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCodeBytes &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

BrowserLogin::BrowserLogin(std::string client_id, std::string redirect_uri,
                           RequestParameters parameters, Random& random)
    : client_id_(std::move(client_id)),
      redirect_uri_(std::move(redirect_uri)),
      parameters_(std::move(parameters)),
      state_(to_base64url(random.bytes(kRandomBytes))),
      verifier_(to_base64url(random.bytes(kRandomBytes))) {}

Result<std::string> BrowserLogin::page(const IssuerMetadata& issuer) const {
  if (issuer.authorization_endpoint.empty())
    return fail(ErrorCode::unsupported, "the identity provider has no page for a login by browser",
                "log in without --browser");
  const auto& methods = issuer.code_challenge_methods;
  if (!methods.empty() && std::ranges::find(methods, "S256") == methods.end())
    return fail(ErrorCode::unsupported,
                "the identity provider does not know PKCE by S256, without which a code could be "
                "used by whoever sees it",
                "log in without --browser");
  std::vector<FormField> fields{{"response_type", "code"},
                                {"client_id", client_id_},
                                {"redirect_uri", redirect_uri_},
                                {"state", state_.reveal()},
                                {"code_challenge_method", "S256"}};
  const std::string challenge = to_base64url(crypto::sha256(as_bytes(verifier_.reveal())));
  fields.emplace_back("code_challenge", challenge);
  fields.insert(fields.end(), parameters_.begin(), parameters_.end());
  // OpenID Connect Core §11: a refresh token is asked for with the person's consent.
  const auto scope = parameters_.find("scope");
  const bool offline =
      scope != parameters_.end() && scope->second.find("offline_access") != std::string::npos;
  if (offline && !parameters_.contains("prompt")) fields.emplace_back("prompt", "consent");
  const std::string& endpoint = issuer.authorization_endpoint;
  return endpoint + (endpoint.find('?') == std::string::npos ? "?" : "&") +
         form_body(fields).reveal();
}

Result<std::optional<SecretText>> BrowserLogin::returned(const Fields& query,
                                                         const IssuerMetadata& issuer) const {
  const auto state = member(query, "state");
  if (!state || !equal_constant_time(as_bytes(*state), as_bytes(state_.reveal())))
    return std::optional<SecretText>();
  // RFC 9207: what another issuer has answered is given to none.
  const auto from = member(query, "iss");
  if ((issuer.names_itself_in_answers && !from) || (from && *from != issuer.issuer))
    return fail(ErrorCode::integrity, "the browser came back from another identity provider",
                "do not log in there; tell the gateway's operator");
  if (const auto error = member(query, "error")) {
    if (*error == "access_denied")
      return fail(ErrorCode::denied, "the login was denied on the page",
                  "run `hoopctl login --browser` again");
    return fail(ErrorCode::upstream_refused,
                "the identity provider refused the login: " + neutralise(*error, 64, Lines::escape),
                *error == "invalid_scope" || *error == "invalid_target"
                    ? "the parameters in [gateway.oidc] are not what it knows"
                    : "log in without --browser");
  }
  const auto code = member(query, "code");
  if (!code || !is_code(*code))
    return fail(ErrorCode::malformed, "the browser came back without a code");
  return std::optional<SecretText>(std::string(*code));
}

SecretText BrowserLogin::code_request(const SecretText& code) const {
  std::vector<FormField> fields{{"grant_type", "authorization_code"},
                                {"code", code.reveal()},
                                {"redirect_uri", redirect_uri_},
                                {"client_id", client_id_},
                                {"code_verifier", verifier_.reveal()}};
  for (const auto& [name, value] : parameters_)
    if (name != "scope" && name != "prompt") fields.emplace_back(name, value);
  return form_body(fields);
}

Result<TokenSet> BrowserLogin::redeemed(int status, std::string_view body) {
  if (status == 200) return parse_token_set(body);
  if (status == 400 || status == 401)
    return fail(ErrorCode::unauthenticated, "the identity provider does not take the code",
                oauth_error(body) == "invalid_client"
                    ? "the client in [gateway.oidc] must be a public one"
                    : "run `hoopctl login --browser` again");
  return fail(ErrorCode::upstream_refused,
              "the identity provider answered " + std::to_string(status) + " to the code",
              "run `hoopctl login --browser` again");
}

}  // namespace hoop::identity
