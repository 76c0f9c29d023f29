// SPDX-License-Identifier: Apache-2.0
// A request to the API server as an action of policy.
#pragma once

#include "core/access/action.h"
#include "core/http/message.h"
#include "core/mask/masker.h"
#include "protocols/kubernetes/request_info.h"

namespace hoop::kubernetes {

/// What the action needs to know of a request.
struct RequestParts {
  const RequestInfo& info;
  const http::Headers& sent;       // as the program sent them
  const http::Headers& forwarded;  // without the credential
  ByteSpan body;                   // what has been read of it
  bool is_body_whole = true;       // that is all
  bool is_shown = false;           // an approver may be asked
  /// The body as an approver reads it, without what masks hide; empty: body, as text.
  std::string_view shown_body = {};
};

/// The verb is policy_verb()'s; "impersonate" for who asks to be somebody else. Resources, of what
/// is no URL beside the API:
///
/// - "resource": "pods", "deployments.apps", "pods/exec".
/// - "namespace": its name; access::kEvery for a request over all of them, and for a list of what
///   may be in one although the path names none; empty for what is in none (nodes).
/// - "name": of the object, without what a proxy's has around it; access::kEvery for a request over
///   many, or for one whose name nobody has read.
/// - "container": of exec, attach and logs; access::kEvery where the server chooses.
/// - "port": of a port-forward or proxy; access::kEvery where it is not said.
/// - "command": of exec.
///
/// And "path": of URLs that are no resources, and what a proxy is asked for. The digest is over the
/// head as it is forwarded and the body as far as it is read; is_cut where that is not all, is no
/// text, or too long to be shown. Fails with malformed (the name is none that a proxy could have),
/// and as masker does.
Result<access::Action> action_of(const RequestParts& parts, mask::Masker& masker);

/// One connection to a port within a port-forward, where its request does not name the port.
access::Action with_port(access::Action action, std::uint16_t port);

}  // namespace hoop::kubernetes
