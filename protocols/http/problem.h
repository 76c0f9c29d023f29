// SPDX-License-Identifier: Apache-2.0
// What a program is told in the place of the target's response: RFC 9457, with a stable code.
#pragma once

#include <string>

#include "core/access/policy.h"
#include "core/http/message.h"

namespace hoop::http_target {

struct Problem {
  int status = 403;
  std::string code;    // stable, documented in hoopctl-http(7)
  std::string detail;  // for people
  std::string hint = {};
  std::string rule = {};      // that has decided
  std::string approval = {};  // the request that waits, or was decided
};

/// application/problem+json: type, title, status, detail, code, and what else is not empty.
http::Response answer_of(const Problem& problem, const std::string& session);

/// What a refusal of policy is.
Problem problem_of(const access::Decision& decision);

/// Of a request that carries what a mask has put in the place of a value.
access::Decision mask_comes_back();

/// A message that is not one, or that could be read in two ways.
Problem malformed(std::string detail, std::string hint = {});

}  // namespace hoop::http_target
