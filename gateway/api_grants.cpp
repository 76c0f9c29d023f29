// SPDX-License-Identifier: Apache-2.0
// POST and DELETE of /v1/grants.
#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "gateway/agents/agent_words.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

constexpr std::size_t kMaxGrantRequest = 16U << 10;
constexpr std::size_t kMaxGrantReason = 1000;
constexpr std::size_t kMaxAgent = 64;
constexpr std::size_t kMaxWords = 64;
constexpr std::size_t kMaxWordsBytes = 8U << 10;
constexpr std::int64_t kLongestApprovalWait = 3600;  // seconds

/// What the client is going to run, for the log's header.
Result<std::vector<std::string>> read_command(const identity::Json& json) {
  const auto bad = [] {
    return fail(ErrorCode::malformed, "'command' must be up to 64 strings of up to 8 KiB in all");
  };
  std::vector<std::string> out;
  if (json.array() == nullptr || json.array()->size() > kMaxWords) return bad();
  std::size_t bytes = 0;
  for (const identity::Json& word : *json.array()) {
    if (word.text() == nullptr) return bad();
    bytes += word.text()->size();
    out.push_back(*word.text());
  }
  if (bytes > kMaxWordsBytes) return bad();
  return out;
}

/// The body, strictly: a member that we do not know would be a wish that we ignore.
Result<GrantRequest> read_request(const std::string& body) {
  if (body.size() > kMaxGrantRequest)
    return fail(ErrorCode::too_large, "the request is longer than 16 KiB");
  HOOP_TRY(const auto json, identity::parse_json(body));
  if (json.object() == nullptr)
    return fail(ErrorCode::malformed, "the request must be a JSON object");
  GrantRequest out;
  for (const auto& [name, value] : *json.object()) {
    if (name == "command") {
      HOOP_TRY(out.program.command, read_command(value));
      continue;
    }
    if (name == "isolated" || name == "arguments") {
      const bool* flag = value.boolean();
      if (flag == nullptr)
        return fail(ErrorCode::malformed, fmt::format("'{}' must be true or false", name));
      (name == "isolated" ? out.program.isolated : out.program.is_arguments) = *flag;
      continue;
    }
    if (name == "approval_wait") {
      const std::int64_t* seconds = value.integer();
      if (seconds == nullptr || *seconds < 0 || *seconds > kLongestApprovalWait)
        return fail(ErrorCode::malformed, "'approval_wait' must be a number from 0 to 3600");
      out.approval_wait = std::chrono::seconds(*seconds);
      continue;
    }
    if (name != "target" && name != "reason" && name != "client_key" && name != "claimed_agent" &&
        name != "approval")
      return fail(ErrorCode::malformed,
                  fmt::format("unknown member '{}'", neutralise(name, 64, Lines::escape)));
    if (value.text() == nullptr &&
        !(std::holds_alternative<std::nullptr_t>(value.value) &&
          (name == "reason" || name == "claimed_agent" || name == "approval")))
      return fail(ErrorCode::malformed, fmt::format("'{}' must be a string", name));
  }
  const std::string* target = json.text("target");
  const std::string* key = json.text("client_key");
  if (target == nullptr || target->empty())
    return fail(ErrorCode::malformed, "'target' is missing");
  if (key == nullptr) return fail(ErrorCode::malformed, "'client_key' is missing");
  const auto raw = from_base64url(*key);
  if (!raw || raw->size() != out.client_key.size())
    return fail(ErrorCode::malformed, "'client_key' must be 32 bytes in base64url");
  std::ranges::copy(*raw, out.client_key.begin());
  out.target = *target;
  if (const std::string* reason = json.text("reason")) out.reason = *reason;
  if (const std::string* agent = json.text("claimed_agent")) out.claimed_agent = *agent;
  if (const std::string* approval = json.text("approval")) {
    out.approval = *approval;
    if (!is_approval_id(out.approval))
      return fail(ErrorCode::malformed, "'approval' is not the id of a request");
  }
  if (out.reason.size() > kMaxGrantReason)
    return fail(ErrorCode::malformed, "'reason' is longer than 1000 bytes");
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
  };
  if (out.claimed_agent.size() > kMaxAgent || !std::ranges::all_of(out.claimed_agent, plain))
    return fail(ErrorCode::malformed,
                "'claimed_agent' must be up to 64 letters, digits, '-', '_' and '.'");
  return out;
}

http::Response too_many_grants(std::chrono::milliseconds wait) {
  http::Response out =
      http::problem_response(429, "rate_limited", "too many grants: wait a moment");
  out.headers.set("Retry-After", std::to_string(wait.count() / 1000 + 1));
  return out;
}

