// SPDX-License-Identifier: Apache-2.0
// The header fields of a response, as the program gets them.
#pragma once

#include <string>

#include "core/access/grant.h"
#include "core/access/policy.h"
#include "core/http/message.h"
#include "core/mask/masker.h"
#include "core/mask/secret_scrubber.h"

namespace hoop::http_target {

struct ReturnRules {
  std::string target_origin;    // "https://billing.internal:8443"
  std::string endpoint_origin;  // "http://127.0.0.1:41234": as the program calls it
  bool has_credential = false;  // of ours: what the target says of logins is not for the program
  bool is_rewritten = false;    // the body is: what vouches for its bytes does not hold
};

/// The fields in their order, without those of the connection, of framing and of other origins'
/// access; URLs of the target's own origin lead to the endpoint, and cookies are kept for it.
http::Headers returned_fields(const http::Headers& headers, const ReturnRules& rules);

/// A Set-Cookie value without Domain and Secure: the endpoint has another name, and no TLS.
std::string local_cookie(std::string_view cookie);

/// Hides in fields what masks name (Mask::headers) and what detectors find; and known secrets.
/// Fails closed.
Result<void> mask_fields(http::Headers& fields, const std::vector<access::Mask>& masks,
                         mask::Masker& masker, const mask::KnownSecrets& secrets,
                         mask::HiddenCounts& hidden);

}  // namespace hoop::http_target
