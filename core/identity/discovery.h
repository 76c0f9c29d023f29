// SPDX-License-Identifier: Apache-2.0
// The two documents by which a client finds its way: the gateway's (/.well-known/hoopctl) and the
// issuer's (RFC 8414, OpenID Connect Discovery).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "core/identity/json.h"
#include "core/identity/token_request.h"

namespace hoop::identity {

/// An https URL as the user or a document wrote it, taken apart and normalised.
struct HttpsUrl {
  std::string host;  // lower case; an IPv6 literal without brackets
  std::uint16_t port = 443;
  std::string path;  // with query; at least "/"

  /// "https://host" or "https://host:port", the port only if it is not 443.
  std::string origin() const;
  bool operator==(const HttpsUrl&) const = default;
};

/// Fails with malformed for another scheme, user information, a fragment, characters outside
/// printable ASCII, an odd host.
Result<HttpsUrl> parse_https_url(std::string_view text);

/// The longest issuer_ca_pem: some ten certificates.
constexpr std::size_t kMaxAuthorityBytes = std::size_t{32} << 10;

struct GatewayDocument {
  std::string gateway;  // "gw_…"
  std::string issuer;
  std::string client_id;
  std::string audience;
  std::string version;
  // Both empty for the embedded identity provider.
  RequestParameters login_parameters = {};
  std::string issuer_ca_pem = {};  // the issuer's authorities, where they are not the system's
  std::string approving_scope = "approve";  // of tokens for deciding requests
};
Result<GatewayDocument> parse_gateway_document(std::string_view body);

struct IssuerMetadata {
  std::string issuer;
  std::string device_authorization_endpoint;  // empty if there is none
  std::string token_endpoint;  // empty for who only signs, as GitHub and Kubernetes do for jobs
  std::string revocation_endpoint;  // empty if there is none
  std::string jwks_uri;
  std::vector<std::string> token_endpoint_auth_methods = {};  // empty: it does not say
  std::string authorization_endpoint = {};                    // empty if there is none
  std::vector<std::string> code_challenge_methods = {};       // empty: it does not say
  bool names_itself_in_answers = false;                       // RFC 9207
  std::vector<std::string> proof_algorithms = {};             // RFC 9449 §5.1; empty: no DPoP
};
/// Fails with malformed; with integrity if the document is about another issuer (RFC 8414 §3.3).
/// All URLs are https.
Result<IssuerMetadata> parse_issuer_metadata(std::string_view body,
                                             std::string_view expected_issuer);
/// Where the issuer's document is: issuer + "/.well-known/openid-configuration".
std::string metadata_url(std::string_view issuer);

/// An object of texts. Fails with malformed.
Result<RequestParameters> read_request_parameters(const Json& json);

}  // namespace hoop::identity
