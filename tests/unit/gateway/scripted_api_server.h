// SPDX-License-Identifier: Apache-2.0
// An API server that knows Secrets of one namespace, tokens of one service account, and who one is.
#pragma once

#include <atomic>
#include <map>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/http/form.h"
#include "gateway/kubernetes_api.h"
#include "tests/support/http_fixture.h"

namespace hoop::gateway {

class ScriptedApiServer {
 public:
  using Json = nlohmann::json;

  ScriptedApiServer()
      : fixture_(test::Transport::tls,
                 [this](http::Request request,
                        http::ConnectionInfo connection) -> asio::awaitable<http::Response> {
                   connections = std::max(connections, connection.connection);
                   co_return answer(request);
                 }) {}

  /// Runs what blocks in a thread of its own, while the server answers here.
  void run(const std::function<void()>& blocking) {
    fixture_.run([&]() -> asio::awaitable<void> {
      std::atomic<bool> done = false;
      std::thread other([&] {
        blocking();
        done = true;
      });
      while (!done) co_await test::pause(std::chrono::milliseconds(2));
      other.join();
    });
  }
  access::Target target() const {
    access::Target out;
    out.name = "k8s-prod";
    out.protocol = "kubernetes";
    out.host = "127.0.0.1";
    out.port = fixture_.url("/").port;
    out.base_path = "/base";
    out.tls_server_name = "localhost";
    out.tls_ca_pem = test::http_pki().ca_pem;
    return out;
  }
  ApiServerFor server() const {
    return [this]() -> Result<ApiServer> {
      ApiServer out;
      out.target = target();
      out.credential.headers.push_back({"Authorization", SecretText("Bearer " + gateway_token)});
      return out;
    };
  }

  struct Secret {
    std::string gateway, uid;
    Json whole;
  };
  std::map<std::string, Secret> secrets;
  std::string gateway_token = "gateway-token";
  std::map<std::string, int> refusals;   // "POST secrets" and the like: the status
  std::int64_t longest_token = 1 << 30;  // seconds
  bool knows_reviews = true;
  bool answers_odd = false;
  std::size_t page = 500;
  std::vector<std::string> asked;
  std::vector<Json> bodies;  // of POST
  std::string accepted;      // of the last list
  std::uint64_t connections = 0;

 private:
  static http::Response status(int code, const std::string& message) {
    return http::json_response(
        code, Json{{"kind", "Status"}, {"message", message}, {"code", code}}.dump());
  }
  std::string user_of(const http::Request& request) const {
    const std::string token(request.headers.only("authorization").value_or(""));
    if (token == "Bearer " + gateway_token)
      return std::string(request.headers.only("impersonate-user").value_or("gateway"));
    for (const auto& [name, secret] : secrets)
      if (token == "Bearer token-of-" + secret.uid) return "system:serviceaccount:hoopctl:dev";
    return {};
  }

  http::Response answer(const http::Request& request) {
    constexpr std::string_view kBase = "/base";
    const std::string path(request.path());
    REQUIRE(path.starts_with(kBase));
    const std::string at = path.substr(kBase.size());
    asked.push_back(request.method + " " + at);
    if (request.method == "POST") bodies.push_back(Json::parse(request.body));
    const std::string user = user_of(request);
    if (user.empty()) return status(401, "Unauthorized");
    const std::string act = request.method + " " + at.substr(at.rfind('/') + 1);
    if (refusals.contains(act)) return status(refusals[act], "hunter2 says no");
    if (answers_odd) return http::json_response(200, "[]");
    if (at == "/version") return http::json_response(200, R"({"gitVersion":"v1.34.4"})");
    if (at == "/apis") return http::json_response(200, R"({"kind":"APIGroupList"})");
    if (at == "/apis/authentication.k8s.io/v1/selfsubjectreviews") return review(user);
    if (at == "/api/v1/namespaces/hoopctl/serviceaccounts/dev/token") return token();
    if (at == kSecrets && request.method == "POST") return make(request);
    if (at == kSecrets) return list(request);
    const std::string prefix = std::string(kSecrets) + "/";
    if (request.method == "DELETE" && at.starts_with(prefix) &&
        secrets.erase(at.substr(prefix.size())) == 1)
      return http::json_response(200, R"({"kind":"Status","status":"Success"})");
    return status(404, "not found");
  }
  http::Response review(const std::string& user) const {
    if (!knows_reviews) return status(404, "the server could not find the requested resource");
    return http::json_response(201, Json{{"status", {{"userInfo", {{"username", user}}}}}}.dump());
  }
  http::Response token() {
    const Json& spec = bodies.back()["spec"];
    const std::int64_t wanted = spec["expirationSeconds"];
    const std::string uid = spec["boundObjectRef"]["uid"];
    return http::json_response(
        201, Json{{"spec", {{"expirationSeconds", std::min(wanted, longest_token)}}},
                  {"status", {{"token", "token-of-" + uid}}}}
                 .dump());
  }
  http::Response make(const http::Request&) {
    const Json& made = bodies.back();
    const std::string name = made["metadata"]["name"];
    if (secrets.contains(name)) return status(409, "already exists");
    const std::string uid = "uid-" + std::to_string(++made_);
    secrets[name] = {made["metadata"]["labels"]["hoopctl/gateway"], uid, made};
    Json out = made;
    out["metadata"]["uid"] = uid;
    return http::json_response(201, out.dump());
  }
  http::Response list(const http::Request& request) {
    accepted = request.headers.only("accept").value_or("");
    const auto form = http::Form::parse(request.query());
    REQUIRE(form);
    const std::string selector(form->find("labelSelector").value_or(""));
    const std::string field(form->find("fieldSelector").value_or(""));
    const std::string from(form->find("continue").value_or(""));
    Json items = Json::array();
    std::string rest;
    for (const auto& [name, secret] : secrets) {
      if (selector != "app.kubernetes.io/managed-by=hoopctl,hoopctl/gateway=" + secret.gateway)
        continue;
      if (name < from || (!field.empty() && field != "metadata.name=" + name)) continue;
      if (items.size() == page) {
        rest = name;
        break;
      }
      items.push_back({{"metadata", {{"name", name}}}});
    }
    return http::json_response(200,
                               Json{{"metadata", {{"continue", rest}}}, {"items", items}}.dump());
  }

  static constexpr std::string_view kSecrets = "/api/v1/namespaces/hoopctl/secrets";
  int made_ = 0;
  mutable test::HttpFixture fixture_;
};

}  // namespace hoop::gateway
