// SPDX-License-Identifier: Apache-2.0
#include "core/identity/discovery.h"

#include <algorithm>
#include <charconv>

#include "core/identity/json.h"

namespace hoop::identity {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxNameBytes = 256;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

std::unexpected<Error> bad_url(const char* what) {
  return fail(ErrorCode::malformed, std::string("not an https URL: ") + what,
              "write it like https://gateway.example:8443");
}

/// host or [v6], then ":port" if any.
Result<void> read_authority(std::string authority, HttpsUrl& out) {
  std::ranges::transform(authority, authority.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == authority.npos) return bad_url("the address is not closed");
    out.host = authority.substr(1, end - 1);
    const bool literal =
        out.host.find(':') != out.host.npos && std::ranges::all_of(out.host, [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
        });
    if (!literal) return bad_url("the address in brackets is not IPv6");
    port = std::string_view(authority).substr(end + 1);
  } else {
    const std::size_t colon = authority.find(':');
    out.host = authority.substr(0, colon);
    const bool name = !out.host.empty() && out.host.size() <= 253 && out.host.front() != '.' &&
                      out.host.front() != '-' && std::ranges::all_of(out.host, is_host_character);
    if (!name) return bad_url("the host is not a name or an address");
    if (colon != authority.npos) port = std::string_view(authority).substr(colon);
  }
  if (port.empty()) return {};
  unsigned value = 0;
  const char* end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, end, value);
  if (port.front() != ':' || error != std::errc() || stop != end || value == 0 || value > 65535) {
    return bad_url("the port is not a number from 1 to 65535");
  }
  out.port = static_cast<std::uint16_t>(value);
  return {};
}

Result<std::string> name_member(const Json& json, std::string_view name) {
  const std::string* text = json.text(name);
  const bool good = text != nullptr && !text->empty() && text->size() <= kMaxNameBytes &&
                    std::ranges::all_of(*text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!good)
    return fail(ErrorCode::malformed, "'" + std::string(name) + "' is missing or not a name");
  return *text;
}

Result<std::string> url_member(const Json& json, std::string_view name) {
  const std::string* text = json.text(name);
  if (text == nullptr) return fail(ErrorCode::malformed, "'" + std::string(name) + "' is missing");
  if (auto url = parse_https_url(*text); !url)
    return std::unexpected(std::move(url).error().within(name));
  return *text;
}

/// The texts of an array; none where it is missing or something else.
std::vector<std::string> texts_in(const Json& json, std::string_view name) {
  std::vector<std::string> out;
  const Json* list = json.find(name);
  if (list == nullptr || list->array() == nullptr) return out;
  for (const Json& one : *list->array())
    if (one.text() != nullptr) out.push_back(*one.text());
  return out;
}

}  // namespace

Result<RequestParameters> read_request_parameters(const Json& json) {
  const auto* members = json.object();
  if (members == nullptr || members->size() > kMostParameters)
    return fail(ErrorCode::malformed, "'login_parameters' is not a short object");
  RequestParameters out;
  for (const auto& [name, value] : *members) {
    if (value.text() == nullptr || !is_request_parameter(name, *value.text()))
      return fail(ErrorCode::malformed, "'login_parameters' holds what is no parameter of a login");
    out.emplace(name, *value.text());
  }
  return out;
}

std::string HttpsUrl::origin() const {
  std::string out = "https://";
  out += host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != 443) out += ":" + std::to_string(port);
  return out;
}

Result<HttpsUrl> parse_https_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  if (text.size() > kMaxUrlBytes) return bad_url("longer than 2 KiB");
  if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; }))
    return bad_url("a character is not printable");
  if (!text.starts_with(kScheme)) return bad_url("it does not start with https://");
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t slash = rest.find_first_of("/?#");
  if (rest.find('#') != rest.npos) return bad_url("it has a fragment");
  HttpsUrl out;
  out.path = slash == rest.npos ? "/" : std::string(rest.substr(slash));
  if (out.path.front() == '?') out.path.insert(out.path.begin(), '/');
  HOOP_CHECK(read_authority(std::string(rest.substr(0, slash)), out));
  return out;
}

Result<GatewayDocument> parse_gateway_document(std::string_view body) {
  const auto read = [&]() -> Result<GatewayDocument> {
    HOOP_TRY(const Json json, parse_json(body));
    GatewayDocument out;
    HOOP_TRY(out.gateway, name_member(json, "gateway"));
    HOOP_TRY(out.issuer, url_member(json, "issuer"));
    HOOP_TRY(out.client_id, name_member(json, "client_id"));
    HOOP_TRY(out.audience, name_member(json, "audience"));
    HOOP_TRY(out.version, name_member(json, "version"));
    if (const Json* parameters = json.find("login_parameters")) {
      HOOP_TRY(out.login_parameters, read_request_parameters(*parameters));
    }
    if (const Json* authorities = json.find("issuer_ca")) {
      if (authorities->text() == nullptr || authorities->text()->size() > kMaxAuthorityBytes)
        return fail(ErrorCode::malformed, "'issuer_ca' is no short text");
      out.issuer_ca_pem = *authorities->text();
    }
    // Gateways of before do not say.
    if (const Json* scope = json.find("approving_scope")) {
      if (scope->text() == nullptr || !is_scope_word(*scope->text()))
        return fail(ErrorCode::malformed, "'approving_scope' is not one word of a scope");
      out.approving_scope = *scope->text();
    }
    return out;
  };
  auto document = read();
  if (!document)
    return std::unexpected(
        std::move(document).error().within("the gateway's description of itself"));
  return document;
}

Result<IssuerMetadata> parse_issuer_metadata(std::string_view body,
                                             std::string_view expected_issuer) {
  const auto read = [&]() -> Result<IssuerMetadata> {
    HOOP_TRY(const Json json, parse_json(body));
    IssuerMetadata out;
    HOOP_TRY(out.issuer, url_member(json, "issuer"));
    // Byte by byte: a document about another issuer would let that one mint our tokens (RFC 8414
    // §6.2).
    if (out.issuer != expected_issuer)
      return fail(ErrorCode::integrity, "it is about another issuer");
    if (json.find("device_authorization_endpoint") != nullptr) {
      HOOP_TRY(out.device_authorization_endpoint,
               url_member(json, "device_authorization_endpoint"));
    }
    if (json.find("token_endpoint") != nullptr) {
      HOOP_TRY(out.token_endpoint, url_member(json, "token_endpoint"));
    }
    if (json.find("revocation_endpoint") != nullptr) {
      HOOP_TRY(out.revocation_endpoint, url_member(json, "revocation_endpoint"));
    }
    HOOP_TRY(out.jwks_uri, url_member(json, "jwks_uri"));
    if (json.find("authorization_endpoint") != nullptr) {
      HOOP_TRY(out.authorization_endpoint, url_member(json, "authorization_endpoint"));
    }
    out.token_endpoint_auth_methods = texts_in(json, "token_endpoint_auth_methods_supported");
    out.proof_algorithms = texts_in(json, "dpop_signing_alg_values_supported");
    out.code_challenge_methods = texts_in(json, "code_challenge_methods_supported");
    const Json* names_itself = json.find("authorization_response_iss_parameter_supported");
    out.names_itself_in_answers =
        names_itself != nullptr && names_itself->boolean() != nullptr && *names_itself->boolean();
    return out;
  };
  auto metadata = read();
  if (!metadata)
    return std::unexpected(
        std::move(metadata).error().within("the issuer's description of itself"));
  return metadata;
}

std::string metadata_url(std::string_view issuer) {
  while (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

}  // namespace hoop::identity
