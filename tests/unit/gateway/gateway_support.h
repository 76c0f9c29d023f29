// SPDX-License-Identifier: Apache-2.0
// A whole gateway in process, made by init, with a real PostgreSQL behind it.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/access/grant.h"
#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/http/client.h"
#include "core/identity/jwt.h"
#include "core/net/tls.h"
#include "gateway/init.h"
#include "gateway/server.h"
#include "tests/support/catch.h"
#include "tests/support/postgres_server.h"
#include "tests/support/temp_dir.h"

namespace hoop::gateway::test_support {

using Json = nlohmann::json;

/// Of the server below, which speaks TLS to who wants it.
inline const net::GeneratedPki& gateway_postgres_pki() {
  static const net::GeneratedPki one = net::generate_pki("database", {"db.internal"});
  return one;
}

/// One server for the program: sessions have roles of their own.
inline test::PostgresServer& gateway_postgres() {
  static const std::unique_ptr<test::PostgresServer> one = [] {
    test::PostgresServer::Options options;
    options.certificate_pem = gateway_postgres_pki().server_pem;
    options.key_pem = gateway_postgres_pki().server_key_pem.reveal();
    auto made = std::make_unique<test::PostgresServer>(options);
    made->sql(
        "CREATE ROLE hoop_admin LOGIN CREATEROLE PASSWORD 'admin password'; GRANT "
        "pg_signal_backend TO hoop_admin;"
        "CREATE ROLE app; GRANT app TO hoop_admin WITH ADMIN OPTION; CREATE ROLE boss SUPERUSER;"
        "CREATE TABLE people (name text, email text); GRANT SELECT ON people TO app;"
        "INSERT INTO people VALUES ('Ann', 'ann@example.com')");
    return made;
  }();
  return *one;
}

inline std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

inline void write_private(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  ::chmod(path.c_str(), 0600);
}

/// Targets: pg-a works, pg-down has no server, pg-boss maps to a superuser, secret is nobody's.
/// On the gateway path: pg-far, with a masked column, and pg-calm, without masks.
struct Gateway {
  test::PostgresServer& postgres = gateway_postgres();
  test::TempDir dir;
  SystemClock clock;
  crypto::SystemRandom random;
  asio::io_context context;
  std::string directory = dir / "gw";
  std::unique_ptr<GatewayServer> server;
  std::optional<http::Client> client;
  std::string id;

  /// far_ttl: how long a session on pg-far may last. prepare runs before the gateway starts.
  explicit Gateway(const std::string& far_ttl = "30m",
                   const std::function<void(Gateway&)>& prepare = nullptr) {
    auto report = init_directory({directory, {}, "127.0.0.1:0"}, random);
    REQUIRE(report);
    id = report->gateway_id;
    write_private(directory + "/keys/pg", "admin password\n");
    const auto target = [](const std::string& name, int port) {
      return "[[target]]\nname = \"" + name +
             "\"\nprotocol = \"postgres\"\nhost = \"127.0.0.1\"\nport = " + std::to_string(port) +
             "\ndatabases = [\"postgres\"]\ntls = \"disable\"\nadmin = { user = \"hoop_admin\", "
             "password = \"file:keys/pg\" }\n";
    };
    write_private(directory + "/conf.d/t.toml",
                  target("pg-a", postgres.port()) + target("pg-down", 1) +
                      target("pg-boss", postgres.port()) + target("secret", postgres.port()) +
                      target("pg-far", postgres.port()) + "path = \"gateway\"\n" +
                      target("pg-calm", postgres.port()));
    write_private(
        directory + "/policy.toml",
        "[[role]]\nname = \"dev\"\nmembers = [\"group:dev\"]\ntargets = [\"pg-a\", "
        "\"pg-down\"]\ndatabase_role = \"app\"\n"
        "[[role]]\nname = \"boss\"\nmembers = [\"group:dev\"]\ntargets = "
        "[\"pg-boss\"]\ndatabase_role = \"boss\"\n"
        "[[role]]\nname = \"far\"\nmembers = [\"group:dev\"]\ntargets = "
        "[\"pg-far\", \"pg-calm\"]\npath = \"gateway\"\ndatabase_role = \"app\"\nmax_ttl = \"" +
            far_ttl +
            "\"\n[[rule]]\nname = \"no-locks\"\nwhen = { protocol = \"postgres\", verb = "
            "\"lock\" }\neffect = \"deny\"\nmessage = \"locks are not for you\"\n"
            "[[rule]]\nname = \"work\"\nwhen = { protocol = \"postgres\" }\n"
            "effect = \"allow\"\n"
            "[[mask]]\nname = \"email\"\ncolumns = [\"public.people.email\"]\ntargets = "
            "[\"pg-far\"]\nwith = \"redact\"\n");
    if (prepare) prepare(*this);
    auto config = load_config(directory);
    INFO((config ? "" : config.error().message));
    REQUIRE(config);
    auto made = GatewayServer::create(std::move(*config), context, clock, random,
                                      std::make_shared<NullLog>());
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    server = std::move(*made);
    REQUIRE(server->start());
    net::Trust trust;
    trust.ca_pem = read_text(directory + "/tls/ca.pem");
    auto connected = http::Client::create(context.get_executor(), trust);
    REQUIRE(connected);
    client.emplace(std::move(*connected));
  }

