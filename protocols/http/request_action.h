// SPDX-License-Identifier: Apache-2.0
// A request as an action of policy.
#pragma once

#include "core/access/action.h"
#include "core/access/policy.h"
#include "core/http/message.h"
#include "core/mask/body_masker.h"
#include "protocols/http/request_body.h"
#include "protocols/http/request_target.h"

namespace hoop::http_target {

/// "get" for GET; "unknown" for a method that has no verb of its own.
std::string_view verb_of(std::string_view method);
/// GET, HEAD and OPTIONS (RFC 9110 §9.2.1).
bool is_safe(std::string_view method);
/// May be sent a second time when the connection was lost (RFC 9110 §9.2.2).
bool is_idempotent(std::string_view method);

/// Which rules ask for more of a request than its head.
struct Asked {
  bool body = false;       // of what kind it is, or what stands in it
  bool approvals = false;  // some rule wants one
};
Asked what_rules_ask(const access::PolicyDocument& policy);

/// What the action needs to know of a request.
struct RequestParts {
  const http::Request& head;       // as the program sent it
  const http::Headers& forwarded;  // without the credential
  const RequestTarget& target;
  ByteSpan body;                     // what has been read of it
  bool is_body_whole = true;         // that is all
  const BodyFacts* facts = nullptr;  // null: nobody asks
  bool is_shown = false;             // an approver may be asked
};

/// The digest is over the forwarded head and the body as far as it is read; is_cut where that is
/// not all, or too long to be shown. What masks hide stands in no text of it. Fails as they do.
Result<access::Action> action_of(const RequestParts& parts, mask::Masker& masker,
                                 const mask::FieldMasks& fields);

}  // namespace hoop::http_target
