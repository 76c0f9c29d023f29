// SPDX-License-Identifier: Apache-2.0
// The header fields of a request to the API server: none by which a program says who it is goes on,
// and none that would have the answer be in a form that masks cannot read.
#pragma once

#include <string>
#include <vector>

#include "core/http/message.h"
#include "protocols/kubernetes/request_info.h"

namespace hoop::kubernetes {

/// The program asks to be taken for somebody else (Kubernetes docs, "authentication", user
/// impersonation). The caller refuses that, whatever a policy says: the engine alone may ask so.
bool asks_impersonation(const http::Headers& sent);

/// What of a request's fields goes on, in their order: none that authenticates, impersonates,
/// frames or routes, none of a connection or of an upgrade, no range, no Origin. Accept is
/// accepted_types()', Accept-Encoding "identity"; of what is proxied Accept is as the program sent
/// it.
http::Headers forwarded_fields(const http::Headers& sent, const RequestInfo& info);

/// Of Sec-WebSocket-Protocol, in their order, those that the API server may choose from for an
/// exec, an attach or a port-forward: a program's may hold a token as well.
std::vector<std::string> stream_protocols(const http::Headers& sent);

}  // namespace hoop::kubernetes
