// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/status.h"

#include <string_view>

#include "core/base/json_writer.h"

namespace hoop::kubernetes {
namespace {

/// k8s.io/apimachinery, "metav1.StatusReason".
std::string_view reason_of(int status) {
  switch (status) {
    case 400: return "BadRequest";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "NotFound";
    case 413: return "RequestEntityTooLarge";
    case 415: return "UnsupportedMediaType";
    case 503: return "ServiceUnavailable";
    case 504: return "Timeout";
    default: return "InternalError";
  }
}

void add_cause(std::string& out, std::string_view reason, std::string_view message) {
  if (message.empty()) return;
  JsonWriter cause;
  cause.text("reason", reason).text("message", message);
  if (!out.empty()) out += ',';
  out += cause.take();
}

}  // namespace

http::Response status_of(const http_target::Problem& problem, const std::string& session) {
  std::string causes;
  add_cause(causes, "HoopctlCode", problem.code);
  add_cause(causes, "HoopctlRule", problem.rule);
  add_cause(causes, "HoopctlHint", problem.hint);
  add_cause(causes, "HoopctlApproval", problem.approval);
  add_cause(causes, "HoopctlSession", session);
  JsonWriter body;
  body.text("kind", "Status")
      .text("apiVersion", "v1")
      .raw("metadata", "{}")
      .text("status", "Failure")
      .text("message", "hoopctl: " + problem.detail)
      .text("reason", reason_of(problem.status))
      .raw("details", "{\"causes\":[" + causes + "]}")
      .integer("code", problem.status);
  http::Response out;
  out.status = problem.status;
  out.headers.add("Content-Type", "application/json");
  out.headers.add("Cache-Control", "no-cache, private");
  out.body = body.take() + "\n";
  return out;
}

}  // namespace hoop::kubernetes
