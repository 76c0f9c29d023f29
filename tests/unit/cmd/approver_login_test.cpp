// SPDX-License-Identifier: Apache-2.0
#include "cmd/approver_login.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "cmd/issuer_client.h"
#include "cmd/run.h"
#include "core/crypto/digest.h"
#include "core/http/form.h"
#include "core/identity/jwt.h"
#include "gateway/idp/user_store.h"
#include "gateway/init.h"
#include "gateway/server.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace hoop::cmd {
namespace {

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// What stands behind mark, up to the next quote.
std::string quoted_behind(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  if (at == text.npos) return {};
  const std::size_t start = at + mark.size();
  return text.substr(start, text.find('"', start) - start);
}

/// Somebody who is logged in, and whose console is a file.
struct Approver {
  test::TempDir dir;
  SystemClock clock;
  crypto::SystemRandom random;
  asio::io_context context;
  std::string said = dir / "said";
  Environment environment{clock, random, {{"XDG_STATE_HOME", dir / "state"}}, {}};
  int console = ::open(said.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

  Approver() {
    REQUIRE(console >= 0);
    ConsoleSettings settings;
    settings.err = console;
    settings.messages = Form::json;
    environment.console.configure(settings);
  }
  ~Approver() { ::close(console); }

  identity::TokenStore store() {
    return identity::TokenStore::open(environment.state_folder().value()).value();
  }
  Result<Presented> sign_in(const std::string& url) {
    return run(context, sign_in_to_approve(environment, context.get_executor(), url));
  }
};

constexpr const char* kNowhere = "https://localhost:1";

identity::GatewayRecord record_of(const std::string& url) {
  identity::GatewayRecord out;
  out.url = out.issuer = out.audience = url;
  out.client_id = "hoopctl";
  out.gateway = "gw_1";
  return out;
}

/// A gateway with its own identity provider, which knows alice, and a record of a login to it.
struct ApproverAtGateway : Approver {
  std::string directory = dir / "gw";
  std::unique_ptr<gateway::GatewayServer> server;
  std::optional<gateway::Database> database;
  identity::GatewayRecord record;

  ApproverAtGateway() {
    REQUIRE(gateway::init_directory({directory, {}, "127.0.0.1:0"}, random));
    std::ofstream(directory + "/conf.d/poll.toml") << "[gateway]\ndevice_poll_interval = 1\n";
    REQUIRE(::chmod((directory + "/conf.d/poll.toml").c_str(), 0600) == 0);
    auto config = gateway::load_config(directory);
    INFO((config ? "" : config.error().message));
    REQUIRE(config);
    auto made = gateway::GatewayServer::create(std::move(*config), context, clock, random,
                                               std::make_shared<NullLog>());
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    server = std::move(*made);
    REQUIRE(server->start());
    database = gateway::Database::open(gateway::Layout{directory}.database()).value();
    auto users = gateway::idp::UserStore::open(*database).value();
    REQUIRE(
        users.add_user("alice", SecretText("correct horse"), {"dba"}, random, clock.system_now()));
    record = record_of(server->base_url());
    record.ca_pem = text_of(directory + "/tls/ca.pem");
    REQUIRE(store().save_gateway(record));
  }
  ~ApproverAtGateway() {
    asio::co_spawn(context, server->stop(), [&](std::exception_ptr) { context.stop(); });
    context.restart();
    context.run();
  }

  std::int64_t rows(const std::string& table) {
    return database->find("SELECT count(*) FROM " + table).value()->integer(0);
  }

  /// Whom the gateway takes the bearer for.
  std::string whoami(const Presented& who) {
    const auto web = Web::open(environment, context.get_executor(), trust_of(record)).value();
    TokenPresenter presenter(clock, random);
    const auto answer =
        run(context, presenter.send(*web, {who.token.clone(), who.key.clone()}, "GET",
                                    record.url + "/v1/whoami", {}, {}, kRequestTime));
    return answer ? answer->body : answer.error().message;
  }

