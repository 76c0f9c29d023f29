// SPDX-License-Identifier: Apache-2.0
#include "core/http/client.h"

#include <array>
#include <map>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/http/client_exchange.h"
#include "core/http/message_reader.h"

namespace hoop::http {
namespace {

// Servers and the boxes between drop idle connections after a minute or so: an older one is not
// worth a POST that cannot be repeated.
constexpr std::chrono::seconds kMaxIdle{20};
constexpr std::size_t kMaxShownLocation = 200;
constexpr std::uint64_t kMaxProxyBody = 64 * 1024;

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 5> kMethods{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool declares_length(std::string_view method, std::string_view body) {
  return !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
}

// Without the query, which may hold what is not for logs.
std::string context_of(std::string_view method, const Url& url) {
  return fmt::format("{} {}{}", method, url.origin(), url.path());
}

Result<void> follow_nowhere(const Response& answer, std::string_view context) {
  if (!is_redirect(answer.status)) return {};
  Error error{ErrorCode::upstream_refused,
              fmt::format("{}: the server sends us elsewhere (status {}), and we do not follow",
                          context, answer.status),
              "if you trust it, use that address itself",
              {}};
  error.remote =
      neutralise(answer.headers.find("location").value_or(""), kMaxShownLocation, Lines::escape);
  return std::unexpected(std::move(error));
}

struct Idle {
  net::StreamPtr stream;
  SteadyTime since;
};

}  // namespace

struct Client::State {
  State(asio::any_io_executor used, net::TlsClient with, ClientOptions wanted)
      : executor(used), tls(std::move(with)), options(std::move(wanted)) {}

  Task<Response> send(Request request, Url url, Deadline deadline);
  Task<UpgradeAnswer> upgrade(Url url, std::string protocol, UpgradeHeaders make_headers,
                              Deadline deadline);
  Result<void> allows(const Url& url, std::string_view context) const;
  void set_own_fields(Headers& headers, const Url& url) const;
  Task<net::StreamPtr> open(Url url, Deadline deadline);
  Task<net::StreamPtr> open_by_proxy(Url url, Deadline deadline);
  net::StreamPtr take_idle(const std::string& origin);

