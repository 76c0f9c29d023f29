// SPDX-License-Identifier: Apache-2.0
#include "cmd/gateway_answers.h"

#include <fmt/format.h>

#include "core/access/words.h"
#include "core/identity/json.h"

namespace hoop::cmd {
namespace {

std::string text_in(const identity::Json& json, std::string_view name) {
  const std::string* value = json.text(name);
  return value != nullptr ? *value : std::string();
}

session::ControlDenied read_denial(const identity::Json& json) {
  return {text_in(json, "rule"), text_in(json, "message"), text_in(json, "hint"),
          text_in(json, "verb")};
}

session::ControlApproval read_news(const identity::Json& json) {
  session::ControlApproval out;
  out.request = text_in(json, "request");
  out.state = access::from_word(access::kApprovalStates, text_in(json, "state"))
                  .value_or(access::ApprovalState::pending);
  const auto flag = [&json](std::string_view name) {
    const identity::Json* member = json.find(name);
    return member != nullptr && member->boolean() != nullptr && *member->boolean();
  };
  out.waits = flag("waits");
  out.resumes = flag("resumes");
  out.rule = text_in(json, "rule");
  out.message = text_in(json, "message");
  out.hint = text_in(json, "hint");
  out.verb = text_in(json, "verb");
  out.summary = text_in(json, "summary");
  out.by = text_in(json, "by");
  out.expires_at = parse_rfc3339(text_in(json, "expires_at")).value_or(SystemTime{});
  return out;
}

template <class Read>
auto read_all(const identity::Json& json, std::string_view name, Read read) {
  std::vector<decltype(read(json))> out;
  const identity::Json* list = json.find(name);
  if (list == nullptr || list->array() == nullptr) return out;
  for (const identity::Json& one : *list->array()) out.push_back(read(one));
  return out;
}

}  // namespace

std::optional<SessionResult> read_session_result(const std::string& body) {
  const auto json = identity::parse_json(body);
  const identity::Json* totals = json ? json->find("totals") : nullptr;
  const std::string* digest = json ? json->text("log_digest") : nullptr;
  const std::string* upload = json ? json->text("upload") : nullptr;
  if (totals == nullptr || digest == nullptr || upload == nullptr) return std::nullopt;
  SessionResult out;
  out.log_digest = *digest;
  out.receipted = *upload == "receipted";
  if (const identity::Json* expired = json->find("expired")) {
    const bool* value = std::get_if<bool>(&expired->value);
    out.expired = value != nullptr && *value;
  }
  if (const std::string* cause = json->text("ended_by")) out.ended_by = *cause;
  bool whole = true;
  const auto count = [&](std::string_view name) -> std::uint64_t {
    const identity::Json* member = totals->find(name);
    const std::int64_t* value = member != nullptr ? member->integer() : nullptr;
    whole = whole && value != nullptr && *value >= 0;
    return whole ? static_cast<std::uint64_t>(*value) : 0;
  };
  out.totals.allowed = count("allowed");
  out.totals.denied = count("denied");
  out.totals.approved = count("approved");
  out.totals.rejected = count("rejected");
  out.totals.masked_values = count("masked_values");
  out.totals.rows = count("rows");
  out.totals.bytes = count("bytes");
  if (!whole) return std::nullopt;
  out.totals.pending = read_all(*totals, "pending", [](const identity::Json& one) {
    return one.text() != nullptr ? *one.text() : std::string();
  });
  out.denials = read_all(*json, "denials", read_denial);
  out.approvals = read_all(*json, "approvals", read_news);
  return out;
}

Error problem_of(const http::Response& response, std::string_view gateway_url) {
  std::string code, detail;
  if (const auto json = identity::parse_json(response.body)) {
    if (const std::string* text = json->text("code")) code = *text;
    if (const std::string* text = json->text("detail")) detail = *text;
  }
  const std::string status =
      fmt::format("{} {}", response.status, http::reason_phrase(response.status));
  if (response.status == 401) {
    return {ErrorCode::unauthenticated, fmt::format("{} does not accept the login", gateway_url),
            fmt::format("run: hoopctl login --gateway {}", gateway_url), detail};
  }
  if (response.status == 403) return {ErrorCode::denied, "denied", {}, detail};
  if (code == "not_found") return {ErrorCode::not_found, "not found, or not yours to see", {}, {}};
  if (code == "log_invalid")
    return {ErrorCode::integrity, "the gateway does not accept the log", {}, detail};
  if (code == "target_unreachable")
    return {ErrorCode::upstream_unreachable, "the gateway cannot reach the target",
            "the target may be down; the gateway's log says more", detail};
  if (code == "target_untrusted")
    return {ErrorCode::upstream_unreachable, "the gateway does not trust the target's certificate",
            "its operator checks ca_file and server_name of the target", detail};
  if (code == "agent_offline")
    return {ErrorCode::upstream_unreachable, "the agent of this target is offline",
            "try again; if it stays so, ask whoever runs the agent beside the target", detail};
  if (code == "agent_not_allowed")
    return {ErrorCode::upstream_unreachable, "the agent of this target does not allow its address",
            "whoever runs the agent adds it: hoopctl agent serve --allow HOST:PORT", detail};
  if (code == "too_many_sessions")
    return {ErrorCode::denied, "you have as many live sessions as one person may have",
            "hoopctl sessions list --live; hoopctl sessions kill SESSION ends one", detail};
  if (response.status == 429)
    return {ErrorCode::upstream_refused, "too many requests", "wait a moment, then try again", {}};
  return {ErrorCode::upstream_refused, fmt::format("the gateway answered {}", status), {}, detail};
}

Error tunnel_problem(const http::Response& response, std::string_view gateway_url) {
  std::string code;
  if (const auto json = identity::parse_json(response.body)) {
    if (const std::string* text = json->text("code")) code = *text;
  }
  if (code == "access_ended")
    return {ErrorCode::denied, "access has ended", "run hoopctl connect again", {}};
  if (code == "too_many_streams")
    return {ErrorCode::too_large,
            "this session has too many connections",
            "close some of the program's connections",
            {}};
  if (code == "stopping")
    return {
        ErrorCode::upstream_unreachable, "the gateway is stopping", "try again in a moment", {}};
  if (code == "tunnel_refused")
    return {ErrorCode::upstream_refused,
            "the gateway does not accept the tunnel",
            "a proxy that takes TLS apart on the way looks like this too",
            {}};
  return problem_of(response, gateway_url);
}

}  // namespace hoop::cmd
