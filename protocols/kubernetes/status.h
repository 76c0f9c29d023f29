// SPDX-License-Identifier: Apache-2.0
// What a program is told in the place of the API server's answer: a Status, as that says no itself
// (Kubernetes docs, "api-concepts"), which kubectl prints well.
#pragma once

#include <string>

#include "core/http/message.h"
#include "protocols/http/problem.h"

namespace hoop::kubernetes {

/// message, reason by the HTTP status, and a cause each for our stable code, the rule, the hint,
/// the request for an approval and the session.
http::Response status_of(const http_target::Problem& problem, const std::string& session = {});

}  // namespace hoop::kubernetes
