// SPDX-License-Identifier: Apache-2.0
// POST of /v1/sessions/{session}/requests, and everything below /v1/requests: sessions ask for
// approvals, people decide.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/access/words.h"
#include "core/base/encoding.h"
#include "core/http/form.h"
#include "core/identity/json.h"
#include "gateway/api.h"

namespace hoop::gateway {
namespace {

using Json = nlohmann::ordered_json;
using Members = std::initializer_list<std::string_view>;

constexpr std::size_t kMaxRequestBody = 256U << 10;  // 64 KiB of text, however it is escaped
constexpr int kLongestWait = 25;                     // seconds

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json time_or_null(const std::optional<SystemTime>& time) {
  return time ? Json(to_rfc3339(*time)) : Json();
}

Json request_to_json(const ApprovalView& view) {
  const ApprovalRequest& request = view.request;
  return {{"id", request.id},
          {"state", to_string(request.state)},
          {"subject", request.subject},
          {"kind", to_string(request.kind)},
          {"claimed_agent", text_or_null(request.claimed_agent)},
          {"session", request.session},
          {"target", request.target},
          {"protocol", request.question.protocol},
          {"verb", request.question.verb},
          {"place", request.question.place},
          {"text", request.question.text},
          {"digest", to_hex(request.question.digest)},
          {"exact", request.exact},
          {"rule", request.question.rule},
          {"message", request.question.message},
          {"reason", text_or_null(request.reason)},
          {"requested_at", to_rfc3339(request.requested_at)},
          {"expires_at", to_rfc3339(request.expires_at)},
          {"decided_at", time_or_null(request.decided_at)},
          {"decided_by", text_or_null(request.decided_by)},
          {"decision_reason", text_or_null(request.words)},
          {"spent_at", time_or_null(request.spent_at)},
          {"spent_by", text_or_null(request.spent_by)},
          {"approvers", view.approvers},
          {"may_decide", view.may_decide}};
}

http::Response request_document(int status, const Json& json) {
  // A session's reason may be no UTF-8; all else is.
  return http::json_response(status, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// An object of strings: a member that we do not know would be a wish that we ignore.
Result<identity::Json> read_texts(const std::string& body, std::size_t most, Members required,
                                  Members optional) {
  if (body.size() > most)
    return fail(ErrorCode::too_large, fmt::format("the request is longer than {} KiB", most >> 10));
  identity::JsonCaps caps;
  caps.bytes = most;
  HOOP_TRY(auto json, identity::parse_json(body, caps));
  if (json.object() == nullptr)
    return fail(ErrorCode::malformed, "the request must be a JSON object");
  const auto is_in = [](Members names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  for (const auto& [name, value] : *json.object()) {
    if (!is_in(required, name) && !is_in(optional, name))
      return fail(ErrorCode::malformed,
                  fmt::format("unknown member '{}'", neutralise(name, 64, Lines::escape)));
    if (value.text() == nullptr)
      return fail(ErrorCode::malformed, fmt::format("'{}' must be a string", name));
  }
  for (const std::string_view name : required) {
    if (json.text(name) == nullptr)
      return fail(ErrorCode::malformed, fmt::format("'{}' is missing", name));
  }
  return json;
}

Result<crypto::Digest256> read_digest(const identity::Json& json) {
  crypto::Digest256 out{};
  const auto raw = from_hex(*json.text("digest"));
  if (!raw || raw->size() != out.size())
    return fail(ErrorCode::malformed, "'digest' must be a SHA-256 in hex");
  std::ranges::copy(*raw, out.begin());
  return out;
}

Result<access::ApprovalQuestion> read_question(const std::string& body) {
  HOOP_TRY(const auto json,
           read_texts(body, kMaxRequestBody, {"protocol", "verb", "text", "digest", "rule"},
                      {"place", "message"}));
  access::ApprovalQuestion out;
  out.protocol = *json.text("protocol");
  out.verb = *json.text("verb");
  if (const std::string* place = json.text("place")) out.place = *place;
  out.text = *json.text("text");
  HOOP_TRY(out.digest, read_digest(json));
  out.rule = *json.text("rule");
  if (const std::string* message = json.text("message")) out.message = *message;
  return out;
}

Result<ApprovalDesk::Decided> read_decision(const std::string& body) {
  HOOP_TRY(const auto json, read_texts(body, kMaxBody, {"digest"}, {"reason"}));
  ApprovalDesk::Decided out;
  HOOP_TRY(out.digest, read_digest(json));
  if (const std::string* reason = json.text("reason")) out.words = *reason;
  if (out.words.size() > kMaxReason)
    return fail(ErrorCode::malformed,
                fmt::format("'reason' must be a string of up to {} bytes", kMaxReason));
  return out;
}

Result<ApprovalFilter> read_filter(std::string_view query) {
  ApprovalFilter out;
  out.states = {access::ApprovalState::pending};
  auto form = http::Form::parse(query);
  if (!form) return fail(ErrorCode::malformed, "the query cannot be read");
  for (const auto& [name, value] : form->fields()) {
    if (name == "state") {
      const auto state = access::from_word(access::kApprovalStates, value);
      if (!state && value != "all")
        return fail(ErrorCode::malformed,
                    "'state' must be pending, approved, rejected, expired, spent or all");
      out.states.clear();
      if (state) out.states.push_back(*state);
    } else if (name == "mine") {
      if (value != "1") return fail(ErrorCode::malformed, "'mine' must be 1, or not there");
      out.mine = true;
    } else {
      return fail(ErrorCode::malformed, "the query has a name that is not known");
    }
  }
  return out;
}

Result<std::chrono::seconds> read_wait(std::string_view query) {
  auto form = http::Form::parse(query);
  if (!form) return fail(ErrorCode::malformed, "the query cannot be read");
  int out = 0;
  for (const auto& [name, value] : form->fields()) {
    if (name != "wait") return fail(ErrorCode::malformed, "the query has a name that is not known");
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), out);
    if (error != std::errc() || stop != value.data() + value.size() || out < 0 ||
        out > kLongestWait)
      return fail(ErrorCode::malformed, "'wait' must be a number from 0 to 25");
  }
  return std::chrono::seconds(out);
}

http::Response too_many_requests(std::chrono::milliseconds wait) {
  http::Response out =
      http::problem_response(429, "rate_limited", "too many requests: wait a moment");
  out.headers.set("Retry-After", std::to_string(wait.count() / 1000 + 1));
  return out;
}

http::Response not_decided(const NotDecided& refused) {
  switch (refused.why) {
    case Undecided::policy_changed:
      return http::problem_response(409, "policy_changed", refused.error.message);
    case Undecided::stale_sign_in:
      return http::problem_response(403, "fresh_sign_in_needed", refused.error.message);
    case Undecided::decided: return http::problem_response(409, "decided", refused.error.message);
    case Undecided::unknown:
    case Undecided::not_a_person:
    case Undecided::own_request:
    case Undecided::not_an_approver:
    case Undecided::other_bytes:
    case Undecided::failed: break;
  }
  return problem_of(refused.error);
}

http::Response not_local() {
  return http::problem_response(409, "not_local_path",
                                "this session runs at the gateway, which asks for it");
}

}  // namespace

asio::awaitable<http::Response> Api::route_requests(std::vector<std::string> path,
                                                    http::Request request,
                                                    access::Identity identity) {
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path.size() <= 2 && !reads) co_return http::method_not_allowed("GET, HEAD");
  if (path.size() == 1) co_return list_requests(request, identity);
  if (path.size() == 2)
    co_return co_await show_request(path[1], std::move(request), std::move(identity));
  const bool known =
      path.size() == 3 && (path[2] == "approve" || path[2] == "reject" || path[2] == "spend");
  if (!known) co_return http::problem_response(404, "not_found", "there is nothing here");
  if (request.method != "POST") co_return http::method_not_allowed("POST");
  if (path[2] == "spend")
    co_return co_await spend_request(path[1], std::move(request), std::move(identity));
  co_return decide_request(
      path[1], request, identity,
      path[2] == "approve" ? ApprovalDesk::Choice::approve : ApprovalDesk::Choice::reject);
}

asio::awaitable<http::Response> Api::make_request(std::string session, http::Request request,
                                                  access::Identity identity) {
  if (const auto wait = request_limit_.take(identity.subject); wait.count() > 0) {
    parts_.log.warning("request.rate_limited", {{"subject", identity.subject}});
    co_return too_many_requests(wait);
  }
  auto question = read_question(request.body);
  if (!question) co_return problem_of(question.error());
  const auto record = co_await find_session(std::move(session), identity, Who::owner);
  if (!record) co_return problem_of(record.error());
  if (!is_live(*record, parts_.clock.system_now()))
    co_return http::problem_response(409, "session_ended", "the session has ended");
  // On the gateway path the session asks by itself, with what it has seen.
  if (record->path != access::DataPath::local) co_return not_local();
  if (question->protocol != record->protocol)
    co_return http::problem_response(400, "malformed", "the target speaks another protocol");
  Asker asker{identity.subject, identity.kind, record->claimed_agent, record->session,
              record->target,   record->role,  record->reason};
  const auto requested = parts_.approvals.request(asker, std::move(*question));
  if (!requested && requested.error().code == ErrorCode::too_large)
    co_return http::problem_response(429, "too_many_requests", requested.error().message);
  if (!requested) co_return problem_of(requested.error());
  const auto view = parts_.approvals.show(requested->approval.id, identity);
  if (!view) co_return problem_of(view.error());
  co_return request_document(requested->made == ApprovalDesk::Made::anew ? 201 : 200,
                             request_to_json(*view));
}

http::Response Api::list_requests(const http::Request& request, const access::Identity& identity) {
  const auto filter = read_filter(request.query());
  if (!filter) return problem_of(filter.error());
  const auto found = parts_.approvals.list(identity, *filter);
  if (!found) return problem_of(found.error());
  Json list = Json::array();
  for (const ApprovalView& view : found->requests) list.push_back(request_to_json(view));
  return request_document(200, {{"requests", std::move(list)}, {"more", found->more}});
}

asio::awaitable<http::Response> Api::show_request(std::string id, http::Request request,
                                                  access::Identity identity) {
  const auto patience = read_wait(request.query());
  if (!patience) co_return problem_of(patience.error());
  auto view = parts_.approvals.show(id, identity);
  if (view && patience->count() > 0 && view->request.state == access::ApprovalState::pending) {
    const auto waited = co_await parts_.approvals.wait(id, *patience);
    if (!waited) co_return problem_of(waited.error());
    // It may have come while somebody thought.
    if (parts_.revocations.covers(identity))
      co_return http::problem_response(401, "unauthenticated",
                                       "access of this login was taken back: log in again");
    view = parts_.approvals.show(id, identity);
  }
  if (!view) co_return problem_of(view.error());
  co_return request_document(200, request_to_json(*view));
}

asio::awaitable<http::Response> Api::spend_request(std::string id, http::Request request,
                                                   access::Identity identity) {
  const auto body = read_texts(request.body, kMaxBody, {"session"}, {});
  if (!body) co_return problem_of(body.error());
  const auto record = co_await find_session(*body->text("session"), identity, Who::owner);
  if (!record) co_return problem_of(record.error());
  if (!is_live(*record, parts_.clock.system_now()))
    co_return http::problem_response(409, "session_ended", "the session has ended");
  if (record->path != access::DataPath::local) co_return not_local();
  const auto found = parts_.approvals.show(id, identity);
  if (!found) co_return problem_of(found.error());
  Asker asker{identity.subject, identity.kind, record->claimed_agent, record->session,
              record->target,   record->role,  record->reason};
  const auto spent = parts_.approvals.spend(id, asker);
  if (!spent) co_return problem_of(spent.error());
  const auto view = parts_.approvals.show(id, identity);
  if (!view) co_return problem_of(view.error());
  if (!*spent)
    co_return http::problem_response(409, "not_approved",
                                     fmt::format("the request lets nothing pass here: it is {}",
                                                 to_string(view->request.state)));
  co_return request_document(200, request_to_json(*view));
}

http::Response Api::decide_request(const std::string& id, const http::Request& request,
                                   const access::Identity& identity, ApprovalDesk::Choice choice) {
  auto decided = read_decision(request.body);
  if (!decided) return problem_of(decided.error());
  decided->choice = choice;
  const auto view = parts_.approvals.decide(id, identity, *decided);
  if (!view) return not_decided(view.error());
  return request_document(200, request_to_json(*view));
}

}  // namespace hoop::gateway
