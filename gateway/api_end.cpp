// SPDX-License-Identifier: Apache-2.0
// POST of /v1/sessions/{session}/end: the client of a session on the gateway path says that its
// program has ended, and reads what came of the session.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/identity/json.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kCauses{"program_exit", "client_killed", "parent_died",
                                                  "not_started"};
// As a shell shows it; -1: it never ran.
constexpr std::int64_t kLowestStatus = -1;
constexpr std::int64_t kHighestStatus = 255;
// What its connections may take to end by themselves, now that the program is gone.
constexpr std::chrono::seconds kStreamsMayFinish{3};

Result<SessionEnding> read_ending(const std::string& body) {
  if (body.size() > kMaxBody) return fail(ErrorCode::too_large, "the request is longer than 4 KiB");
  HOOP_TRY(const auto json, identity::parse_json(body));
  const std::string* cause = json.text("cause");
  const identity::Json* status = json.find("program_status");
  if (cause == nullptr || std::ranges::find(kCauses, *cause) == kCauses.end())
    return fail(ErrorCode::malformed, "'cause' must be one of the words we know");
  if (status == nullptr || status->integer() == nullptr || *status->integer() < kLowestStatus ||
      *status->integer() > kHighestStatus)
    return fail(ErrorCode::malformed, "'program_status' must be a number from -1 to 255");
  if (json.object()->size() != 2)
    return fail(ErrorCode::malformed, "the request has members that we do not know");
  SessionEnding out{*cause, static_cast<int>(*status->integer()), "the program has ended",
                    kStreamsMayFinish};
  out.by_client = true;
  return out;
}

Json to_json(const session::ControlDenied& denied) {
  return {{"rule", denied.rule},
          {"message", denied.message},
          {"hint", denied.hint},
          {"verb", denied.verb}};
}

Json to_json(const session::ControlApproval& news) {
  return {{"request", news.request},
          {"state", access::to_string(news.state)},
          {"waits", news.waits},
          {"resumes", news.resumes},
          {"rule", news.rule},
          {"message", news.message},
          {"hint", news.hint},
          {"verb", news.verb},
          {"summary", news.summary},
          {"by", news.by},
          {"expires_at", to_rfc3339(news.expires_at)}};
}

template <class Kind>
Json only(const std::vector<session::FromGateway>& all) {
  Json out = Json::array();
  for (const session::FromGateway& one : all) {
    if (const auto* news = std::get_if<Kind>(&one)) out.push_back(to_json(*news));
  }
  return out;
}

http::Response to_response(const SessionResult& result,
                           const std::vector<session::FromGateway>& news) {
  Json out = {{"log_digest", result.log_digest},
              {"upload", result.receipt.empty() ? "spooled" : "receipted"}};
  if (!result.receipt.empty()) out["receipt"] = result.receipt;
  out["expired"] = result.cause == "expired";
  out["ended_by"] = nullptr;
  if (!result.cause.empty()) out["ended_by"] = result.cause;
  out["totals"] = {
      {"allowed", result.totals.allowed},   {"denied", result.totals.denied},
      {"approved", result.totals.approved}, {"rejected", result.totals.rejected},
      {"pending", result.totals.pending},   {"masked_values", result.totals.masked_values},
      {"rows", result.totals.rows},         {"bytes", result.totals.bytes}};
  out["denials"] = only<session::ControlDenied>(news);
  out["approvals"] = only<session::ControlApproval>(news);
  return http::json_response(200, out.dump());
}

/// What the log of a session says that another process of this gateway ran. How many bytes it
/// released is not kept, nor what ended it; but who did not seal the log did not live to its end.
SessionResult from_log(const FinishedLog& log) {
  SessionResult out;
  if (!log.sealed) out.cause = "gateway_lost";
  out.log_digest = log.digest;
  out.receipt = log.receipt;
  out.totals.allowed = log.actions - std::min(log.actions, log.denied);
  out.totals.denied = log.denied;
  out.totals.masked_values = log.masked_values;
  out.totals.rows = log.rows;
  return out;
}

}  // namespace

asio::awaitable<http::Response> Api::end_session(std::string session, http::Request request,
                                                 access::Identity identity) {
  auto ending = read_ending(request.body);
  if (!ending) co_return problem_of(ending.error());
  auto record = co_await find_session(session, std::move(identity), Who::owner);
  if (!record) co_return problem_of(record.error());
  if (record->path != access::DataPath::gateway)
    co_return http::problem_response(409, "not_gateway_path",
                                     "this session runs in its client, which ends it");
  auto result = co_await parts_.live.end(session, std::move(*ending));
  const auto news = parts_.registry.untold_news(session);
  if (!result && !record->log)
    co_return http::problem_response(
        503, "session_lost", "the gateway was restarted, and has not yet kept this session's log");
  if (!result) co_return to_response(from_log(*record->log), news);
  // Delivered since: the log had to wait in the spool.
  if (result->receipt.empty() && record->log) result->receipt = record->log->receipt;
  co_return to_response(*result, news);
}

}  // namespace hoop::gateway