  std::string token(const std::string& subject, const std::vector<std::string>& groups,
                    int life = 300) {
    const auto key = crypto::P256Key::from_pem(read_text(directory + "/keys/token.pem"));
    const auto now =
        std::chrono::duration_cast<std::chrono::seconds>(clock.system_now().time_since_epoch())
            .count();
    const Json claims = {{"iss", server->base_url()},
                         {"aud", server->base_url()},
                         {"sub", subject},
                         {"client_id", "hoopctl"},
                         {"groups", groups},
                         {"iat", now},
                         {"exp", now + life},
                         {"jti", to_hex(random.bytes(8))},
                         {"scope", "hoopctl"}};
    return identity::sign_jws(*key, "at+jwt", claims.dump());
  }

  struct Call {
    std::string method, path, token, body;
    http::Headers headers;
  };
  asio::awaitable<http::Response> send(Call call) {
    http::Headers headers = call.headers;
    if (!call.token.empty()) headers.set("Authorization", "Bearer " + call.token);
    http::Url url = *http::parse_url(server->base_url() + call.path);
    auto response = co_await client->send(call.method, url, headers, call.body,
                                          Deadline::after(clock, std::chrono::seconds(20)));
    if (!response)
      co_return http::Response{.status = 0, .headers = {}, .body = response.error().message};
    co_return std::move(*response);
  }
  /// The server's coroutines never end by themselves, so the context is run until this answer is
  /// there.
  template <class T>
  T run(asio::awaitable<T> task) {
    std::optional<T> answer;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
      thrown = error;
      answer.emplace(std::move(value));
      context.stop();
    });
    context.restart();
    context.run();
    if (thrown) std::rethrow_exception(thrown);
    REQUIRE(answer.has_value());
    return std::move(*answer);
  }
  http::Response ask(Call call) { return run(send(std::move(call))); }
  http::Response get(const std::string& path, const std::string& bearer) {
    return ask({"GET", path, bearer, "", {}});
  }
  http::Response post(const std::string& path, const std::string& bearer, const Json& body) {
    return ask({"POST", path, bearer, body.dump(), {}});
  }
  http::Response put(const std::string& session, const std::string& bearer, std::uint64_t offset,
                     const std::string& chunk, const std::string& digest_of) {
    return ask(
        {"PUT",
         "/v1/sessions/" + session + "/log",
         bearer,
         chunk,
         {{"Upload-Offset", std::to_string(offset)},
          {"Content-Digest", "sha-256=:" + to_base64(crypto::sha256(as_bytes(digest_of))) + ":"}}});
  }
  void stop() {
    asio::co_spawn(context, server->stop(), [&](std::exception_ptr) { context.stop(); });
    context.restart();
    context.run();
    client.reset();
  }
};

inline std::string code_of(const http::Response& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  return body.is_object() && body.contains("code") ? body["code"].get<std::string>()
                                                   : response.body;
}

inline Json grant_body(const crypto::Ed25519Key& key, const std::string& target) {
  return {{"target", target}, {"reason", "test"}, {"client_key", to_base64url(key.public_key())}};
}

}  // namespace hoop::gateway::test_support
