// SPDX-License-Identifier: Apache-2.0
#include "cmd/web.h"

#include <fmt/format.h>

#include "core/http/url.h"

namespace hoop::cmd {
namespace {

/// What went wrong on the way, for somebody who wants to reach a gateway.
Error on_the_way(Error error) {
  if (error.code == ErrorCode::integrity) {
    error.code = ErrorCode::config;
    if (error.message.find("certificate") == std::string::npos)
      error.message = "the gateway's certificate: " + error.message;
    std::string hint =
        "hoopctl login --gateway URL with --ca FILE or --ca-sha256 HEX, as its operator gives them";
    error.hint = error.hint.empty() ? hint : error.hint + "; " + hint;
  } else if (error.code == ErrorCode::malformed || error.code == ErrorCode::too_large ||
             error.code == ErrorCode::io) {
    error.code = ErrorCode::upstream_unreachable;
  }
  return error;
}

}  // namespace

Result<http::ClientOptions> client_options(const Environment& environment) {
  http::ClientOptions options;
  http::ProxyEnvironment proxy;
  proxy.https_proxy = environment.variable("https_proxy")
                          .value_or(environment.variable("HTTPS_PROXY").value_or(""));
  proxy.no_proxy =
      environment.variable("no_proxy").value_or(environment.variable("NO_PROXY").value_or(""));
  HOOP_TRY(options.proxy, http::Proxy::from_environment(proxy));
  return options;
}

Result<std::unique_ptr<Web>> Web::open(const Environment& environment,
                                       asio::any_io_executor executor, net::Trust trust,
                                       std::uint64_t max_body) {
  HOOP_TRY(http::ClientOptions options, client_options(environment));
  options.max_body = max_body;
  HOOP_TRY(http::Client client,
           http::Client::create(std::move(executor), std::move(trust), std::move(options)));
  return std::unique_ptr<Web>(new Web(std::move(client), environment.clock));
}

Task<http::Response> Web::send(std::string method, std::string url, http::Headers headers,
                               std::string body, std::chrono::milliseconds patience) {
  HOOP_CO_TRY(http::Url parsed, http::parse_url(url));
  if (parsed.scheme != "https")
    co_return fail(ErrorCode::config, fmt::format("'{}' is not an https:// URL", remote_text(url)));
  auto response = co_await client_.send(std::move(method), std::move(parsed), std::move(headers),
                                        std::move(body), Deadline::after(clock_, patience));
  if (!response)
    co_return std::unexpected(on_the_way(std::move(response).error()).within("gateway"));
  co_return std::move(*response);
}

Task<http::Client::UpgradeAnswer> Web::upgrade(std::string url, std::string protocol,
                                               http::Client::UpgradeHeaders headers,
                                               std::chrono::milliseconds patience) {
  HOOP_CO_TRY(http::Url parsed, http::parse_url(url));
  if (parsed.scheme != "https")
    co_return fail(ErrorCode::config, fmt::format("'{}' is not an https:// URL", remote_text(url)));
  auto answer = co_await client_.upgrade(std::move(parsed), std::move(protocol), std::move(headers),
                                         Deadline::after(clock_, patience));
  if (!answer) co_return std::unexpected(on_the_way(std::move(answer).error()).within("gateway"));
  co_return std::move(*answer);
}

Task<std::string> Web::get(std::string url) {
  http::Headers headers{{"Accept", "application/json"}};
  auto response = co_await send("GET", url, std::move(headers), std::string());
  if (!response) co_return std::unexpected(std::move(response).error());
  if (response->status != 200) {
    co_return fail(ErrorCode::upstream_refused,
                   fmt::format("'{}' answered {} {}", remote_text(url), response->status,
                               http::reason_phrase(response->status)),
                   "is this the gateway's URL?");
  }
  co_return std::move(response->body);
}

}  // namespace hoop::cmd
