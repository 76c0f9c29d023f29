// SPDX-License-Identifier: Apache-2.0
// POST of /v1/identities/revoke: an operator takes somebody's access back.
#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxSubject = 256;

/// {"subject", "reason"}, strictly; the reason may be missing.
Result<Revocation> read_wish(const std::string& body) {
  if (body.size() > kMaxBody) return fail(ErrorCode::too_large, "the request is longer than 4 KiB");
  HOOP_TRY(const auto json, identity::parse_json(body));
  if (json.object() == nullptr)
    return fail(ErrorCode::malformed, "the request must be a JSON object");
  const std::string* subject = json.text("subject");
  const std::string* reason = json.text("reason");
  if (subject == nullptr || subject->empty() || subject->size() > kMaxSubject)
    return fail(ErrorCode::malformed,
                fmt::format("'subject' must be a string of up to {} bytes", kMaxSubject));
  if (json.find("reason") != nullptr && (reason == nullptr || reason->size() > kMaxReason))
    return fail(ErrorCode::malformed,
                fmt::format("'reason' must be a string of up to {} bytes", kMaxReason));
  if (json.object()->size() != (reason != nullptr ? 2U : 1U))
    return fail(ErrorCode::malformed, "the request has members that we do not know");
  Revocation out;
  out.subject = *subject;
  if (reason != nullptr) out.words = *reason;
  return out;
}

}  // namespace

asio::awaitable<http::Response> Api::revoke_identity(http::Request request,
                                                     access::Identity identity) {
  if (!is_operator(identity))
    co_return http::problem_response(403, "denied", "operators take access back");
  auto wish = read_wish(request.body);
  if (!wish) co_return problem_of(wish.error());
  wish->at = parts_.clock.system_now();
  wish->by = identity.subject;
  const std::string subject = wish->subject;
  const auto kept =
      parts_.audit.add({0, wish->at, wish->by, "identity.revoke", subject, wish->words});
  if (!kept) co_return problem_of(kept.error());
  const auto ended = co_await parts_.revocations.revoke(std::move(*wish));
  if (!ended) co_return problem_of(ended.error());
  std::string body = "{\"subject\":";
  append_json_string(body, subject);
  body += fmt::format(",\"sessions_ended\":{}}}", *ended);
  co_return http::json_response(200, std::move(body));
}

/// What a token that was taken back is still good for: to deliver what its sessions have recorded,
/// and to hear that they have ended.
bool Api::is_delivery(const http::Request& request) {
  const std::string_view path = request.path();
  if (!path.starts_with("/v1/sessions/")) return false;
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return (last == "log" && (request.method == "HEAD" || request.method == "PUT")) ||
         last == "finish" || last == "end" || last == "control";
}

}  // namespace hoop::gateway
