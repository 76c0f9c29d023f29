// SPDX-License-Identifier: Apache-2.0
// POST of /v1/sessions/{session}/kill: its owner or an operator ends a session now.
#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/identity/json.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

/// The reason in the body; empty if there is none.
Result<std::string> read_reason(const std::string& body) {
  if (body.empty()) return std::string();
  if (body.size() > kMaxBody) return fail(ErrorCode::too_large, "the request is longer than 4 KiB");
  HOOP_TRY(const auto json, identity::parse_json(body));
  if (json.object() == nullptr)
    return fail(ErrorCode::malformed, "the request must be a JSON object");
  const std::string* reason = json.text("reason");
  if (json.object()->size() > (json.find("reason") != nullptr ? 1U : 0U))
    return fail(ErrorCode::malformed, "the request has members that we do not know");
  if (json.find("reason") != nullptr && (reason == nullptr || reason->size() > kMaxReason))
    return fail(ErrorCode::malformed,
                fmt::format("'reason' must be a string of up to {} bytes", kMaxReason));
  return reason != nullptr ? *reason : std::string();
}

}  // namespace

asio::awaitable<http::Response> Api::kill_session(std::string session, http::Request request,
                                                  access::Identity identity) {
  auto words = read_reason(request.body);
  if (!words) co_return problem_of(words.error());
  auto record = co_await find_session(session, identity, Who::owner_or_operator);
  if (!record) co_return problem_of(record.error());
  const bool owner = record->subject == identity.subject;
  if (!owner) {
    const auto kept = parts_.audit.add(
        {0, parts_.clock.system_now(), identity.subject, "session.kill", session, *words});
    if (!kept) co_return problem_of(kept.error());
  }
  parts_.log.info("session.killed", {{"session", session},
                                     {"target", record->target},
                                     {"subject", record->subject},
                                     {"by", identity.subject},
                                     {"as", owner ? "owner" : "operator"}});
  std::string reason =
      owner ? "the session was ended by its owner" : "the session was ended by an operator";
  if (!words->empty()) reason += ": " + neutralise(*words, kMaxReason, Lines::escape);
  if (record->path == access::DataPath::gateway) {
    SessionEnding ending{"killed", -1, std::move(reason), {}, identity.subject, std::move(*words)};
    static_cast<void>(co_await parts_.live.end(session, std::move(ending)));
  } else {
    session::ControlEnd end{"killed", std::move(reason), identity.subject, std::move(*words)};
    co_await parts_.registry.end(session, std::move(end), SessionRegistry::Absent::may_come);
  }
  co_return co_await revoke(std::move(session));
}

}  // namespace hoop::gateway
