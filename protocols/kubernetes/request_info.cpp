// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/request_info.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/http/form.h"
#include "core/http/message.h"
#include "core/http/url.h"
#include "protocols/kubernetes/field_selector.h"

namespace hoop::kubernetes {
namespace {

using Segments = std::span<const std::string>;

struct MethodVerb {
  std::string_view method, verb;
};
constexpr std::array kMethodVerbs{
    MethodVerb{"GET", "get"},    MethodVerb{"HEAD", "get"},    MethodVerb{"POST", "create"},
    MethodVerb{"PUT", "update"}, MethodVerb{"PATCH", "patch"}, MethodVerb{"DELETE", "delete"},
    MethodVerb{"OPTIONS", ""},
};
constexpr std::size_t kLongestLabel = 63;  // RFC 1123 §2.1
constexpr std::size_t kLongestDomain = 253;

std::unexpected<Error> odd(std::string message, std::string hint = {}) {
  return fail(ErrorCode::malformed, std::move(message), std::move(hint));
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return out;
}

bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && text.front() != '-' &&
         text.back() != '-' && std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool is_domain(std::string_view text) {
  if (text.size() > kLongestDomain) return false;
  for (;;) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

/// Subresources of other servers than Kubernetes' own may have letters of any case.
bool is_subresource(std::string_view text) { return is_label(lower_case(text)); }

std::vector<std::string> segments_of(std::string_view plain) {
  std::vector<std::string> out;
  plain.remove_prefix(1);
  while (!plain.empty()) {
    const std::size_t end = std::min(plain.find('/'), plain.size());
    out.emplace_back(plain.substr(0, end));
    plain.remove_prefix(std::min(end + 1, plain.size()));
  }
  return out;
}

/// From the resource on: its name, and what is asked of it.
Result<void> read_object(Segments rest, RequestInfo& out) {
  if (rest[0] == "namespaces" && rest.size() > 1) {
    if (!is_label(rest[1])) return odd("no namespace has that name");
    out.space = rest[1];
    // The namespace itself has these two; all else behind it is in it.
    if (rest.size() > 2 && rest[2] != "status" && rest[2] != "finalize") rest = rest.subspan(2);
  }
  if (!is_label(rest[0])) return odd("no resource has that name", "they are in lower case");
  out.resource = rest[0];
  if (rest.size() > 1) out.name = rest[1];
  std::size_t read = 2;
  if (rest.size() > 2 && out.verb != "proxy") {
    if (!is_subresource(rest[2])) return odd("no subresource has that name");
    out.subresource = rest[2];
    read = 3;
  }
  if (rest.size() > read)
    out.rest.assign(rest.begin() + static_cast<std::ptrdiff_t>(read), rest.end());
  return {};
}

/// "/watch/" and "/proxy/" before a resource, of the first versions of the API.
Result<Segments> read_old_prefix(Segments rest, RequestInfo& out) {
  if (rest[0] != "watch" && rest[0] != "proxy") return rest;
  if (rest.size() < 2) return odd("the path names no resource");
  if (rest[0] == "watch" && out.method != "GET") return odd("a watch is a GET");
  out.verb = rest[0];
  return rest.subspan(1);
}

bool is_number(std::string_view text) {
  constexpr std::size_t kMostDigits = 18;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.size() <= kMostDigits &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// A GET without a name asks for many, or watches them; or for one, in another way.
Result<void> read_list(RequestInfo& out) {
  out.verb = out.flag("watch") ? "watch" : "list";
  // With one of these that it cannot read the server looks at no fieldSelector either.
  for (const std::string_view name : {"limit", "timeoutSeconds"}) {
    const auto value = out.parameter(name);
    if (value && !is_number(*value)) return odd("a parameter of the list is no number");
  }
  if (const auto selector = out.parameter("fieldSelector")) {
    HOOP_TRY(out.name, name_of_field_selector(*selector));
  }
  return {};
}

Result<void> read_resource(Segments rest, RequestInfo& out) {
  out.is_resource = true;
  out.verb = std::ranges::find(kMethodVerbs, out.method, &MethodVerb::method)->verb;
  out.version = rest[0];
  if ((!out.group.empty() && !is_domain(out.group)) || !is_label(out.version))
    return odd("no group of the API has that name");
  HOOP_TRY(rest, read_old_prefix(rest.subspan(1), out));
  HOOP_CHECK(read_object(rest, out));
  if (out.name.empty() && out.verb == "get") HOOP_CHECK(read_list(out));
  if (out.name.empty() && out.verb == "delete") out.verb = "deletecollection";
  if (out.is_proxied()) HOOP_CHECK(read_proxied_name(out.name));
  return {};
}

Result<void> check_query(std::string_view target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  if (target.find(';', mark) == std::string_view::npos) return {};
  return odd("the query holds a ';'", "write it as %3B");
}

}  // namespace

std::string RequestInfo::resource_name() const {
  std::string out = resource;
  if (!group.empty()) out.append(".").append(group);
  if (!subresource.empty()) out.append("/").append(subresource);
  return out;
}

std::string RequestInfo::proxied_path() const {
  std::string out;
  for (const std::string& one : rest) out.append("/").append(one);
  return out.empty() ? "/" : out;
}

std::optional<std::string_view> RequestInfo::parameter(std::string_view wanted) const {
  const auto found =
      std::ranges::find(target.parameters, wanted, &http_target::RequestTarget::Parameter::name);
  if (found == target.parameters.end()) return std::nullopt;
  return found->value;
}

std::vector<std::string> RequestInfo::values(std::string_view wanted) const {
  std::vector<std::string> out;
  for (const auto& one : target.parameters) {
    if (one.name == wanted) out.push_back(one.value);
  }
  return out;
}

bool RequestInfo::flag(std::string_view wanted) const {
  const auto value = parameter(wanted);
  return value && *value != "0" && !http::equal_ignoring_case(*value, "false");
}

std::string RequestInfo::text() const {
  if (is_proxied()) return target.text();
  std::string out = target.path;
  for (std::size_t i = 0; i < target.parameters.size(); ++i) {
    out += i == 0 ? '?' : '&';
    out += http::percent_encode(target.parameters[i].name) + "=" +
           http::percent_encode(target.parameters[i].value);
  }
  return out;
}

Result<RequestInfo> read_request_info(std::string_view method, std::string_view target) {
  if (std::ranges::find(kMethodVerbs, method, &MethodVerb::method) == kMethodVerbs.end())
    return odd("the method is none that the API server knows");
  if (!http::is_origin_form(target)) return odd("the request target is no path");
  RequestInfo out;
  out.method = method;
  out.verb = lower_case(method);
  HOOP_TRY(out.target, http_target::read_request_target(target));
  HOOP_CHECK(check_query(target));
  const std::vector<std::string> segments = segments_of(out.target.plain);
  Segments rest(segments);
  if (rest.size() < 3 || (rest[0] != "api" && rest[0] != "apis")) return out;
  if (rest[0] == "apis" && rest.size() < 4) return out;
  out.prefix = rest[0];
  rest = rest.subspan(1);
  if (out.prefix == "apis") {
    out.group = rest[0];
    rest = rest.subspan(1);
  }
  HOOP_CHECK(read_resource(rest, out));
  if (!out.is_proxied() && out.target.path.ends_with('/')) out.target.path.pop_back();
  return out;
}

Result<ProxiedName> read_proxied_name(std::string_view text) {
  ProxiedName out;
  const auto colons = std::ranges::count(text, ':');
  if (colons == 2) {
    out.scheme = text.substr(0, text.find(':'));
    text.remove_prefix(out.scheme.size() + 1);
  }
  const std::size_t colon = std::min(text.find(':'), text.size());
  out.name = text.substr(0, colon);
  if (colon < text.size()) out.port = text.substr(colon + 1);
  if (colons > 2 || out.name.empty() ||
      !(out.scheme.empty() || out.scheme == "http" || out.scheme == "https"))
    return odd("nothing that a proxy leads to has that name",
               "like \"web\", \"web:8080\", \"https:web:8443\"");
  return out;
}

bool is_discovery(const RequestInfo& info) {
  if (info.is_resource || (info.method != "GET" && info.method != "HEAD")) return false;
  const std::string_view path = info.target.plain;
  constexpr std::array<std::string_view, 9> kPaths{
      "/api",           "/apis",  "/openapi", "/version",
      "/healthz",       "/livez", "/readyz",  "/.well-known/openid-configuration",
      "/openid/v1/jwks"};
  return path == "/" || std::ranges::any_of(kPaths, [&](std::string_view one) {
           return http_target::is_below(path, one);
         });
}

}  // namespace hoop::kubernetes
