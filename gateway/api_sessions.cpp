// SPDX-License-Identifier: Apache-2.0
// GET of /v1/sessions and of one session.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/http/form.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kDefaultLimit = 100;
constexpr std::size_t kMaxLimit = 1000;

Json to_json(const SessionRecord& record, SystemTime now) {
  const FinishedLog log = record.log.value_or(FinishedLog{});
  Json out = {{"session", record.session},
              {"target", record.target},
              {"subject", record.subject},
              {"started_at", to_rfc3339(record.started_at)},
              {"ended_at", nullptr},
              {"state", session_state(record, now)},
              {"live", is_live(record, now)},
              {"actions", log.actions},
              {"denied", log.denied},
              {"masked_values", log.masked_values},
              {"rows", log.rows}};
  if (record.log) {
    out["ended_at"] = to_rfc3339(record.log->ended_at);
  } else if (record.revoked_at) {
    out["ended_at"] = to_rfc3339(*record.revoked_at);
  }
  return out;
}

std::unexpected<Error> bad_query(std::string_view name, std::string_view wanted) {
  return fail(ErrorCode::malformed, fmt::format("'{}' must be {}", name, wanted));
}

Result<std::size_t> read_limit(std::string_view text) {
  std::size_t out = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || stop != text.data() + text.size() || out == 0)
    return bad_query("limit", "a number above 0");
  return std::min(out, kMaxLimit);
}

/// A name that is not known is refused: who asked for less than it gets would not notice.
Result<SessionQuery> read_query(std::string_view text, SystemTime now) {
  SessionQuery out;
  out.limit = kDefaultLimit;
  auto form = http::Form::parse(text);
  if (!form) return fail(ErrorCode::malformed, "the query cannot be read");
  for (const auto& [name, value] : form->fields()) {
    if (name == "limit") {
      HOOP_TRY(out.limit, read_limit(value));
    } else if (name == "live" || name == "denied") {
      if (value != "1") return bad_query(name, "1, or not there");
      if (name == "denied")
        out.denied = true;
      else
        out.live_at = now;
    } else if (name == "since" || name == "until") {
      const auto time = parse_rfc3339(value);
      if (!time) return bad_query(name, "a time of RFC 3339");
      (name == "since" ? out.since : out.until) = time;
    } else if (name == "target" || name == "subject" || name == "before") {
      if (value.empty()) return bad_query(name, "a name");
      (name == "target" ? out.target : name == "subject" ? out.subject : out.before) = value;
    } else {
      return fail(ErrorCode::malformed, "the query has a name that is not known");
    }
  }
  return out;
}

}  // namespace

bool is_live(const SessionRecord& record, SystemTime now) {
  return record.state == CredentialState::active && record.expires_at > now;
}

std::string_view session_state(const SessionRecord& record, SystemTime now) {
  if (record.log) return record.log->sealed ? "ended" : "unsealed";
  const bool over = record.state == CredentialState::revoked || record.expires_at <= now;
  return over ? "unsealed" : "open";
}

asio::awaitable<http::Response> Api::list_sessions(http::Request request,
                                                   access::Identity identity) {
  const SystemTime now = parts_.clock.system_now();
  auto query = read_query(request.query(), now);
  if (!query) co_return problem_of(query.error());
  // Somebody else's are not there for who may not see them.
  if (!is_auditor(identity)) {
    if (!query->subject.empty() && query->subject != identity.subject)
      co_return http::json_response(200, R"({"sessions":[]})");
    query->subject = identity.subject;
  }
  Store& store = parts_.store;
  Work<std::vector<SessionRecord>> look = [&store, query = *query] { return store.list(query); };
  auto records = co_await parts_.workers.run(look);
  if (!records) co_return problem_of(records.error());
  Json list = Json::array();
  for (const SessionRecord& record : *records) list.push_back(to_json(record, now));
  co_return http::json_response(200, Json{{"sessions", std::move(list)}}.dump());
}

asio::awaitable<http::Response> Api::show_session(std::string session, access::Identity identity) {
  auto record =
      co_await find_session(std::move(session), std::move(identity), Who::owner_or_auditor);
  if (!record) co_return problem_of(record.error());
  Json out = to_json(*record, parts_.clock.system_now());
  out["role"] = record->role;
  out["reason"] = record->reason;
  out["claimed_agent"] = record->claimed_agent;
  out["path"] = access::to_string(record->path);
  out["client_key"] = record->client_key;
  out["seal_key"] = record->seal_key;
  out["receipt"] = nullptr;
  out["digest"] = nullptr;
  if (record->log) {
    out["receipt"] = record->log->receipt;
    out["digest"] = record->log->digest;
  }
  co_return http::json_response(200, out.dump());
}

}  // namespace hoop::gateway
