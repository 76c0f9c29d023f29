// SPDX-License-Identifier: Apache-2.0
// A request as the API server reads it (its "RequestInfo"), and the one spelling of its URL that
// goes on to it: what was judged is what it reads.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"
#include "protocols/http/request_target.h"

namespace hoop::kubernetes {

struct RequestInfo {
  std::string method;  // GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS
  bool is_resource = false;
  /// get, list, watch, create, update, patch, delete, deletecollection; "proxy" of the old paths
  /// that begin with it; empty for a method that is none of a resource's. Of all other URLs the
  /// method in lower case.
  std::string verb;
  std::string prefix;  // "api", "apis"; these and what follows: of resources only
  std::string group;   // empty: the core group
  std::string version;
  std::string resource;  // "pods"
  std::string subresource;
  std::string space;  // the namespace; empty: none in the path
  std::string name;   // in the path, or in a fieldSelector; empty: none
  /// What stands behind resource, name and subresource: the path that a proxy is asked for.
  std::vector<std::string> rest;
  http_target::RequestTarget target;

  /// Kubernetes reads no more of it than the path; the query is for whatever answers.
  bool is_proxied() const { return is_resource && (verb == "proxy" || subresource == "proxy"); }
  /// "pods", "deployments.apps", "pods/exec".
  std::string resource_name() const;
  /// Of what a proxy is asked for, decoded: "/", "/metrics".
  std::string proxied_path() const;
  /// The first value of a parameter, decoded; the API server looks at no other.
  std::optional<std::string_view> parameter(std::string_view name) const;
  std::vector<std::string> values(std::string_view name) const;
  /// As the API server reads a flag: there, and neither "0" nor "false".
  bool flag(std::string_view name) const;
  /// What goes to the API server: the path as it is judged, and each parameter written anew; of
  /// what is proxied as it came.
  std::string text() const;
};

/// target: in origin-form. Fails with malformed, with a hint, for all that read_request_target()
/// refuses, and for: a ';' in the query, which old servers part parameters at; a namespace, group,
/// version or resource that can be none by its letters (RFC 1123, lower case); a path that ends
/// behind "watch" or "proxy", or is no GET behind "watch"; a name that nothing
/// proxied has; a fieldSelector, "limit" or
/// "timeoutSeconds" that the server does not read; a method of no standing.
///
/// A '/' at the end of a resource's path is taken away: the server does not see it either.
/// Kubernetes docs, "api-concepts"; apiserver, "endpoints/request".
Result<RequestInfo> read_request_info(std::string_view method, std::string_view target);

/// What a proxied object is called: "NAME", "NAME:PORT", "SCHEME:NAME:PORT".
struct ProxiedName {
  std::string_view scheme, name, port;
};
/// Views of text. Fails with malformed.
Result<ProxiedName> read_proxied_name(std::string_view text);

/// Whether it only asks what the server is and has: /api, /apis and the versions in them, /openapi,
/// /version, the health checks and the keys of service accounts.
bool is_discovery(const RequestInfo& info);

}  // namespace hoop::kubernetes
