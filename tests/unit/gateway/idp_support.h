// SPDX-License-Identifier: Apache-2.0
// An identity provider with one user, and the two that talk to it: a command line and a browser.
#pragma once

#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "core/http/form.h"
#include "core/identity/dpop.h"
#include "core/identity/jwk.h"
#include "core/identity/token_verifier.h"
#include "gateway/idp/identity_provider.h"
#include "gateway/idp/user_store.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_task.h"

namespace hoop::test {

constexpr const char* kPassword = "correct horse battery";

class IdpWorld {
 public:
  explicit IdpWorld(gateway::idp::Settings wanted = {}) {
    wanted.issuer = "https://gw.example:8443";
    wanted.audience = "https://gw.example:8443";
    auto users = gateway::idp::UserStore::open(database).value();
    REQUIRE(
        users.add_user("alice", SecretText(kPassword), {"dba", "ops"}, random, clock.system_now()));
    idp = gateway::idp::IdentityProvider::create(wanted, database, crypto::P256Key::generate(),
                                                 clock, random, log, proofs)
              .value();
  }

  std::optional<http::Response> send(http::Request request,
                                     const std::string& address = "192.0.2.7") {
    const http::ConnectionInfo connection{1, asio::ip::make_address(address), 4711};
    return run(context, idp->handle(std::move(request), connection));
  }
  http::Response get(const std::string& target, const std::string& cookie = {},
                     const std::string& address = "192.0.2.7") {
    http::Request request{"GET", target, {}, {}};
    if (!cookie.empty()) request.headers.add("Cookie", cookie);
    return send(std::move(request), address).value();
  }
  http::Response post(const std::string& target, std::string body, const std::string& cookie = {},
                      const std::string& address = "192.0.2.7") {
    http::Request request{
        "POST", target, {{"Content-Type", "application/x-www-form-urlencoded"}}, std::move(body)};
    if (!cookie.empty()) request.headers.add("Cookie", cookie);
    return send(std::move(request), address).value();
  }

  struct Started {
    std::string device_code;
    std::string user_code;
  };
  /// scope: a field of the form.
  Started start(const std::string& address = "192.0.2.7", const std::string& scope = {}) {
    const auto response = post("/oauth/device_authorization",
                               "client_id=hoopctl&client_host=laptop" + scope, {}, address);
    REQUIRE(response.status == 200);
    const auto json = nlohmann::json::parse(response.body);
    return {json["device_code"], json["user_code"]};
  }
  Started start_approving() { return start("192.0.2.7", "&scope=approve"); }
  /// As a client that proves key, by a clock that is off; nullptr: one without a key.
  http::Response ask_for_tokens(const std::string& form, const crypto::P256Key* key,
                                std::chrono::seconds clock_off = {}, std::string_view nonce = {}) {
    http::Request request{
        "POST",
        "/oauth/token",
        {{"Content-Type", "application/x-www-form-urlencoded"}, {"Host", "gw.example:8443"}},
        form};
    if (key != nullptr)
      request.headers.set(
          "DPoP", identity::make_proof(*key, {"POST", "https://gw.example:8443/oauth/token"}, nonce,
                                       clock.system_now() + clock_off, random));
    return send(std::move(request)).value();
  }
  http::Response poll(const std::string& device_code) {
    return post("/oauth/token",
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id="
                "hoopctl&device_code=" +
                    device_code);
  }
  http::Response refresh(const std::string& token) {
    return post("/oauth/token",
                "grant_type=refresh_token&client_id=hoopctl&refresh_token=" + token);
  }

  asio::io_context context;
  FakeClock clock;
  crypto::SystemRandom random;
  NullLog log;
  gateway::Database database = gateway::Database::open_in_memory().value();
  SecretBytes secret{Bytes(32, 9)};
  gateway::ProofChecker proofs{"https://gw.example:8443", secret, clock};
  std::unique_ptr<gateway::idp::IdentityProvider> idp;
};

/// The gateway's, of what the provider gives.
inline identity::TokenVerifier verifier_of(IdpWorld& world) {
  identity::TrustedIssuer issuer{"https://gw.example:8443",
                                 "https://gw.example:8443",
                                 world.idp->keys(),
                                 {{"hoopctl", access::IdentityKind::person}}};
  return identity::TokenVerifier({issuer}, world.clock);
}

/// The value of the hidden field of that name.
inline std::string hidden_field(const std::string& html, const std::string& name) {
  const std::string mark = "name=\"" + name + "\" value=\"";
  const std::size_t at = html.find(mark);
  if (at == html.npos) return {};
  const std::size_t start = at + mark.size();
  return html.substr(start, html.find('"', start) - start);
}

/// "name=value" of the cookie that response sets.
inline std::string cookie_of(const http::Response& response) {
  const auto field = response.headers.find("set-cookie");
  return field ? std::string(field->substr(0, field->find(';'))) : std::string();
}

inline std::string error_of(const http::Response& response) {
  return nlohmann::json::parse(response.body).value("error", "");
}

/// Walks the pages as a person does.
class Browser {
 public:
  explicit Browser(IdpWorld& world, std::string address = "198.51.100.9")
      : world_(&world), address_(std::move(address)) {}

  http::Response open(const std::string& code) {
    return keep(world_->get("/device?user_code=" + code, cookie, address_));
  }
  http::Response sign_in(const std::string& username, const std::string& password) {
    http::Form form;
    form.add("step", "sign_in");
    form.add("csrf", csrf);
    form.add("user_code", user_code);
    form.add("username", username);
    form.add("password", password);
    return keep(world_->post("/device", form.encode(), cookie, address_));
  }
  http::Response decide(const std::string& decision) {
    return keep(world_->post(
        "/device", "step=decide&csrf=" + csrf + "&user_code=" + user_code + "&decision=" + decision,
        cookie, address_));
  }

  std::string cookie;
  std::string csrf;
  std::string user_code;

 private:
  http::Response keep(http::Response response) {
    if (const std::string fresh = cookie_of(response); !fresh.empty()) cookie = fresh;
    if (const std::string fresh = hidden_field(response.body, "csrf"); !fresh.empty()) csrf = fresh;
    if (const std::string fresh = hidden_field(response.body, "user_code"); !fresh.empty())
      user_code = fresh;
    return response;
  }
  IdpWorld* world_;
  std::string address_;
};

}  // namespace hoop::test
