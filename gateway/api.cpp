// SPDX-License-Identifier: Apache-2.0
#include "gateway/api.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/identity/jwk.h"

namespace hoop::gateway {
namespace {

using Json = nlohmann::ordered_json;

http::Response no_route() {
  return http::problem_response(404, "not_found", "there is nothing here");
}

http::Response unauthenticated(std::string_view detail) {
  http::Response out = http::problem_response(401, "unauthenticated", detail);
  out.headers.set("WWW-Authenticate", "Bearer");
  return out;
}

/// The sender's clock may be wrong: with the nonce its proof needs none (RFC 9449 §9).
http::Response unproven(std::string_view detail, const std::string& nonce) {
  http::Response out = http::problem_response(401, "unauthenticated", detail);
  out.headers.set("WWW-Authenticate", R"(DPoP algs="ES256", error="use_dpop_nonce")");
  out.headers.set("DPoP-Nonce", nonce);
  return out;
}

/// "/v1/sessions/s_x/log" → {"sessions", "s_x", "log"}. Nothing here is ever percent-encoded by a
/// client of ours, so nothing is decoded.
std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  path.remove_prefix(4);  // "/v1/"
  for (;;) {
    const std::size_t slash = path.find('/');
    out.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return out;
    path.remove_prefix(slash + 1);
  }
}

/// What a token that was made for deciding requests is good for.
bool is_about_deciding(const std::vector<std::string>& path, std::string_view method) {
  const bool reads = method == "GET" || method == "HEAD";
  if (path.size() == 1 && path[0] == "whoami") return reads;
  if (path[0] != "requests") return false;
  const bool decides = path.size() == 3 && (path[2] == "approve" || path[2] == "reject");
  return path.size() <= 2 ? reads : decides && method == "POST";
}

}  // namespace

http::Response problem_of(const Error& error) {
  struct Line {
    int status;
    std::string_view code;
  };
  const Line line = [&]() -> Line {
    switch (error.code) {
      case ErrorCode::usage: return {400, "usage"};
      case ErrorCode::config: return {503, "issuer_failed"};
      case ErrorCode::unauthenticated: return {401, "unauthenticated"};
      case ErrorCode::denied: return {403, "denied"};
      case ErrorCode::not_found: return {404, "not_found"};
      case ErrorCode::malformed: return {400, "malformed"};
      case ErrorCode::unsupported: return {501, "unsupported"};
      case ErrorCode::too_large: return {413, "too_large"};
      case ErrorCode::upstream_unreachable: return {503, "target_unreachable"};
      case ErrorCode::upstream_refused: return {503, "issuer_failed"};
      case ErrorCode::timeout: return {503, "target_unreachable"};
      case ErrorCode::cancelled: return {503, "cancelled"};
      case ErrorCode::io: return {500, "internal"};
      case ErrorCode::storage: return {507, "storage"};
      case ErrorCode::integrity: return {422, "integrity"};
      case ErrorCode::internal: return {500, "internal"};
    }
    return {500, "internal"};
  }();
  std::string detail = error.message;
  if (!error.hint.empty()) detail += ": " + error.hint;
  return http::problem_response(line.status, line.code, detail);
}

bool is_auditor(const access::Identity& identity) {
  return std::ranges::any_of(identity.groups, [](const std::string& group) {
    return group == "auditors" || group == "admins";
  });
}

bool is_operator(const access::Identity& identity) {
  return std::ranges::find(identity.groups, "admins") != identity.groups.end();
}

