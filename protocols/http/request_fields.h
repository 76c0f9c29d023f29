// SPDX-License-Identifier: Apache-2.0
// The header fields of a request: who may have sent it, and what of them goes to the target.
#pragma once

#include <optional>

#include "core/access/grant.h"
#include "core/http/message.h"
#include "protocols/http/problem.h"

namespace hoop::http_target {

/// Whether the request comes from a program that meant this endpoint: another Host is a name that
/// somebody else has led here (DNS rebinding), another Origin a page of somebody else's. And
/// whether a field of it would have a server do something else than its first line says.
/// endpoint: the origin by which the program calls it.
std::optional<Problem> check_request_fields(const http::Request& request,
                                            const std::string& endpoint);

struct ForwardRules {
  /// Whether bodies of replies must be read: then they are asked for as they are, and whole.
  bool reads_replies = false;
  bool whole_replies = false;
};

/// The fields that are the program's own to say, in their order: none that frames, routes or
/// authenticates, none of a connection, none that names a client. Origin and Referer name the
/// target's origin in the place of the endpoint's.
http::Headers forwarded_fields(const http::Request& request, const access::Grant& grant,
                               const ForwardRules& rules);

/// "https://host:port" of the target, without the scheme's own port; and what Host says.
std::string origin_of(const access::Target& target);
std::string authority_of(const access::Target& target);

/// Adds the credential's fields, and the session's name for the target's own log.
void add_own_fields(http::Headers& fields, const access::Grant& grant);

/// Whether the credential puts a field or parameter of that name in, or one that a server could
/// take for it.
bool injects_header(const access::Grant& grant, std::string_view name);
bool injects_parameter(const access::Grant& grant, std::string_view name);

}  // namespace hoop::http_target
