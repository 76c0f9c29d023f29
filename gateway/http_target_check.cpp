// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_target_check.h"

#include <exception>

#include <fmt/format.h>

#include "core/http/client_exchange.h"
#include "core/http/form.h"
#include "core/http/url.h"
#include "core/net/tls.h"
#include "gateway/issuers/http_secret.h"
#include "gateway/secret_reference.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kAnswerPatience{10};
constexpr std::uint64_t kMostAnswerBytes = 64U << 10;  // HEAD has none; some servers send one

class HttpTargetCheck {
 public:
  HttpTargetCheck(const GatewayConfig& config, const ConfiguredTarget& target, const Clock& clock,
                  const TargetReport& report)
      : config_(config), target_(target), clock_(clock), report_(report) {}

  void run();

 private:
  Result<std::string> secret();
  asio::awaitable<void> ask();
  Task<net::StreamPtr> connect();
  Task<int> status(net::StreamPtr stream);
  Result<SecretText> request_head() const;
  Result<std::string> judged(int status) const;
  http::Url url() const;
  Deadline deadline() const { return Deadline::after(clock_, kAnswerPatience); }

  const GatewayConfig& config_;
  const ConfiguredTarget& target_;
  const Clock& clock_;
  const TargetReport& report_;
  access::HttpCredential credential_;
};

Result<std::string> HttpTargetCheck::secret() {
  if (target_.secrets.empty()) return std::string("none is configured");
  HOOP_TRY(credential_, read_http_secrets(target_.secrets, [this](const std::string& reference) {
             return resolve_secret(reference, config_.layout.directory);
           }));
  return std::string("the credential's secrets are there");
}

http::Url HttpTargetCheck::url() const {
  const access::Target& at = target_.target;
  return {at.tls == access::TlsMode::disable ? "http" : "https", at.host, at.port,
          at.base_path.empty() ? "/" : at.base_path};
}

Task<net::StreamPtr> HttpTargetCheck::connect() {
  const access::Target& at = target_.target;
  asio::any_io_executor executor = co_await asio::this_coro::executor;
  HOOP_CO_TRY(auto stream, co_await net::connect_tcp(executor, at.host, at.port, deadline()));
  if (at.tls == access::TlsMode::disable) co_return std::move(stream);
  net::Trust trust;
  trust.ca_pem = at.tls_ca_pem;
  if (at.tls == access::TlsMode::verify_ca) trust.names = net::Trust::Names::ignore;
  HOOP_CO_TRY(const auto tls, net::TlsClient::create(std::move(trust)));
  const std::string name = at.tls_server_name.empty() ? at.host : at.tls_server_name;
  co_return co_await tls.handshake(std::move(stream), name, "http/1.1", deadline());
}

Result<SecretText> HttpTargetCheck::request_head() const {
  const http::Url at = url();
  http::Request request{"HEAD", at.target, {{"Host", at.authority()}}, ""};
  request.headers.add("User-Agent", "hoopctl/" HOOPCTL_VERSION);
  request.headers.add("Accept", "*/*");
  for (const auto& field : credential_.headers)
    request.headers.set(field.name, field.value.reveal());
  for (const auto& field : credential_.query) {
    request.target += &field == &credential_.query.front() ? '?' : '&';
    request.target += http::percent_encode(field.name) + '=';
    request.target += http::percent_encode(field.value.reveal());
  }
  HOOP_TRY(std::string head, http::write_request_head(request, http::Framing()));
  return SecretText(std::move(head));
}

Task<int> HttpTargetCheck::status(net::StreamPtr stream) {
  HOOP_CO_TRY(const SecretText head, request_head());
  stream->set_deadline(deadline());
  auto answer = co_await http::exchange(*stream, "HEAD", head.reveal(), "", kMostAnswerBytes);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  co_return answer->response.status;
}

Result<std::string> HttpTargetCheck::judged(int status) const {
  if (status == 401 || status == 403)
    return fail(ErrorCode::upstream_refused,
                fmt::format(fmt::runtime(target_.secrets.empty()
                                             ? "the target wants a credential ({})"
                                             : "the target refuses the credential ({})"),
                            status),
                "'credential' in hoopctl-gateway(8); is it good for the base path?");
  // Whether it has HEAD is no matter.
  if (status >= 500 && status != 501)
    return fail(ErrorCode::upstream_refused, fmt::format("the target answers {}", status),
                "its own log says why");
  return fmt::format("HEAD {} is answered {} {}", url().target, status,
                     http::reason_phrase(status));
}

asio::awaitable<void> HttpTargetCheck::ask() {
  auto stream = co_await connect();
  if (!stream) {
    report_("connection", std::unexpected(std::move(stream).error()));
    co_return;
  }
  const bool plain = target_.target.tls == access::TlsMode::disable;
  report_("connection", fmt::format(fmt::runtime(plain ? "{} is there, and nothing is encrypted"
                                                       : "{} shows a certificate that is trusted"),
                                    url().origin()));
  const auto answered = co_await status(std::move(*stream));
  report_("answer",
          answered ? judged(*answered) : Result<std::string>(std::unexpected(answered.error())));
}

void HttpTargetCheck::run() {
  const Result<std::string> found = secret();
  report_("secret", found);
  if (!found || target_.via == Via::agent) return;
  asio::io_context context;
  std::exception_ptr thrown;
  asio::co_spawn(context, ask(), [&](std::exception_ptr error) { thrown = error; });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace

void check_http_target(const GatewayConfig& config, const ConfiguredTarget& target,
                       const Clock& clock, const TargetReport& report) {
  HttpTargetCheck(config, target, clock, report).run();
}

}  // namespace hoop::gateway