/// What a person may know of why there is no grant.
http::Response no_grant(const Error& error) {
  switch (error.code) {
    case ErrorCode::denied:
      if (is_about_approval(error))
        return http::problem_response(403, "approval_not_usable", error.message);
      // Policy's no, in words that do not tell unknown from forbidden; or a mapped role that may
      // not be handed out.
      if (error.message == access::target_unavailable().message)
        return http::problem_response(403, "target_unavailable", error.message);
      return http::problem_response(503, "issuer_failed", error.message);
    case ErrorCode::integrity:
      return http::problem_response(503, "target_untrusted", error.message);
    case ErrorCode::too_large:
      return http::problem_response(429, "too_many_sessions", error.message);
    default: break;
  }
  // In words of ours that stand in what every way to the target fails with.
  if (error.message.ends_with(agent_offline_text()) || error.message.ends_with(agent_lost_text()))
    return http::problem_response(503, "agent_offline", error.message);
  if (error.message.ends_with(agent_not_allowed_text()))
    return http::problem_response(503, "agent_not_allowed", error.message);
  return problem_of(error);
}

}  // namespace

asio::awaitable<http::Response> Api::create_grant(http::Request request,
                                                  access::Identity identity) {
  const auto wait = limit_.take(identity.subject);
  if (wait.count() > 0) {
    parts_.log.warning("grant.rate_limited", {{"subject", identity.subject}});
    co_return too_many_grants(wait);
  }
  auto wanted = read_request(request.body);
  if (!wanted) co_return problem_of(wanted.error());
  wanted->identity = std::move(identity);
  const access::Identity asker = wanted->identity;
  NewSession made;
  made.client_key = wanted->client_key;
  made.program = std::move(wanted->program);
  made.reason = wanted->reason;
  made.approval_wait = wanted->approval_wait;
  auto issued = co_await parts_.grants.create(std::move(*wanted));
  if (!issued) {
    if (issued.error().code == ErrorCode::denied)
      parts_.log.info("grant.denied", {{"subject", asker.subject}});
    co_return no_grant(issued.error());
  }
  const std::string session = issued->grant.session;
  if (parts_.revocations.covers(asker)) co_return co_await take_back(session);
  parts_.registry.add(issued->grant);
  if (issued->grant.path == access::DataPath::gateway) {
    made.issued = std::move(*issued);
    auto grant = co_await parts_.live.open(std::move(made));
    if (!grant) {
      parts_.registry.forget(session);
      co_return problem_of(grant.error());
    }
    // It may have come while the session was being made.
    if (parts_.revocations.covers(asker)) co_return co_await take_back(session);
    const SecretText ticketed = access::grant_to_json(*grant);
    co_return http::json_response(201, ticketed.reveal());
  }
  const SecretText body = access::grant_to_json(issued->grant);
  co_return http::json_response(201, body.reveal());
}

asio::awaitable<http::Response> Api::renew_grant(std::string session, access::Identity identity) {
  const auto wait = limit_.take(identity.subject);
  if (wait.count() > 0) co_return too_many_grants(wait);
  const access::Identity asker = identity;
  auto record = co_await find_session(session, identity, Who::owner);
  if (!record) co_return problem_of(record.error());
  const auto until = co_await parts_.grants.renew(std::move(*record), std::move(identity));
  if (!until && until.error().code == ErrorCode::denied)
    co_return http::problem_response(403, "not_renewed", until.error().message);
  if (!until) co_return no_grant(until.error());
  // It may have come while the renewal was under way.
  if (parts_.revocations.covers(asker)) co_return co_await take_back(session);
  const SystemTime now = parts_.grants.clock().system_now();
  parts_.registry.extend(session, *until);
  parts_.live.extend(session, *until);
  co_return http::json_response(
      200, fmt::format(R"({{"session":"{}","renewed_at":"{}","expires_at":"{}"}})", session,
                       to_rfc3339(now), to_rfc3339(*until)));
}

/// Of a grant that nobody has seen yet, and whose asker has lost access meanwhile.
asio::awaitable<http::Response> Api::take_back(std::string session) {
  SessionEnding ending{"revoked", -1, "access was revoked", {}};
  static_cast<void>(co_await parts_.live.end(session, std::move(ending)));
  parts_.registry.forget(session);
  // A failure has been logged, and the sweep goes on.
  static_cast<void>(co_await parts_.grants.revoke(session));
  co_return http::problem_response(401, "unauthenticated",
                                   "access of this login was taken back: log in again");
}

asio::awaitable<http::Response> Api::delete_grant(std::string session, access::Identity identity) {
  const std::string subject = identity.subject;
  auto record = co_await find_session(session, std::move(identity), Who::owner_or_operator);
  if (!record) co_return problem_of(record.error());
  const bool owner = record->subject == subject;
  if (record->path == access::DataPath::gateway) {
    SessionEnding ending{"revoked", -1, "access was revoked", {}};
    static_cast<void>(co_await parts_.live.end(session, std::move(ending)));
  } else {
    // A client that ends its own session has left before.
    const auto absent =
        owner ? SessionRegistry::Absent::is_gone : SessionRegistry::Absent::may_come;
    session::ControlEnd end{"revoked", "access was revoked", {}, {}};
    co_await parts_.registry.end(session, std::move(end), absent);
  }
  co_return co_await revoke(std::move(session));
}

asio::awaitable<http::Response> Api::revoke(std::string session) {
  auto revoked = co_await parts_.grants.revoke(std::move(session));
  if (!revoked) {
    Error error = std::move(revoked).error();
    error.hint = "the gateway goes on trying";
    co_return problem_of(error);
  }
  http::Response out;
  out.status = 204;
  co_return out;
}

}  // namespace hoop::gateway
