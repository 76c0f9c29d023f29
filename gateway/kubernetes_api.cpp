// SPDX-License-Identifier: Apache-2.0
#include "gateway/kubernetes_api.h"

#include <exception>
#include <optional>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/http/client_exchange.h"
#include "core/http/url.h"
#include "core/net/tls.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kApiPatience{10};
constexpr std::uint64_t kMostApiBytes = 4U << 20;  // a page of 500 objects' metadata
constexpr identity::JsonCaps kApiCaps{kMostApiBytes, 32, 200'000};
constexpr std::size_t kMostApiRemoteBytes = 300;

/// Runs one step to its end. A connection that stays is left waiting.
template <class T>
Result<T> run_step(asio::io_context& context, Task<T> task) {
  std::optional<Result<T>> answer;
  std::exception_ptr thrown;
  const auto work = [](Task<T> of, std::optional<Result<T>>& into) -> asio::awaitable<void> {
    into.emplace(co_await std::move(of));
  };
  asio::co_spawn(context, work(std::move(task), answer), [&](std::exception_ptr error) {
    thrown = error;
    context.stop();
  });
  context.restart();
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  HOOP_ASSERT(answer.has_value());
  return std::move(*answer);
}

http::Url url_of(const access::Target& target) {
  return {"https", target.host, target.port, target.base_path};
}

Task<net::StreamPtr> connect_to_api(const ApiServer& server, Deadline deadline) {
  const access::Target& at = server.target;
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  const bool is_led = server.by_port != 0;
  std::string host = is_led ? std::string("127.0.0.1") : at.host;
  const std::uint16_t port = is_led ? server.by_port : at.port;
  HOOP_CO_TRY(auto stream, co_await net::connect_tcp(executor, std::move(host), port, deadline));
  net::Trust trust;
  trust.ca_pem = at.tls_ca_pem;
  if (at.tls == access::TlsMode::verify_ca) trust.names = net::Trust::Names::ignore;
  HOOP_CO_TRY(const auto tls, net::TlsClient::create(std::move(trust)));
  const std::string name = at.tls_server_name.empty() ? at.host : at.tls_server_name;
  co_return co_await tls.handshake(std::move(stream), name, "http/1.1", deadline);
}

Result<SecretText> head_of(const ApiRequest& asked, const ApiServer& server) {
  const http::Url url = url_of(server.target);
  http::Request request{asked.method, url.target + asked.path, {{"Host", url.authority()}}, ""};
  request.headers.add("User-Agent", "hoopctl/" HOOPCTL_VERSION);
  request.headers.add("Accept", std::string(asked.accept));
  if (!asked.body.empty()) request.headers.add("Content-Type", "application/json");
  for (const auto& field : server.credential.headers)
    request.headers.add(field.name, std::string(field.value.reveal()));
  http::Framing framing;
  if (!asked.body.empty() || asked.method == "POST")
    framing = {http::Framing::Kind::length, asked.body.size()};
  HOOP_TRY(std::string head, http::write_request_head(request, framing));
  return SecretText(std::move(head));
}

Task<http::Exchange> exchange_over(net::Stream& stream, const ApiRequest& request,
                                   const ApiServer& server, Deadline deadline) {
  HOOP_CO_TRY(const SecretText head, head_of(request, server));
  stream.set_deadline(deadline);
  auto answer =
      co_await http::exchange(stream, request.method, head.reveal(), request.body, kMostApiBytes);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  co_return std::move(*answer);
}

/// What a Status says, or nothing.
std::string message_in(const identity::Json& body) {
  const std::string* said = body.text("message");
  return said == nullptr ? std::string() : neutralise(*said, kMostApiRemoteBytes, Lines::escape);
}

}  // namespace

struct KubernetesApi::State {
  ApiServerFor server_for;
  const Clock& clock;
  asio::io_context context = asio::io_context(1);
  ApiServer server = {};
  net::StreamPtr stream = nullptr;  // on context
};

KubernetesApi::KubernetesApi(ApiServerFor server_for, const Clock& clock)
    : state_(new State{std::move(server_for), clock}) {}
KubernetesApi::~KubernetesApi() = default;
KubernetesApi::KubernetesApi(KubernetesApi&&) noexcept = default;
KubernetesApi& KubernetesApi::operator=(KubernetesApi&&) noexcept = default;

Result<void> KubernetesApi::open() {
  State& s = *state_;
  if (s.stream) return {};
  HOOP_TRY(s.server, s.server_for());
  HOOP_TRY(s.stream,
           run_step(s.context, connect_to_api(s.server, Deadline::after(s.clock, kApiPatience))));
  return {};
}

Result<ApiAnswer> KubernetesApi::ask(const ApiRequest& request) {
  HOOP_CHECK(open());
  State& s = *state_;
  auto answer = run_step(s.context, exchange_over(*s.stream, request, s.server,
                                                  Deadline::after(s.clock, kApiPatience)));
  if (!answer || !answer->reusable) s.stream.reset();
  if (!answer) return std::unexpected(std::move(answer).error().within("ask the API server"));
  ApiAnswer out;
  out.status = answer->response.status;
  // It may hold a token: wiped when it has been read.
  const SecretText text(std::move(answer->response.body));
  if (auto body = identity::parse_json(text.reveal(), kApiCaps)) out.body = std::move(*body);
  return out;
}

Result<identity::Json> expect_success(ApiAnswer answer, std::string_view what) {
  if (answer.status / 100 == 2) return std::move(answer.body);
  Error error{ErrorCode::upstream_refused,
              fmt::format("{}: the API server answers {}", what, answer.status),
              "its own log says why", message_in(answer.body)};
  if (answer.status == 401) {
    error.message =
        fmt::format("{}: the API server does not take the gateway's credential (401)", what);
    error.hint = "'credential' of the target: is the token still good?";
  } else if (answer.status == 403) {
    error.message = fmt::format("{}: the gateway may not (403)", what);
    error.hint = "what its account needs is in hoopctl-gateway(8), CLUSTERS";
  } else if (answer.status == 404) {
    error.code = ErrorCode::not_found;
    error.message = fmt::format("{}: it is not there (404)", what);
  } else if (answer.status == 429 || answer.status >= 500) {
    error.code = ErrorCode::upstream_unreachable;
  }
  return std::unexpected(std::move(error));
}

}  // namespace hoop::gateway