http::Response Api::discovery() const {
  // Not in the token keys' set: a receipt must never pass for a token, nor a token for a receipt.
  const identity::KeySet receipt_keys{{identity::verification_key(parts_.receipt_key)}};
  Json login = Json::object();
  for (const auto& [name, value] : parts_.login_parameters) login[name] = value;
  Json body = {{"gateway", parts_.gateway_id},
               {"issuer", parts_.issuer},
               {"client_id", parts_.client_id},
               {"audience", parts_.base_url},
               {"version", HOOPCTL_VERSION},
               {"login_parameters", std::move(login)},
               {"approving_scope", parts_.approving_scope},
               {"receipt_keys", Json::parse(identity::jwks_to_json(receipt_keys))}};
  if (!parts_.issuer_ca_pem.empty()) body["issuer_ca"] = parts_.issuer_ca_pem;
  return http::json_response(200, body.dump());
}

http::Response Api::whoami(const access::Identity& identity) const {
  const Json body = {{"subject", identity.subject},
                     {"groups", identity.groups},
                     {"kind", access::to_string(identity.kind)},
                     {"expires_at", to_rfc3339(identity.expires_at)}};
  return http::json_response(200, body.dump());
}

http::Response Api::targets(const access::Identity& identity) const {
  Json list = Json::array();
  for (const auto& [target, path, logins] : parts_.grants.open_to(identity)) {
    list.push_back({{"name", target->name},
                    {"protocol", target->protocol},
                    {"path", access::to_string(path)},
                    {"description", target->description},
                    {"labels", target->labels}});
    if (target->protocol != "ssh") continue;
    list.back()["host_keys"] = target->host_keys;
    list.back()["logins"] = logins;
  }
  return http::json_response(200, Json{{"targets", std::move(list)}}.dump());
}

asio::awaitable<std::expected<access::Identity, http::Response>> Api::identify(
    const http::Request& request) {
  const auto authorization = request.headers.only("Authorization");
  const auto token_of = [&authorization](std::string_view scheme) -> std::string {
    const bool fits = authorization && authorization->size() > scheme.size() &&
                      http::equal_ignoring_case(authorization->substr(0, scheme.size()), scheme);
    return fits ? std::string(authorization->substr(scheme.size())) : std::string();
  };
  std::string token = token_of("DPoP ");
  std::optional<identity::Proof> proof;
  const bool bound = !token.empty();
  if (!bound) token = token_of("Bearer ");
  if (token.empty()) co_return std::unexpected(unauthenticated("log in first: hoopctl login"));
  if (bound) {
    auto checked = parts_.proofs.check(request, token);
    if (!checked)
      co_return std::unexpected(unproven(checked.error().message, parts_.proofs.nonce()));
    proof = std::move(*checked);
  }
  std::string proven;
  if (proof) proven = proof->thumbprint;
  auto identity = co_await parts_.authenticator.authenticate(std::move(token), std::move(proven));
  if (!identity && identity.error().code == ErrorCode::unauthenticated)
    co_return std::unexpected(unauthenticated(identity.error().message));
  if (!identity) co_return std::unexpected(problem_of(identity.error()));
  if (proof && !parts_.proofs.use(*proof))
    co_return std::unexpected(
        unproven("proof of possession: it was used before", parts_.proofs.nonce()));
  co_return std::move(*identity);
}

