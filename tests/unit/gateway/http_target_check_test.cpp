// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_target_check.h"

#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/http_fixture.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

/// A service that wants a key, and what a check of it tells.
struct CheckedService {
  explicit CheckedService(test::Transport transport, int status = 200)
      : fixture(transport,
                [this, status](http::Request request,
                               http::ConnectionInfo) -> asio::awaitable<http::Response> {
                  asked.push_back(request.method + " " + request.target);
                  const auto key = request.headers.only("x-api-key");
                  co_return http::json_response(key == "key-1" ? status : 401, "{}");
                }) {
    config.layout.directory = dir.path();
    write_key("key-1");
    const http::Url at = fixture.url("/api");
    target.target.name = "billing-api";
    target.target.protocol = "http";
    target.target.host = "127.0.0.1";
    target.target.port = at.port;
    target.target.base_path = "/api";
    target.target.tls_server_name = "localhost";
    target.target.tls_ca_pem = test::http_pki().ca_pem;
    if (transport == test::Transport::plain) target.target.tls = access::TlsMode::disable;
    target.secrets = {{SecretPlace::header, "X-Api-Key", "file:key"}};
  }
  void write_key(const std::string& key) {
    std::ofstream(dir / "key") << key << "\n";
    ::chmod((dir / "key").c_str(), 0600);
  }

  /// "step: words", each.
  std::vector<std::string> check() {
    std::vector<std::string> told;
    fixture.run([&]() -> asio::awaitable<void> {
      // The check blocks, and the service runs here.
      std::atomic<bool> done = false;
      std::thread other([&] {
        check_target(config, target, clock, random,
                     [&](std::string_view step, const Result<std::string>& found) {
                       told.push_back(std::string(step) + ": " +
                                      (found ? *found : "! " + found.error().message));
                     });
        done = true;
      });
      while (!done) co_await test::pause(std::chrono::milliseconds(5));
      other.join();
    });
    return told;
  }

  std::vector<std::string> asked;
  test::TempDir dir;
  test::HttpFixture fixture;
  GatewayConfig config;
  ConfiguredTarget target;
  SystemClock clock;
  crypto::SystemRandom random;
};

using Told = std::vector<std::string>;

std::string origin_of(const CheckedService& service, const char* scheme) {
  return std::string(scheme) + "127.0.0.1:" + std::to_string(service.target.target.port);
}

}  // namespace

TEST_CASE("http check: the secret, the certificate and the answer") {
  CheckedService service(test::Transport::tls);
  CHECK(service.check() == Told{"secret: the credential's secrets are there",
                                "connection: " + origin_of(service, "https://") +
                                    " shows a certificate that is trusted",
                                "answer: HEAD /api is answered 200 OK"});
  CHECK(service.asked == Told{"HEAD /api"});
}

TEST_CASE("http check: a secret in the URL is encoded") {
  CheckedService service(test::Transport::plain);
  service.write_key("a b&c");
  service.target.target.base_path = "";
  service.target.secrets = {{SecretPlace::parameter, "api_key", "file:key"}};
  const Told told = service.check();
  REQUIRE(told.size() == 3);
  CHECK(told[1].ends_with("is there, and nothing is encrypted"));
  CHECK(service.asked == Told{"HEAD /?api_key=a%20b%26c"});
}

TEST_CASE("http check: a credential that is refused, or missing, is a finding") {
  CheckedService refused(test::Transport::plain);
  refused.write_key("hunter2");
  const Told told = refused.check();
  REQUIRE(told.size() == 3);
  CHECK(told[2] == "answer: ! the target refuses the credential (401)");
  for (const std::string& line : told) CHECK(line.find("hunter2") == std::string::npos);

  CheckedService forbidden(test::Transport::plain, 403);
  CHECK(forbidden.check().back() == "answer: ! the target refuses the credential (403)");

  CheckedService missing(test::Transport::plain);
  missing.target.secrets.clear();
  const Told bare = missing.check();
  CHECK(bare.front() == "secret: none is configured");
  CHECK(bare.back() == "answer: ! the target wants a credential (401)");

  CheckedService broken(test::Transport::plain, 503);
  CHECK(broken.check().back() == "answer: ! the target answers 503");
  CheckedService headless(test::Transport::plain, 501);
  CHECK(headless.check().back().starts_with("answer: HEAD /api is answered 501"));
}

TEST_CASE("http check: where the secret is missing, nothing is asked") {
  CheckedService service(test::Transport::plain);
  service.target.secrets.front().value = "file:nothing";
  const Told told = service.check();
  REQUIRE(told.size() == 1);
  CHECK(told[0].starts_with("secret: ! cannot read secret file"));
  CHECK(service.asked.empty());
}

TEST_CASE("http check: a certificate for another name is a finding, unless names are no matter") {
  CheckedService strict(test::Transport::tls);
  strict.target.target.tls_server_name = "billing.internal";
  const Told told = strict.check();
  REQUIRE(told.size() == 2);
  CHECK(told[1].starts_with("connection: ! "));
  CHECK(strict.asked.empty());

  CheckedService loose(test::Transport::tls);
  loose.target.target.tls_server_name = "billing.internal";
  loose.target.target.tls = access::TlsMode::verify_ca;
  CHECK(loose.check().size() == 3);
}

TEST_CASE("http check: of a service behind an agent only the secret is looked at") {
  CheckedService service(test::Transport::tls);
  service.target.via = Via::agent;
  CHECK(service.check() == Told{"secret: the credential's secrets are there"});
  CHECK(service.asked.empty());
}
