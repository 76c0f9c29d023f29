// SPDX-License-Identifier: Apache-2.0
#include "cmd/gateway_client.h"

#include <charconv>

#include <fmt/format.h>

#include "cmd/gateway_answers.h"
#include "cmd/given_credentials.h"
#include "core/base/encoding.h"

namespace hoop::cmd {
namespace {

constexpr std::uint64_t kMaxLogBytes = 1U << 30;  // of a download: what fits in memory everywhere
constexpr auto kUploadTime = std::chrono::seconds(30);
// The gateway seals and keeps the log, and waits until the target has no connection of it left.
constexpr auto kKillTime = std::chrono::seconds(30);
constexpr identity::JsonCaps kListCaps{8U << 20, 32, 400'000};

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::optional<std::uint64_t> offset_in(const std::string& body) {
  const auto json = identity::parse_json(body);
  if (!json) return std::nullopt;
  const identity::Json* member = json->find("offset");
  if (member == nullptr || member->integer() == nullptr || *member->integer() < 0)
    return std::nullopt;
  return static_cast<std::uint64_t>(*member->integer());
}

std::string code_of(const http::Response& response) {
  const auto json = identity::parse_json(response.body);
  const std::string* code = json ? json->text("code") : nullptr;
  return code != nullptr ? *code : std::string();
}

std::unexpected<Error> odd_answer(std::string_view what) {
  return fail(ErrorCode::malformed, fmt::format("the gateway's answer to {} cannot be read", what),
              "are hoopctl and the gateway of the same version?");
}

// g++ 12 cannot keep the braces of a header list alive in a co_await: they are made here.
http::Headers accept_json() { return {{"Accept", "application/json"}}; }
http::Headers json_body() { return {{"Content-Type", "application/json"}}; }

std::string log_path(const std::string& session, std::string_view rest = "/log") {
  return fmt::format("/v1/sessions/{}{}", session, rest);
}

}  // namespace

Result<std::string> chosen_gateway(const Environment& environment) {
  std::string url = environment.settings.gateway;
  if (url.empty()) {
    HOOP_TRY(const std::string state, environment.state_folder());
    HOOP_TRY(const identity::TokenStore store, identity::TokenStore::open(state));
    HOOP_TRY(const auto current, store.current_gateway());
    if (!current)
      return fail(ErrorCode::unauthenticated, "not logged in to any gateway",
                  "run: hoopctl login --gateway https://HOST[:PORT]");
    url = *current;
  }
  auto parsed = identity::parse_https_url(url);
  if (!parsed)
    return fail(
        ErrorCode::usage,
        fmt::format("'{}' is not a gateway's URL: {}", remote_text(url), parsed.error().message),
        "https://HOST[:PORT]");
  return parsed->origin();
}

Result<std::unique_ptr<GatewayClient>> GatewayClient::open(Environment& environment,
                                                           asio::any_io_executor executor,
                                                           std::string url) {
  HOOP_TRY(const std::string state, environment.state_folder());
  HOOP_TRY(identity::TokenStore store, identity::TokenStore::open(state));
  const bool is_given = !environment.token.empty() || !environment.settings.token_file.empty();
  auto record = store.load_gateway(url);
  if (!record && record.error().code == ErrorCode::not_found) {
    if (!is_given) return std::unexpected(not_logged_in(url));
    record = identity::GatewayRecord();
    record->url = url;
  }
  if (!record) return std::unexpected(std::move(record).error());
  if (is_given) HOOP_CHECK(take_given_trust(environment.settings, *record));
  std::unique_ptr<GatewayClient> out(
      new GatewayClient(environment, executor, std::move(store), std::move(*record)));
  out->is_given_ = is_given;
  HOOP_TRY(out->web_, Web::open(environment, std::move(executor), trust_of(out->record_)));
  return out;
}

Task<http::Response> GatewayClient::send(Web& web, std::string method, std::string path,
                                         http::Headers headers, std::string body,
                                         std::chrono::milliseconds patience) {
  HOOP_CO_TRY(Presented who, co_await bearer());
  co_return co_await presenter_.send(web, std::move(who), std::move(method), record_.url + path,
                                     std::move(headers), std::move(body), patience);
}

Task<http::Response> GatewayClient::send(std::string method, std::string path,
                                         http::Headers headers, std::string body,
                                         std::chrono::milliseconds patience) {
  co_return co_await send(*web_, std::move(method), std::move(path), std::move(headers),
                          std::move(body), patience);
}

Task<http::Response> GatewayClient::hello() {
  co_return co_await web_->send("GET", record_.url + "/.well-known/hoopctl", accept_json(),
                                std::string(), kRequestTime);
}

Task<identity::Json> GatewayClient::get(std::string path) {
  HOOP_CO_TRY(const http::Response response,
              co_await send("GET", path, accept_json(), std::string(), kRequestTime));
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  auto json = identity::parse_json(response.body, kListCaps);
  if (!json) co_return odd_answer(path);
  co_return std::move(*json);
}

Task<access::Grant> GatewayClient::create_grant(GrantWish wish) {
  std::string body = "{\"target\":";
  append_json_string(body, wish.target);
  body += ",\"client_key\":";
  append_json_string(body, to_base64url(wish.key));
  if (!wish.reason.empty()) {
    body += ",\"reason\":";
    append_json_string(body, wish.reason);
  }
  if (!wish.claimed_agent.empty()) {
    body += ",\"claimed_agent\":";
    append_json_string(body, wish.claimed_agent);
  }
  if (!wish.approval.empty()) {
    body += ",\"approval\":";
    append_json_string(body, wish.approval);
  }
  if (wish.approval_wait) body += fmt::format(",\"approval_wait\":{}", wish.approval_wait->count());
  if (wish.program.isolated) body += ",\"isolated\":true";
  if (wish.program.is_arguments) body += ",\"arguments\":true";
  const std::vector<std::string>& command = wish.program.command;
  if (!command.empty()) {
    body += ",\"command\":[";
    for (std::size_t i = 0; i < command.size(); ++i) {
      if (i > 0) body += ',';
      append_json_string(body, command[i]);
    }
    body += ']';
  }
  body += "}";
  const SystemTime asked = environment_.clock.system_now();
  HOOP_CO_TRY(http::Response response,
              co_await send("POST", "/v1/grants", json_body(), std::move(body), kUploadTime));
  const SecretText document(std::move(response.body));
  if (response.status != 201) {
    response.body = document.reveal();
    Error problem = problem_of(response, record_.url);
    if (response.status == 403 && code_of(response) == "approval_not_usable") {
      problem.message =
          fmt::format("the approval of {} cannot be used", remote_text(wish.approval));
      problem.hint = fmt::format("hoopctl requests show {}", remote_text(wish.approval));
    } else if (response.status == 403) {
      problem = {ErrorCode::denied,
                 fmt::format("denied: no target '{}' that you may open", remote_text(wish.target)),
                 "hoopctl targets lists what you may open",
                 {}};
    }
    co_return std::unexpected(std::move(problem));
  }
  auto grant = access::grant_from_json(document.reveal());
  if (!grant) co_return std::unexpected(std::move(grant).error().within("the gateway's grant"));
  // Whoever serves the program ends its access, and says why: on the local path we must not be
  // later than the target, on the gateway path not earlier than the gateway.
  const SystemTime from =
      grant->path == access::DataPath::local ? asked : environment_.clock.system_now();
  if (auto begun = access::begin_at(*grant, from); !begun)
    co_return std::unexpected(std::move(begun).error().within("the gateway's grant"));
  co_return std::move(*grant);
}

Task<std::chrono::milliseconds> GatewayClient::renew_grant(std::string session,
                                                           std::chrono::milliseconds patience) {
  std::string path = fmt::format("/v1/grants/{}/renew", session);
  HOOP_CO_TRY(const http::Response response,
              co_await send("POST", path, json_body(), std::string("{}"), patience));
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  const auto json = identity::parse_json(response.body);
  const auto time = [&json](std::string_view name) -> std::optional<SystemTime> {
    const std::string* text = json ? json->text(name) : nullptr;
    return text == nullptr ? std::nullopt : parse_rfc3339(*text);
  };
  const auto from = time("renewed_at"), to = time("expires_at");
  // The gateway's clock need not be ours: what counts is the time between.
  if (!from || !to || *to <= *from) co_return odd_answer(path);
  co_return std::chrono::duration_cast<std::chrono::milliseconds>(*to - *from);
}

Task<void> GatewayClient::delete_grant(std::string session, std::chrono::milliseconds patience) {
  HOOP_CO_TRY(
      const http::Response response,
      co_await send("DELETE", "/v1/grants/" + session, http::Headers(), std::string(), patience));
  if (response.status != 204 && response.status != 200)
    co_return std::unexpected(problem_of(response, record_.url));
  co_return Result<void>{};
}

Task<SessionResult> GatewayClient::end_session(std::string session, std::string cause,
                                               int program_status,
                                               std::chrono::milliseconds patience) {
  std::string body = "{\"cause\":";
  append_json_string(body, cause);
  body += fmt::format(",\"program_status\":{}}}", program_status);
  auto answer = co_await send("POST", log_path(session, "/end"), json_body(), body, patience);
  // The connection of before may have gone with the network that it was made on; the first ending
  // counts, however often it is told.
  if (!answer && answer.error().code == ErrorCode::upstream_unreachable)
    answer = co_await send("POST", log_path(session, "/end"), json_body(), body, patience);
  if (!answer) co_return std::unexpected(std::move(answer).error());
  const http::Response& response = *answer;
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  auto result = read_session_result(response.body);
  if (!result) co_return odd_answer("the end of a session");
  co_return std::move(*result);
}

Task<void> GatewayClient::kill_session(std::string session, std::string reason) {
  std::string body = "{";
  if (!reason.empty()) {
    body += "\"reason\":";
    append_json_string(body, reason);
  }
  body += "}";
  HOOP_CO_TRY(
      const http::Response response,
      co_await send("POST", log_path(session, "/kill"), json_body(), std::move(body), kKillTime));
  if (response.status != 204) co_return std::unexpected(problem_of(response, record_.url));
  co_return Result<void>{};
}

Task<std::int64_t> GatewayClient::revoke_identity(std::string subject, std::string reason) {
  std::string body = "{\"subject\":";
  append_json_string(body, subject);
  if (!reason.empty()) {
    body += ",\"reason\":";
    append_json_string(body, reason);
  }
  body += "}";
  HOOP_CO_TRY(
      const http::Response response,
      co_await send("POST", "/v1/identities/revoke", json_body(), std::move(body), kKillTime));
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  HOOP_CO_TRY(const auto answer, identity::parse_json(response.body));
  const identity::Json* count = answer.find("sessions_ended");
  if (count == nullptr || count->integer() == nullptr)
    co_return odd_answer("/v1/identities/revoke");
  co_return *count->integer();
}

Task<http::Client::Upgraded> GatewayClient::upgrade(std::string path, std::string protocol,
                                                    http::Client::UpgradeHeaders headers,
                                                    std::chrono::milliseconds patience) {
  HOOP_CO_TRY(auto answer, co_await web_->upgrade(record_.url + path, std::move(protocol),
                                                  std::move(headers), patience));
  if (auto* upgraded = std::get_if<http::Client::Upgraded>(&answer)) co_return std::move(*upgraded);
  static_cast<void>(presenter_.learn_nonce(std::get<http::Response>(answer)));
  co_return std::unexpected(tunnel_problem(std::get<http::Response>(answer), record_.url));
}

Task<http::Client::Upgraded> GatewayClient::open_control(std::string session,
                                                         std::string policy_version,
                                                         std::chrono::milliseconds patience) {
  HOOP_CO_TRY(const Presented who, co_await bearer());
  const std::string path = log_path(session, "/control");
  http::Client::UpgradeHeaders headers =
      [this, &who, &path, policy_version](const net::Stream&) -> Result<http::Headers> {
    http::Headers out{{"Hoopctl-Policy", policy_version}};
    HOOP_CHECK(presenter_.present(who, "GET", record_.url + path, out));
    return out;
  };
  const std::string nonce = presenter_.nonce();
  auto opened = co_await upgrade(path, std::string(session::kControlProtocol), headers, patience);
  if (!opened && presenter_.nonce() != nonce)
    opened = co_await upgrade(path, std::string(session::kControlProtocol), headers, patience);
  co_return opened;
}

Task<std::uint64_t> GatewayClient::log_offset(std::string session) {
  HOOP_CO_TRY(
      const http::Response response,
      co_await send("HEAD", log_path(session), http::Headers(), std::string(), kRequestTime));
  if (response.status == 404)
    co_return std::unexpected(
        Error{ErrorCode::not_found, "the gateway does not know the session", {}, {}});
  if (response.status != 200 && response.status != 204)
    co_return std::unexpected(problem_of(response, record_.url));
  const auto offset = number_in(response.headers.only("Upload-Offset").value_or(""));
  if (!offset) co_return odd_answer("HEAD of a log");
  co_return *offset;
}

Task<std::uint64_t> GatewayClient::put_log(std::string session, std::uint64_t offset, Bytes bytes,
                                           crypto::Digest256 digest) {
  http::Headers headers{{"Content-Type", "application/octet-stream"},
                        {"Upload-Offset", std::to_string(offset)},
                        {"Content-Digest", fmt::format("sha-256=:{}:", to_base64(digest))}};
  HOOP_CO_TRY(
      const http::Response response,
      co_await send("PUT", log_path(session), std::move(headers), to_text(bytes), kUploadTime));
  if (response.status != 200 && response.status != 409)
    co_return std::unexpected(problem_of(response, record_.url));
  const auto now_has = offset_in(response.body);
  if (!now_has) co_return odd_answer("a chunk of the log");
  co_return *now_has;
}

Task<std::string> GatewayClient::finish_log(std::string session, std::uint64_t length,
                                            crypto::Digest256 digest, bool sealed) {
  std::string body =
      fmt::format(R"({{"length":{},"digest":"{}","sealed":{}}})", length, to_hex(digest), sealed);
  HOOP_CO_TRY(const http::Response response,
              co_await send("POST", log_path(session, "/finish"), json_body(), std::move(body),
                            kUploadTime));
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  const auto json = identity::parse_json(response.body);
  const std::string* receipt = json ? json->text("receipt") : nullptr;
  if (receipt == nullptr) co_return odd_answer("finish");
  co_return *receipt;
}

Task<std::string> GatewayClient::download_log(std::string session) {
  HOOP_CO_TRY(const std::unique_ptr<Web> web,
              Web::open(environment_, executor_, trust_of(record_), kMaxLogBytes));
  HOOP_CO_TRY(http::Response response,
              co_await send(*web, "GET", log_path(session), http::Headers(), std::string(),
                            std::chrono::minutes(10)));
  if (response.status != 200) co_return std::unexpected(problem_of(response, record_.url));
  co_return std::move(response.body);
}

Task<identity::KeySet> GatewayClient::receipt_keys() {
  HOOP_CO_TRY(const std::string body, co_await web_->get(record_.url + "/.well-known/hoopctl"));
  const auto document = identity::parse_json(body);
  const identity::Json* set = document ? document->find("receipt_keys") : nullptr;
  const identity::Json* keys = set != nullptr ? set->find("keys") : nullptr;
  if (keys == nullptr || keys->array() == nullptr) co_return odd_answer("the keys of receipts");
  identity::KeySet out;
  for (const identity::Json& key : *keys->array()) {
    const std::string *kid = key.text("kid"), *curve = key.text("crv"), *x = key.text("x"),
                      *y = key.text("y");
    const auto raw_x = x != nullptr ? from_base64url(*x) : std::nullopt,
               raw_y = y != nullptr ? from_base64url(*y) : std::nullopt;
    crypto::P256PublicKey read;
    if (kid == nullptr || curve == nullptr || *curve != "P-256" || !raw_x || !raw_y ||
        raw_x->size() != read.x.size() || raw_y->size() != read.y.size()) {
      co_return odd_answer("the keys of receipts");
    }
    std::ranges::copy(*raw_x, read.x.begin());
    std::ranges::copy(*raw_y, read.y.begin());
    out.keys.push_back({*kid, read, crypto::SignatureAlgorithm::es256});
  }
  co_return out;
}

}  // namespace hoop::cmd
