// SPDX-License-Identifier: Apache-2.0
#include "protocols/http/request_fields.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/http/url.h"

namespace hoop::http_target {
namespace {

using Names = std::span<const std::string_view>;

// By these a server would judge another method or path than those that were judged here.
constexpr std::array<std::string_view, 7> kOverrides{
    "x-http-method-override", "x-http-method", "x-method-override", "x-original-method",
    "x-original-url",         "x-rewrite-url", "x-original-uri"};

// Of the connection (RFC 9110 §7.6.1), of framing, and of what only this side can say.
constexpr std::array<std::string_view, 24> kNotTheirs{"connection",
                                                      "keep-alive",
                                                      "proxy-connection",
                                                      "proxy-authorization",
                                                      "te",
                                                      "trailer",
                                                      "transfer-encoding",
                                                      "upgrade",
                                                      "http2-settings",
                                                      "host",
                                                      "content-length",
                                                      "expect",
                                                      "accept-encoding",
                                                      "forwarded",
                                                      "via",
                                                      "x-real-ip",
                                                      "x-client-ip",
                                                      "true-client-ip",
                                                      "cf-connecting-ip",
                                                      "x-cluster-client-ip",
                                                      "remote-user",
                                                      "proxy",  // HTTP_PROXY of a CGI program
                                                      "client-ip",
                                                      "origin"};
constexpr std::array<std::string_view, 4> kFamilies{"x-forwarded-", "x-remote-", "x-hoopctl-",
                                                    "x-envoy-"};

bool is_among(Names names, std::string_view name) {
  return std::ranges::any_of(
      names, [&](std::string_view one) { return http::equal_ignoring_case(one, name); });
}

bool is_of_family(std::string_view name) {
  return std::ranges::any_of(kFamilies, [&](std::string_view family) {
    return name.size() > family.size() &&
           http::equal_ignoring_case(name.substr(0, family.size()), family);
  });
}

/// As a server may read it that makes names of variables out of names of fields: '.' is '-' there,
/// and '_' is.
std::string dashed(std::string_view name) {
  std::string out(name);
  std::ranges::replace_if(
      out,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'));
      },
      '-');
  return out;
}

/// Names that a browser leads to this machine whatever a name server says (RFC 6761 §6.3).
bool is_own_name(std::string_view host) {
  return host == "127.0.0.1" || host == "localhost" || host.ends_with(".localhost") ||
         host == "::1";
}

std::optional<Problem> check_host(std::string_view host) {
  const auto named = http::parse_authority(host);
  if (named && is_own_name(named->host)) return std::nullopt;
  return Problem{421, "foreign_host", "the Host header names another server than this endpoint",
                 "use the URL in HOOPCTL_URL as it stands there"};
}

std::optional<Problem> check_origin(const http::Headers& headers, std::string_view endpoint) {
  if (headers.count("origin") > 1) return malformed("the header 'origin' stands there twice");
  const auto origin = headers.find("origin");
  const auto site = headers.find("sec-fetch-site");
  const bool is_foreign =
      (origin && *origin != endpoint) || (site && *site != "same-origin" && *site != "none");
  if (!is_foreign) return std::nullopt;
  return Problem{403, "foreign_origin", "the request comes from a page of another origin"};
}

}  // namespace

std::optional<Problem> check_request_fields(const http::Request& request,
                                            const std::string& endpoint) {
  const auto host = request.headers.only("host");
  HOOP_ASSERT(host.has_value());
  if (auto problem = check_host(*host)) return problem;
  if (auto problem = check_origin(request.headers, endpoint)) return problem;
  for (const http::Header& field : request.headers) {
    if (is_among(kOverrides, dashed(field.name)))
      return malformed(
          fmt::format("the header '{}' would have the target do something else", field.name),
          "send the method and path that are meant");
  }
  return std::nullopt;
}

std::string authority_of(const access::Target& target) {
  const std::string_view name = target.host;
  const bool is_six = name.find(':') != std::string_view::npos;
  const std::uint16_t standard = target.tls == access::TlsMode::disable ? 80 : 443;
  std::string out = is_six ? fmt::format("[{}]", name) : std::string(name);
  if (target.port != standard) out += fmt::format(":{}", target.port);
  return out;
}

std::string origin_of(const access::Target& target) {
  return (target.tls == access::TlsMode::disable ? "http://" : "https://") + authority_of(target);
}

bool injects_header(const access::Grant& grant, std::string_view name) {
  const auto* credential = grant.credential_as<access::HttpCredential>();
  return credential != nullptr && std::ranges::any_of(credential->headers, [&](const auto& field) {
           return http::equal_ignoring_case(dashed(field.name), dashed(name));
         });
}

bool injects_parameter(const access::Grant& grant, std::string_view name) {
  const auto* credential = grant.credential_as<access::HttpCredential>();
  return credential != nullptr && std::ranges::any_of(credential->query, [&](const auto& field) {
           return http::equal_ignoring_case(field.name, name);
         });
}

http::Headers forwarded_fields(const http::Request& request, const access::Grant& grant,
                               const ForwardRules& rules) {
  const auto* credential = grant.credential_as<access::HttpCredential>();
  const bool has_credential =
      credential != nullptr && (!credential->headers.empty() || !credential->query.empty());
  const std::string own = "http://" + std::string(*request.headers.only("host"));
  http::Headers out;
  for (const http::Header& field : request.headers) {
    // A server behind a gateway interface could take it for the one with a dash.
    if (field.name.find('_') != std::string::npos) continue;
    const std::string name = dashed(field.name);
    if (is_among(kNotTheirs, name) || is_of_family(name)) continue;
    if (request.headers.lists("connection", field.name)) continue;
    if (injects_header(grant, name)) continue;
    if (has_credential && http::equal_ignoring_case(name, "authorization")) continue;
    if (rules.whole_replies &&
        (http::equal_ignoring_case(name, "range") || http::equal_ignoring_case(name, "if-range")))
      continue;
    if (http::equal_ignoring_case(name, "referer")) {
      if (field.value.starts_with(own + "/"))
        out.add(field.name, origin_of(grant.target) + field.value.substr(own.size()));
      continue;
    }
    out.add(field.name, field.value);
  }
  if (request.headers.find("origin")) out.add("Origin", origin_of(grant.target));
  const auto encoding = request.headers.find("accept-encoding");
  if (rules.reads_replies) {
    out.add("Accept-Encoding", "identity");
  } else if (encoding) {
    out.add("Accept-Encoding", std::string(*encoding));
  }
  return out;
}

void add_own_fields(http::Headers& fields, const access::Grant& grant) {
  fields.add("X-Hoopctl-Session", grant.session);
  const auto* credential = grant.credential_as<access::HttpCredential>();
  if (credential == nullptr) return;
  for (const auto& field : credential->headers)
    fields.add(field.name, std::string(field.value.reveal()));
}

}  // namespace hoop::http_target