  asio::any_io_executor executor;
  net::TlsClient tls;
  ClientOptions options;
  std::map<std::string, Idle> idle;
};

net::StreamPtr Client::State::take_idle(const std::string& origin) {
  const auto found = idle.extract(origin);
  if (found.empty() || std::chrono::steady_clock::now() - found.mapped().since > kMaxIdle)
    return nullptr;
  return std::move(found.mapped().stream);
}

Task<net::StreamPtr> Client::State::open(Url url, Deadline deadline) {
  if (options.proxy && options.proxy->applies_to(url)) {
    HOOP_CO_TRY(auto tunnel, co_await open_by_proxy(url, deadline));
    co_return co_await tls.handshake(std::move(tunnel), url.host, "http/1.1", deadline);
  }
  HOOP_CO_TRY(auto stream, co_await net::connect_tcp(executor, url.host, url.port, deadline));
  if (url.scheme == "http") co_return std::move(stream);
  co_return co_await tls.handshake(std::move(stream), url.host, "http/1.1", deadline);
}

Task<net::StreamPtr> Client::State::open_by_proxy(Url url, Deadline deadline) {
  const auto& proxy = *options.proxy;
  const auto context = fmt::format("proxy {}:{}", proxy.host(), proxy.port());
  auto stream = co_await net::connect_tcp(executor, proxy.host(), proxy.port(), deadline);
  if (!stream)
    co_return std::unexpected(std::move(stream).error().within(context).with_hint(
        "check HTTPS_PROXY, or name the host in NO_PROXY"));
  (*stream)->set_deadline(deadline);
  const auto where = fmt::format(
      "{}:{}", url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]", url.port);
  Request request{"CONNECT", where, {{"Host", where}, {"User-Agent", options.user_agent}}, ""};
  if (!proxy.authorization().empty())
    request.headers.add("Proxy-Authorization", proxy.authorization().reveal());
  HOOP_CO_TRY(const auto head, write_request_head(request, {}));
  auto answer = co_await exchange(**stream, "CONNECT", head, "", kMaxProxyBody);
  if (!answer) co_return std::unexpected(std::move(answer.error().error).within(context));
  const int status = answer->response.status;
  if (status / 100 == 2 && answer->reusable) co_return std::move(*stream);
  co_return fail(
      ErrorCode::upstream_unreachable,
      fmt::format("{}: it refuses the connection to {} (status {})", context, where, status),
      status == 407 ? "it wants a login: HTTPS_PROXY=http://user:password@host:port"
                    : "check HTTPS_PROXY, or name the host in NO_PROXY");
}

Task<Response> Client::State::send(Request request, Url url, Deadline deadline) {
  const auto framing = declares_length(request.method, request.body)
                           ? Framing{Framing::Kind::length, request.body.size()}
                           : Framing{};
  HOOP_CO_TRY(const auto head, write_request_head(request, framing));
  const auto origin = url.origin();
  auto stream = take_idle(origin);
  for (bool reused = stream != nullptr;; reused = false) {
    if (!reused) {
      HOOP_CO_TRY(stream, co_await open(url, deadline));
    }
    stream->set_deadline(deadline);
    auto answer = co_await exchange(*stream, request.method, head, request.body, options.max_body);
    if (!answer && reused && answer.error().was_stale && is_idempotent(request.method)) continue;
    if (!answer) co_return std::unexpected(std::move(answer.error().error));
    if (answer->reusable) {
      stream->set_deadline(Deadline::never());
      idle.insert_or_assign(origin, Idle{std::move(stream), std::chrono::steady_clock::now()});
    }
    co_return std::move(answer->response);
  }
}

Result<void> Client::State::allows(const Url& url, std::string_view context) const {
  if (url.scheme != "http" || options.plain_http != ClientOptions::PlainHttp::loopback_only ||
      url.is_loopback())
    return {};
  return fail(ErrorCode::usage, fmt::format("{}: plain http is for this machine only", context),
              "use https://");
}

void Client::State::set_own_fields(Headers& headers, const Url& url) const {
  headers.set("Host", url.authority());
  if (!headers.find("user-agent")) headers.add("User-Agent", options.user_agent);
}

Task<Client::UpgradeAnswer> Client::State::upgrade(Url url, std::string protocol,
                                                   UpgradeHeaders make_headers, Deadline deadline) {
  HOOP_CO_TRY(auto stream, co_await open(url, deadline));
  stream->set_deadline(deadline);
  HOOP_CO_TRY(auto headers, make_headers(*stream));
  set_own_fields(headers, url);
  headers.set("Connection", "Upgrade");
  headers.set("Upgrade", protocol);
  const Request request{"GET", url.target, std::move(headers), ""};
  HOOP_CO_TRY(const auto head, write_request_head(request, {}));
  auto answer = co_await exchange(*stream, request.method, head, "", options.max_body);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  auto& response = answer->response;
  if (response.status != 101) co_return std::move(response);
  const auto named = response.headers.only("upgrade");
  if (!named || !equal_ignoring_case(*named, protocol) ||
      !response.headers.lists("connection", "upgrade"))
    co_return fail(ErrorCode::malformed,
                   fmt::format("the server did not switch to '{}'", protocol));
  stream->set_deadline(Deadline::never());
  Upgraded upgraded{std::move(stream), std::move(answer->early)};
  co_return std::move(upgraded);
}

Client::Client(std::shared_ptr<State> state) : state_(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Client> Client::create(asio::any_io_executor executor, net::Trust trust,
                              ClientOptions options) {
  HOOP_TRY(auto tls, net::TlsClient::create(std::move(trust)));
  return Client(std::make_shared<State>(executor, std::move(tls), std::move(options)));
}

Task<Response> Client::send(std::string method, Url url, Headers headers, std::string body,
                            Deadline deadline) {
  const auto state = state_;
  const auto context = context_of(method, url);
  HOOP_CO_CHECK(state->allows(url, context));
  state->set_own_fields(headers, url);
  headers.remove("connection");
  Request request{std::move(method), url.target, std::move(headers), std::move(body)};
  auto answer = co_await state->send(std::move(request), url, deadline);
  if (!answer) co_return std::unexpected(std::move(answer).error().within(context));
  HOOP_CO_CHECK(follow_nowhere(*answer, context));
  co_return std::move(*answer);
}

Task<Client::UpgradeAnswer> Client::upgrade(Url url, std::string protocol, UpgradeHeaders headers,
                                            Deadline deadline) {
  const auto state = state_;
  const auto context = context_of("GET", url);
  HOOP_CO_CHECK(state->allows(url, context));
  auto answer = co_await state->upgrade(url, std::move(protocol), std::move(headers), deadline);
  if (!answer) co_return std::unexpected(std::move(answer).error().within(context));
  if (const auto* response = std::get_if<Response>(&*answer))
    HOOP_CO_CHECK(follow_nowhere(*response, context));
  co_return std::move(*answer);
}

void Client::close() { state_->idle.clear(); }

}  // namespace hoop::http
