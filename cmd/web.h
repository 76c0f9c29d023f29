// SPDX-License-Identifier: Apache-2.0
// HTTPS as the commands speak it: with one trust, and errors that say what to do next.
#pragma once

#include <memory>
#include <string>

#include "cmd/environment.h"
#include "core/http/client.h"

namespace hoop::cmd {

inline constexpr auto kRequestTime = std::chrono::seconds(15);  // one request and its answer

/// HTTPS with one trust; certificate errors become config (exit status 78) with a hint about login.
class Web {
 public:
  static Result<std::unique_ptr<Web>> open(const Environment& environment,
                                           asio::any_io_executor executor, net::Trust trust,
                                           std::uint64_t max_body = 8U << 20);
  Task<http::Response> send(std::string method, std::string url, http::Headers headers,
                            std::string body, std::chrono::milliseconds patience = kRequestTime);
  Task<http::Client::UpgradeAnswer> upgrade(std::string url, std::string protocol,
                                            http::Client::UpgradeHeaders headers,
                                            std::chrono::milliseconds patience);
  /// 200 or an error that names the URL.
  Task<std::string> get(std::string url);
  void close() { client_.close(); }

 private:
  Web(http::Client client, const Clock& clock) : client_(std::move(client)), clock_(clock) {}
  http::Client client_;
  const Clock& clock_;
};

/// HTTPS through the proxy that the environment names. Fails with config.
Result<http::ClientOptions> client_options(const Environment& environment);

}  // namespace hoop::cmd
