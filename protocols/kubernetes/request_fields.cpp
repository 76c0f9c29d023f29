// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/request_fields.h"

#include <algorithm>
#include <array>
#include <span>

#include "protocols/kubernetes/accepted_types.h"

namespace hoop::kubernetes {
namespace {

// Of the connection (RFC 9110 §7.6.1), of framing, of who asks, and of what only this side can say.
constexpr std::array<std::string_view, 32> kDropped{
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
    "host",
    "content-length",
    "expect",
    "range",
    "if-range",
    "accept",
    "accept-encoding",
    "accept-charset",
    "authorization",
    "cookie",
    "cookie2",
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "client-ip",
    "remote-user",
    "origin",
    "referer",
    "audit-id",
    "x-http-method-override",
    "x-original-url",
    "x-rewrite-url",
};
constexpr std::array<std::string_view, 8> kDroppedFamilies{
    "impersonate-", "x-remote-",  "x-forwarded-", "proxy-",
    "sec-",         "x-hoopctl-", "x-envoy-",     "access-control-"};

constexpr std::array<std::string_view, 3> kStreamProtocols{"v5.channel.k8s.io", "v4.channel.k8s.io",
                                                           "SPDY/3.1+portforward.k8s.io"};

bool begins_as(std::string_view name, std::string_view family) {
  return name.size() >= family.size() &&
         http::equal_ignoring_case(name.substr(0, family.size()), family);
}

bool is_dropped(const http::Headers& sent, std::string_view name) {
  // A server behind a gateway interface could take it for the one with a dash.
  if (name.find('_') != std::string_view::npos || sent.lists("connection", name)) return true;
  return std::ranges::any_of(
             kDropped,
             [&](std::string_view one) { return http::equal_ignoring_case(one, name); }) ||
         std::ranges::any_of(kDroppedFamilies,
                             [&](std::string_view family) { return begins_as(name, family); });
}

/// Of whose answer nothing is masked that is in another form than JSON: what is proxied, and the
/// schema of the API's objects, which old clients read as protobuf whatever it is said to be.
bool keeps_types(const RequestInfo& info) {
  return info.is_proxied() || (!info.is_resource && info.target.plain.starts_with("/openapi/"));
}

}  // namespace

bool asks_impersonation(const http::Headers& sent) {
  return std::ranges::any_of(sent, [](const http::Header& field) {
    std::string name = field.name;
    std::ranges::replace(name, '_', '-');
    return begins_as(name, "impersonate-");
  });
}

http::Headers forwarded_fields(const http::Headers& sent, const RequestInfo& info) {
  http::Headers out;
  for (const http::Header& field : sent) {
    const bool is_accept = keeps_types(info) && http::equal_ignoring_case(field.name, "accept");
    if (is_accept || !is_dropped(sent, field.name)) out.add(field.name, field.value);
  }
  if (!keeps_types(info)) out.add("Accept", accepted_types(sent));
  out.add("Accept-Encoding", "identity");
  return out;
}

std::vector<std::string> stream_protocols(const http::Headers& sent) {
  std::vector<std::string> out;
  for (const http::Header& field : sent) {
    if (!http::equal_ignoring_case(field.name, "sec-websocket-protocol")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      std::string_view one = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
      while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
      const bool is_known = std::ranges::find(kStreamProtocols, one) != kStreamProtocols.end();
      if (is_known && std::ranges::find(out, one) == out.end()) out.emplace_back(one);
    }
  }
  return out;
}

}  // namespace hoop::kubernetes
