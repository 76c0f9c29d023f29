// SPDX-License-Identifier: Apache-2.0
// Requests for approvals, of a GatewayClient.
#include <algorithm>

#include <fmt/format.h>

#include "cmd/gateway_answers.h"
#include "cmd/gateway_client.h"
#include "cmd/request_document.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::chrono::seconds kLongestQuestion{25};  // what the gateway lets one request wait
// A statement may be as long as a message, and is shown whole.
constexpr identity::JsonCaps kRequestCaps{8U << 20, 16, 10'000};

// g++ 12 cannot keep the braces of a header list alive in a co_await.
http::Headers no_headers() { return {{"Accept", "application/json"}}; }
http::Headers headers_of_body() {
  return {{"Accept", "application/json"}, {"Content-Type", "application/json"}};
}

std::string request_path(const std::string& id, std::string_view rest = {}) {
  return fmt::format("/v1/requests/{}{}", id, rest);
}

void append_text_member(std::string& body, std::string_view key, std::string_view text) {
  body += fmt::format("{}\"{}\":", body.empty() ? '{' : ',', key);
  append_json_string(body, text);
}

/// The gateway's own words for requests; everything else as anywhere.
Error request_problem(const http::Response& response, std::string_view url) {
  std::string code, detail;
  if (const auto json = identity::parse_json(response.body)) {
    if (const std::string* text = json->text("code")) code = *text;
    if (const std::string* text = json->text("detail")) detail = *text;
  }
  if (code == "decided" || code == "policy_changed")
    return {ErrorCode::denied, "it can be decided no more", {}, detail};
  if (code == "fresh_sign_in_needed")
    return {ErrorCode::denied, "the sign-in does not count", "run the command again", detail};
  if (code == "too_many_requests")
    return {ErrorCode::too_large, "too many of your requests wait already",
            "hoopctl requests list --mine", detail};
  if (code == "session_ended")
    return {ErrorCode::denied, "the session has ended", "run hoopctl connect again", {}};
  if (code == "cancelled")
    return {
        ErrorCode::upstream_unreachable, "the gateway is stopping", "try again in a moment", {}};
  return problem_of(response, url);
}

Result<identity::Json> document_in(const http::Response& response, std::string_view url) {
  if (response.status != 200 && response.status != 201)
    return std::unexpected(request_problem(response, url));
  auto json = identity::parse_json(response.body, kRequestCaps);
  if (!json)
    return fail(ErrorCode::malformed, "the gateway's answer about a request cannot be read",
                "are hoopctl and the gateway of the same version?");
  return json;
}

Result<access::Approval> approval_in(const identity::Json& json) {
  HOOP_TRY(RequestDocument request, read_request(json));
  return std::move(request.approval);
}

}  // namespace

Task<identity::Json> GatewayClient::list_requests(std::string query) {
  co_return co_await get("/v1/requests?" + query);
}

Task<identity::Json> GatewayClient::show_request(std::string id, std::chrono::seconds wait) {
  std::string path = request_path(id);
  if (wait.count() > 0) path += fmt::format("?wait={}", wait.count());
  HOOP_CO_TRY(const http::Response response,
              co_await send("GET", path, no_headers(), std::string(), wait + kRequestTime));
  co_return document_in(response, record_.url);
}

Task<identity::Json> GatewayClient::decide_request(Presented who, std::string id,
                                                   RequestDecision decision,
                                                   crypto::Digest256 digest, std::string reason) {
  const std::string path =
      request_path(id, decision == RequestDecision::approve ? "/approve" : "/reject");
  std::string body;
  append_text_member(body, "digest", to_hex(digest));
  if (!reason.empty()) append_text_member(body, "reason", reason);
  body += '}';
  HOOP_CO_TRY(const http::Response response,
              co_await presenter_.send(*web_, std::move(who), "POST", record_.url + path,
                                       headers_of_body(), std::move(body), kRequestTime));
  co_return document_in(response, record_.url);
}

Task<access::Approval> GatewayClient::request_approval(std::string session,
                                                       access::ApprovalQuestion question) {
  std::string body;
  append_text_member(body, "protocol", question.protocol);
  append_text_member(body, "verb", question.verb);
  append_text_member(body, "place", question.place);
  append_text_member(body, "text", question.text);
  append_text_member(body, "digest", to_hex(question.digest));
  append_text_member(body, "rule", question.rule);
  append_text_member(body, "message", question.message);
  body += '}';
  HOOP_CO_TRY(const http::Response response,
              co_await send("POST", fmt::format("/v1/sessions/{}/requests", session),
                            headers_of_body(), std::move(body), kRequestTime));
  HOOP_CO_TRY(const identity::Json json, document_in(response, record_.url));
  co_return approval_in(json);
}

Task<access::Approval> GatewayClient::wait_for_approval(std::string id,
                                                        std::chrono::milliseconds patience) {
  const auto wait = std::min(std::chrono::floor<std::chrono::seconds>(patience), kLongestQuestion);
  // The gateway counts whole seconds.
  if (wait.count() == 0 && patience.count() > 0) {
    asio::steady_timer pause(executor_, patience);
    co_await pause.async_wait(as_result);
  }
  HOOP_CO_TRY(const identity::Json json, co_await show_request(std::move(id), wait));
  co_return approval_in(json);
}

Task<bool> GatewayClient::spend_approval(std::string id, std::string session) {
  std::string body;
  append_text_member(body, "session", session);
  body += '}';
  HOOP_CO_TRY(const http::Response response,
              co_await send("POST", request_path(id, "/spend"), headers_of_body(), std::move(body),
                            kRequestTime));
  if (response.status == 409) {
    const auto json = identity::parse_json(response.body);
    const std::string* code = json ? json->text("code") : nullptr;
    if (code != nullptr && *code == "not_approved") co_return false;
  }
  if (response.status != 200) co_return std::unexpected(request_problem(response, record_.url));
  co_return true;
}

}  // namespace hoop::cmd