  /// As a person who does what the console says: signs in, and decides.
  Task<void> visit_page(std::string decision) {
    asio::steady_timer timer(context);
    std::string code;
    for (int i = 0; code.empty() && i < 500; ++i) {
      timer.expires_after(std::chrono::milliseconds(20));
      co_await timer.async_wait(as_result);
      code = quoted_behind(text_of(said), "\"user_code\":\"");
    }
    HOOP_CO_TRY(const std::unique_ptr<Web> web,
                Web::open(environment, context.get_executor(), trust_of(record)));
    http::Headers headers;
    HOOP_CO_TRY(http::Response page,
                co_await web->send("GET", record.url + "/device?user_code=" + code, headers,
                                   std::string()));
    for (const char* step : {"sign_in", "decide"}) {
      http::Form form;
      form.add("step", step);
      form.add("csrf", quoted_behind(page.body, "name=\"csrf\" value=\""));
      form.add("user_code", code);
      form.add("username", "alice");
      form.add("password", "correct horse");
      form.add("decision", decision);
      const std::string cookie(page.headers.find("set-cookie").value_or(""));
      headers.set("Cookie", cookie.substr(0, cookie.find(';')));
      headers.set("Content-Type", "application/x-www-form-urlencoded");
      HOOP_CO_TRY(page, co_await web->send("POST", record.url + "/device", headers, form.encode()));
    }
    co_return Result<void>{};
  }
  Result<Presented> sign_in_deciding(const std::string& decision) {
    asio::co_spawn(context, visit_page(decision),
                   [](std::exception_ptr, Result<void> done) { CHECK(done); });
    return sign_in(record.url);
  }
};

}  // namespace

TEST_CASE("for deciding, an issuer is asked for the scope and a sign-in of now, and no more") {
  identity::GatewayRecord gateway = record_of(kNowhere);
  // The gateway's own provider.
  CHECK(approving_parameters(gateway) == identity::RequestParameters{{"scope", "approve"}});
  gateway.login_parameters = {{"resource", "https://gw"}, {"scope", "openid offline_access"}};
  CHECK(approving_parameters(gateway) == identity::RequestParameters{{"max_age", "1"},
                                                                     {"resource", "https://gw"},
                                                                     {"scope", "openid approve"}});
  gateway.approving_scope = "hoop:approve";
  gateway.login_parameters = {{"max_age", "86400"}, {"scope", " offline_access  openid email "}};
  CHECK(approving_parameters(gateway) ==
        identity::RequestParameters{{"max_age", "1"}, {"scope", "openid email hoop:approve"}});
  // What is no OpenID Connect has no max_age.
  gateway.login_parameters = {{"audience", "gw"}, {"scope", "offline_access_too openid2"}};
  CHECK(approving_parameters(gateway) ==
        identity::RequestParameters{{"audience", "gw"},
                                    {"scope", "offline_access_too openid2 hoop:approve"}});
}

TEST_CASE("nobody signs in to approve from an agent, by a given token, or without a login") {
  Approver approver;
  const auto code_of = [&approver] { return approver.sign_in(kNowhere).error().code; };
  CHECK(code_of() == ErrorCode::unauthenticated);
  identity::GatewayRecord record = record_of(kNowhere);
  REQUIRE(approver.store().save_gateway(record));
  SECTION("a person gets as far as the network") {
    CHECK(code_of() == ErrorCode::upstream_unreachable);
  }
  SECTION("an agent, whatever else it has") {
    approver.environment.variables["CLAUDECODE"] = "1";
    approver.environment.token = SecretText("a.b.c");
    const auto refused = approver.sign_in(kNowhere);
    CHECK(refused.error().code == ErrorCode::denied);
    CHECK(refused.error().hint == "run this outside the agent");
  }
  SECTION("HOOPCTL_TOKEN") {
    approver.environment.token = SecretText("a.b.c");
    CHECK(code_of() == ErrorCode::usage);
  }
  SECTION("HOOPCTL_TOKEN_FILE") {
    approver.environment.settings.token_file = "/run/token";
    CHECK(code_of() == ErrorCode::usage);
  }
  SECTION("a login by a file, a secret or a key") {
    using Kind = identity::LoginMethod::Kind;
    for (const Kind kind : {Kind::token_file, Kind::client_secret, Kind::client_key}) {
      record.login.kind = kind;
      REQUIRE(approver.store().save_gateway(record));
      CHECK(code_of() == ErrorCode::usage);
    }
  }
  CHECK(text_of(approver.said).empty());
}

TEST_CASE("signing in to approve gives a token of now for deciding alone, and leaves nothing") {
  ApproverAtGateway approver;
  for (const bool again : {false, true}) {
    CAPTURE(again);
    REQUIRE(::truncate(approver.said.c_str(), 0) == 0);
    const auto who = approver.sign_in_deciding("approve");
    INFO((who ? "" : who.error().message));
    REQUIRE(who);
    CHECK_FALSE(who->key.empty());
    const std::string said = text_of(approver.said);
    CHECK(quoted_behind(said, "\"status\":\"") == "approval_sign_in");
    const std::string page = approver.record.url + "/device";
    CHECK(quoted_behind(said, "\"verification_uri\":\"") == page);
    const std::string code = quoted_behind(said, "\"user_code\":\"");
    CHECK(quoted_behind(said, "\"verification_uri_complete\":\"") == page + "?user_code=" + code);
    CHECK(quoted_behind(said, "\"message\":\"") ==
          "to decide, sign in at " + page + "?user_code=" + code + " and confirm the code " + code);
    const auto claims = identity::parse_jws(who->token.reveal())->claims;
    CHECK(*claims.text("sub") == "alice");
    CHECK(*claims.text("scope") == "approve");
    CHECK(claims.find("cnf") != nullptr);
    const std::int64_t now =
        std::chrono::floor<std::chrono::seconds>(approver.clock.system_now().time_since_epoch())
            .count();
    REQUIRE(claims.find("auth_time") != nullptr);
    CHECK(now - *claims.find("auth_time")->integer() < 30);
    CHECK(*claims.find("exp")->integer() - *claims.find("iat")->integer() == 300);
    CHECK(approver.whoami(*who).find("\"alice\"") != std::string::npos);
  }
  CHECK(approver.rows("idp_logins") == 0);
  CHECK(approver.rows("idp_device_requests") == 0);
  CHECK_FALSE(approver.store().load_tokens(approver.record.url).value());
  CHECK(approver.store().load_gateway(approver.record.url).value() == approver.record);
}

TEST_CASE("who denies the sign-in on the page decides nothing") {
  ApproverAtGateway approver;
  const auto who = approver.sign_in_deciding("deny");
  REQUIRE_FALSE(who);
  CHECK(who.error().code == ErrorCode::denied);
  CHECK(who.error().hint == "run the command again");
}

}  // namespace hoop::cmd
