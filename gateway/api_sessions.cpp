// SPDX-License-Identifier: Apache-2.0
// GET of /v1/sessions and of one session.
#include <algorithm>
#include <charconv>

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

struct Wanted {
  std::size_t limit = kDefaultLimit;
  bool live = false;  // only those
};

Result<Wanted> read_query(std::string_view query) {
  Wanted out;
  auto form = http::Form::parse(query);
  if (!form) return fail(ErrorCode::malformed, "the query cannot be read");
  if (const auto live = form->find("live")) {
    if (*live != "1") return fail(ErrorCode::malformed, "'live' can only be 1");
    out.live = true;
  }
  const auto text = form->find("limit");
  if (!text) return out;
  const auto [stop, error] = std::from_chars(text->data(), text->data() + text->size(), out.limit);
  if (error != std::errc() || stop != text->data() + text->size() || out.limit == 0)
    return fail(ErrorCode::malformed, "'limit' must be a number above 0");
  out.limit = std::min(out.limit, kMaxLimit);
  return out;
}

/// Latest first; subject empty: everybody's. Blocks.
Result<std::vector<SessionRecord>> live_sessions(Store& store, const std::string& subject,
                                                 std::size_t limit, SystemTime now) {
  HOOP_TRY(auto records, store.unrevoked());
  std::erase_if(records, [&](const SessionRecord& record) {
    return !is_live(record, now) || (!subject.empty() && record.subject != subject);
  });
  std::ranges::stable_sort(records, std::ranges::greater(), &SessionRecord::started_at);
  if (records.size() > limit) records.resize(limit);
  return records;
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
  const auto wanted = read_query(request.query());
  if (!wanted) co_return problem_of(wanted.error());
  Store& store = parts_.store;
  const std::string subject = is_auditor(identity) ? std::string() : identity.subject;
  const SystemTime now = parts_.clock.system_now();
  Work<std::vector<SessionRecord>> look = [&store, subject, wanted = *wanted, now] {
    return wanted.live ? live_sessions(store, subject, wanted.limit, now)
                       : store.list(subject, wanted.limit);
  };
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
