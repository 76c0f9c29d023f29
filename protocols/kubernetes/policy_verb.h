// SPDX-License-Identifier: Apache-2.0
// What a request does, in the words of policy: those of the API, and words of their own for what
// gives more power than the API's say.
#pragma once

#include <string_view>

#include "protocols/kubernetes/request_info.h"

namespace hoop::kubernetes {

/// A verb of the API, or, whatever the method: exec, attach, portforward, proxy, logs,
/// ephemeralcontainers, token, approve_csr, csr, evict; create_pod, bind and escalate for what
/// makes a pod, a role binding or a role. Of URLs that are no resources the method in lower case.
/// unknown: a subresource or method that none of these is.
std::string_view policy_verb(const RequestInfo& info);

/// What a server-side apply does besides, where nothing is there yet: "create", "create_pod". Empty
/// for all other requests. content_type: in lower case, without parameters.
std::string_view apply_verb(const RequestInfo& info, std::string_view content_type);

/// What an allow must name by its own word, not by "*": it hands out more than one request's
/// answer.
bool must_be_named(std::string_view verb);

/// Whether pods come to be, or change, by writing such a resource: deployments, jobs, ….
bool is_workload(const RequestInfo& info);

/// Resources of Kubernetes that are in no namespace.
bool is_cluster_scoped(std::string_view group, std::string_view resource);

}  // namespace hoop::kubernetes