asio::awaitable<http::Response> Api::handle(http::Request request) {
  if (request.path() == "/.well-known/hoopctl") {
    if (request.method != "GET" && request.method != "HEAD")
      co_return http::method_not_allowed("GET, HEAD");
    co_return discovery();
  }
  if (!request.path().starts_with("/v1/")) co_return no_route();
  auto identity = co_await identify(request);
  if (!identity) co_return std::move(identity).error();
  if (parts_.revocations.covers(*identity) && !is_delivery(request))
    co_return unauthenticated("access of this login was taken back: log in again");
  http::Response response = co_await route(std::move(request), std::move(*identity));
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

asio::awaitable<http::Response> Api::route(http::Request request, access::Identity identity) {
  const std::vector<std::string> path = segments_of(request.path());
  const std::string& method = request.method;
  const bool reads = method == "GET" || method == "HEAD";
  if (identity.is_for_approving && !is_about_deciding(path, method))
    co_return http::problem_response(403, "token_for_approving",
                                     "this login is for deciding requests and nothing else");
  if (path.size() == 1 && path[0] == "whoami")
    co_return reads ? whoami(identity) : http::method_not_allowed("GET, HEAD");
  if (path.size() == 1 && path[0] == "targets")
    co_return reads ? targets(identity) : http::method_not_allowed("GET, HEAD");
  if (path.size() == 1 && path[0] == "grants") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await create_grant(std::move(request), std::move(identity));
  }
  if (path.size() == 2 && path[0] == "grants") {
    if (method != "DELETE") co_return http::method_not_allowed("DELETE");
    co_return co_await delete_grant(path[1], std::move(identity));
  }
  if (path.size() == 3 && path[0] == "grants" && path[2] == "renew") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await renew_grant(path[1], std::move(identity));
  }
  if (path.size() == 2 && path[0] == "policy" && path[1] == "reload") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await reload_policy(std::move(request), std::move(identity));
  }
  if (path.size() == 2 && path[0] == "identities" && path[1] == "revoke") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await revoke_identity(std::move(request), std::move(identity));
  }
  if (path[0] == "requests")
    co_return co_await route_requests(path, std::move(request), std::move(identity));
  if (path[0] != "sessions") co_return no_route();
  if (path.size() == 1) {
    if (!reads) co_return http::method_not_allowed("GET, HEAD");
    co_return co_await list_sessions(std::move(request), std::move(identity));
  }
  if (path.size() == 2) {
    if (!reads) co_return http::method_not_allowed("GET, HEAD");
    co_return co_await show_session(path[1], std::move(identity));
  }
  if (path.size() == 3 && path[2] == "log") {
    if (method == "HEAD") co_return co_await log_offset(path[1], std::move(identity));
    if (method == "GET") co_return co_await download_log(path[1], std::move(identity));
    if (method == "PUT")
      co_return co_await upload_chunk(path[1], std::move(request), std::move(identity));
    co_return http::method_not_allowed("GET, HEAD, PUT");
  }
  if (path.size() == 3 && path[2] == "control") {
    if (method != "GET") co_return http::method_not_allowed("GET");
    co_return co_await control_session(path[1], std::move(request), std::move(identity));
  }
  if (path.size() == 3 && path[2] == "end") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await end_session(path[1], std::move(request), std::move(identity));
  }
  if (path.size() == 3 && path[2] == "kill") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await kill_session(path[1], std::move(request), std::move(identity));
  }
  if (path.size() == 3 && path[2] == "requests") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await make_request(path[1], std::move(request), std::move(identity));
  }
  if (path.size() == 3 && path[2] == "finish") {
    if (method != "POST") co_return http::method_not_allowed("POST");
    co_return co_await finish_log(path[1], std::move(request), std::move(identity));
  }
  co_return no_route();
}

Task<SessionRecord> Api::find_session(std::string session, access::Identity identity, Who who) {
  if (!is_session_id(session)) co_return fail(ErrorCode::not_found, "no such session");
  Store& store = parts_.store;
  Work<std::optional<SessionRecord>> find = [&store, session] { return store.find(session); };
  auto found = co_await parts_.workers.run(find);
  if (!found) co_return std::unexpected(std::move(found).error());
  // What a token that was taken back still does it does for its own sessions, in nobody's office.
  const bool in_office = !parts_.revocations.covers(identity);
  const bool may =
      *found && ((*found)->subject == identity.subject ||
                 (in_office && who == Who::owner_or_auditor && is_auditor(identity)) ||
                 (in_office && who == Who::owner_or_operator && is_operator(identity)));
  if (!may) co_return fail(ErrorCode::not_found, "no such session");
  if (!parts_.revocations.reaches(identity, (*found)->started_at))
    co_return fail(ErrorCode::unauthenticated, "access was revoked");
  co_return std::move(**found);
}

}  // namespace hoop::gateway
