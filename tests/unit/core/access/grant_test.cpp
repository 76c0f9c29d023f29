// SPDX-License-Identifier: Apache-2.0
#include "core/access/grant.h"

#include <nlohmann/json.hpp>

#include "core/base/encoding.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::access;

namespace {

SystemTime moment(int seconds) { return SystemTime(std::chrono::seconds(1'795'000'000 + seconds)); }

Grant sample() {
  Grant grant;
  grant.session = "s_abcdefghijklmnopqrstuvwxyz";
  grant.gateway = "gw_1";
  grant.identity = {"alice", {"dba", "dev"}, IdentityKind::ci, moment(1), "claude-code"};
  grant.target.name = "pg-demo";
  grant.target.protocol = "postgres";
  grant.target.host = "db.example";
  grant.target.port = 5432;
  grant.target.databases = {"demo", "two"};
  grant.target.tls = TlsMode::verify_ca;
  grant.target.tls_negotiation = TlsNegotiation::direct;
  grant.target.tls_ca_pem = "-----BEGIN CERTIFICATE-----\nMII\"\\\n";
  grant.target.labels = {{"env", "demo"}};
  grant.role = "dev";
  grant.database_role = "app";
  grant.credential = PostgresCredential{"hoop_1", SecretText("p\"ss"), moment(2)};
  Role role;
  role.name = "dev";
  role.members = {"*"};
  role.targets = {"*"};
  role.renew_for = std::chrono::hours(2);
  grant.policy.roles = {role};
  grant.policy.rules = {Rule{"r", {{"verb", {"select"}}}, {}, {}, Effect::allow, {}, "m", "h"}};
  grant.policy.version = "00ff";
  grant.mask_key = SecretBytes(Bytes(32, 7));
  grant.key_id = "kid";
  grant.policy.durability = Durability::disk;
  grant.issued_at = moment(3);
  grant.expires_at = moment(4);
  grant.renewable = true;
  return grant;
}

Grant http_sample() {
  Grant grant = sample();
  grant.target.name = "billing-api";
  grant.target.protocol = "http";
  grant.target.host = "billing.internal";
  grant.target.port = 8443;
  grant.target.base_path = "/api";
  grant.target.url_variable = "BILLING_URL";
  grant.target.unmasked_types = {"image/*", "font/woff2"};
  HttpCredential credential;
  credential.headers.push_back({"Authorization", SecretText("Bearer planted-\"token")});
  credential.headers.push_back({"X-Api-Key", SecretText("planted-key")});
  credential.query.push_back({"sig", SecretText("planted-signature")});
  credential.expires_at = moment(2);
  grant.credential = std::move(credential);
  return grant;
}

}  // namespace

TEST_CASE("a grant survives its JSON form") {
  const Grant grant = sample();
  const SecretText json = grant_to_json(grant);
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->session == grant.session);
  CHECK(back->identity == grant.identity);
  CHECK(back->target == grant.target);
  CHECK(back->policy == grant.policy);
  CHECK(back->policy.durability == Durability::disk);
  CHECK(back->issued_at == grant.issued_at);
  CHECK(back->expires_at == grant.expires_at);
  CHECK(back->renewable);
  CHECK(back->mask_key.reveal() == grant.mask_key.reveal());
  REQUIRE(back->credential);
  const auto* credential = back->credential_as<PostgresCredential>();
  REQUIRE(credential != nullptr);
  CHECK(credential->username == "hoop_1");
  CHECK(credential->password.reveal() == "p\"ss");
  CHECK(credential->expires_at == moment(2));
  CHECK(back->ticket.empty());
  CHECK(grant_to_json(*back).reveal() == json.reveal());
}

TEST_CASE("a grant for a host has a certificate, its key and logins") {
  Grant grant = sample();
  grant.target.protocol = "ssh";
  grant.target.host_keys = {"SHA256:abc"};
  grant.logins = {"deploy", "app"};
  SshCredential credential;
  credential.certificate = {1, 2, 3};
  credential.key = SecretBytes(Bytes(32, 9));
  credential.expires_at = moment(2);
  grant.credential = std::move(credential);
  const SecretText json = grant_to_json(grant);
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->target.host_keys == grant.target.host_keys);
  CHECK(back->logins == grant.logins);
  const auto* read = back->credential_as<SshCredential>();
  REQUIRE(read != nullptr);
  CHECK(read->certificate == Bytes{1, 2, 3});
  CHECK(read->key.reveal() == Bytes(32, 9));
  CHECK(read->expires_at == moment(2));
  CHECK(back->credential_as<PostgresCredential>() == nullptr);
  // A key that is the gateway's own has no form.
  auto& own = std::get<SshCredential>(*grant.credential);
  own.static_key = SecretBytes(to_bytes("PRIVATE KEY"));
  CHECK(grant_to_json(grant).reveal() == json.reveal());
  std::string broken = json.reveal();
  broken.replace(broken.find("\"certificate\":\"AQID\""), 20, "\"certificate\":\"\"");
  CHECK_FALSE(grant_from_json(broken));
}

TEST_CASE("a grant lasts as long as its own two times say, whatever clock it is put on") {
  for (const auto skew : {std::chrono::minutes(-10), std::chrono::minutes(0),
                          std::chrono::minutes(10), std::chrono::minutes(60 * 24 * 365)}) {
    Grant grant = sample();
    const auto lasts = grant.expires_at - grant.issued_at;
    const SystemTime now = grant.issued_at + skew;
    REQUIRE(begin_at(grant, now));
    CHECK(grant.issued_at == now);
    CHECK(grant.expires_at == now + lasts);
    CHECK(expires_at(*grant.credential) == grant.expires_at);
  }
  Grant backwards = sample();
  std::swap(backwards.issued_at, backwards.expires_at);
  const auto refused = begin_at(backwards, moment(1));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::malformed);
}

TEST_CASE("what a client gets on the gateway path names nothing that it need not know") {
  Grant grant = sample();
  grant.path = DataPath::gateway;
  const std::string ticket(43, 'A');
  const Grant part = part_for_client(grant, SecretText(std::string(ticket)));
  const SecretText json = grant_to_json(part);
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->session == grant.session);
  CHECK(back->expires_at == grant.expires_at);
  CHECK(back->target.name == "pg-demo");
  CHECK(back->target.databases == grant.target.databases);
  CHECK(back->target.path == DataPath::gateway);
  CHECK(back->ticket.reveal() == ticket);
  CHECK_FALSE(back->credential);
  CHECK(back->mask_key.empty());
  CHECK(back->policy == PolicyDocument());
  for (const char* hidden : {"db.example", "5432", "CERTIFICATE", "hoop_1", "p\\\"ss", "00ff",
                             "\"app\"", "mask_key", "credential"}) {
    INFO(hidden);
    CHECK(json.reveal().find(hidden) == std::string::npos);
  }
}

TEST_CASE(
    "a grant of the gateway path is written without secrets of the target, whatever it holds") {
  Grant grant = sample();
  grant.path = DataPath::gateway;
  grant.ticket = SecretText(std::string(43, 'A'));
  const SecretText json = grant_to_json(grant);
  CHECK(json.reveal().find("hoop_1") == std::string::npos);
  CHECK(json.reveal().find("mask_key") == std::string::npos);
}

TEST_CASE("a grant with what belongs to the other path is refused") {
  Grant grant = sample();
  const auto local = nlohmann::json::parse(grant_to_json(grant).reveal());
  grant.path = DataPath::gateway;
  grant.ticket = SecretText(std::string(43, 'A'));
  const auto gateway = nlohmann::json::parse(grant_to_json(grant).reveal());
  REQUIRE(grant_from_json(gateway.dump()));
  const auto refused = [](nlohmann::json json, const char* key, const nlohmann::json& value) {
    if (value.is_null()) {
      json.erase(key);
    } else {
      json[key] = value;
    }
    return !grant_from_json(json.dump());
  };
  CHECK(refused(local, "ticket", gateway["ticket"]));
  CHECK(refused(local, "mask_key", nullptr));
  CHECK(refused(gateway, "mask_key", local["mask_key"]));
  CHECK(refused(gateway, "credential", local["credential"]));
  CHECK(refused(gateway, "ticket", nullptr));
  CHECK(refused(gateway, "ticket", ""));
  CHECK(refused(gateway, "ticket", "AAAA"));
  CHECK(refused(gateway, "ticket", std::string(43, '!')));
}

TEST_CASE("a grant with anything off is refused") {
  const auto whole = nlohmann::json::parse(grant_to_json(sample()).reveal());
  for (const auto& [key, value] : whole.items()) {
    if (key == "credential") continue;
    nlohmann::json without = whole;
    without.erase(key);
    INFO("without " << key);
    // One that cannot be renewed does not say so.
    CHECK(grant_from_json(without.dump()).has_value() == (key == "renewable"));
    nlohmann::json wrong = whole;
    wrong[key] = key == "heartbeat" ? 0 : 1;
    INFO("wrong " << key);
    CHECK_FALSE(grant_from_json(wrong.dump()));
  }
  const auto refused = [&](auto edit) {
    nlohmann::json copy = whole;
    edit(copy);
    const auto result = grant_from_json(copy.dump());
    return !result && result.error().code == ErrorCode::malformed;
  };
  CHECK(refused([](auto& json) { json["more"] = 1; }));
  CHECK(refused([](auto& json) { json["target"]["more"] = 1; }));
  CHECK(refused([](auto& json) { json["target"]["port"] = 70000; }));
  CHECK(refused([](auto& json) { json["target"]["tls"] = "require"; }));
  CHECK(refused([](auto& json) { json["target"]["tls_negotiation"] = "maybe"; }));
  CHECK(refused([](auto& json) { json["target"]["labels"]["x"] = 1; }));
  CHECK(refused([](auto& json) { json["identity"]["kind"] = "robot"; }));
  CHECK(refused([](auto& json) { json["identity"]["groups"] = "dba"; }));
  CHECK(refused([](auto& json) { json["mask_key"] = "AAAA"; }));
  CHECK(refused([](auto& json) { json["mask_key"] = std::string(43, '!'); }));
  CHECK(refused([](auto& json) { json["credential"].erase("password"); }));
  CHECK(refused([](auto& json) { json["policy"]["durability"] = "ram"; }));
  CHECK(refused([](auto& json) { json["expires_at"] = "soon"; }));
  CHECK(refused([](auto& json) { json["policy"].erase("version"); }));
}

TEST_CASE("a grant above its cap is refused before it is parsed") {
  const auto result = grant_from_json(std::string((4U << 20) + 1, ' '));
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ErrorCode::too_large);
}

TEST_CASE("an error about a grant quotes nothing of it") {
  const auto result = grant_from_json(R"({"session":"s","session":"hunter2-secret"})");
  REQUIRE_FALSE(result);
  CHECK(result.error().message.find("hunter2") == std::string::npos);
}

TEST_CASE("grant: what it is for alone is read as it was written, and on the local path only") {
  Grant grant = sample();
  grant.only = crypto::sha256(as_bytes("uptime"));
  const auto back = grant_from_json(grant_to_json(grant).reveal());
  REQUIRE(back);
  CHECK(back->only == grant.only);
  std::string text = grant_to_json(grant).reveal();
  const std::size_t at = text.find(to_hex(*grant.only));
  REQUIRE(at != std::string::npos);
  text[at] = 'x';
  CHECK_FALSE(grant_from_json(text));
}

TEST_CASE("a grant for an HTTP service has what requests carry") {
  const Grant grant = http_sample();
  const SecretText json = grant_to_json(grant);
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->target == grant.target);
  const auto* read = back->credential_as<HttpCredential>();
  REQUIRE(read != nullptr);
  REQUIRE(read->headers.size() == 2);
  CHECK(read->headers[0].name == "Authorization");
  CHECK(read->headers[0].value.reveal() == "Bearer planted-\"token");
  CHECK(read->headers[1].value.reveal() == "planted-key");
  REQUIRE(read->query.size() == 1);
  CHECK(read->query[0].name == "sig");
  CHECK(read->query[0].value.reveal() == "planted-signature");
  CHECK(read->expires_at == moment(2));
  CHECK(grant_to_json(*back).reveal() == json.reveal());
}

TEST_CASE("a grant for a cluster has a base path and a token, and nothing else of a service") {
  Grant grant = http_sample();
  grant.target.protocol = "kubernetes";
  const SecretText json = grant_to_json(grant);
  CHECK(json.reveal().find("url_variable") == std::string::npos);
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->target.base_path == "/api");
  CHECK(back->target.url_variable.empty());
  CHECK(back->target.unmasked_types.empty());
  const auto* read = back->credential_as<HttpCredential>();
  REQUIRE(read != nullptr);
  CHECK(read->headers.at(0).value.reveal() == "Bearer planted-\"token");
  auto odd = nlohmann::json::parse(json.reveal());
  odd["target"]["base_path"] = "/a\nb";
  CHECK_FALSE(grant_from_json(odd.dump()));
  odd["target"]["base_path"] = "";
  CHECK(grant_from_json(odd.dump()));
  odd["target"]["url_variable"] = "PATH";
  CHECK_FALSE(grant_from_json(odd.dump()));
}

TEST_CASE("the credential of an HTTP service may be an empty one") {
  Grant grant = http_sample();
  grant.credential = HttpCredential{{}, {}, moment(2)};
  const auto back = grant_from_json(grant_to_json(grant).reveal());
  REQUIRE(back);
  const auto* read = back->credential_as<HttpCredential>();
  REQUIRE(read != nullptr);
  CHECK(read->headers.empty());
  CHECK(read->query.empty());
}

TEST_CASE(
    "the client of an HTTP service on the gateway path is told the URL's path, not where it "
    "is or what lets it in") {
  Grant grant = http_sample();
  grant.path = DataPath::gateway;
  const SecretText json = grant_to_json(part_for_client(grant, SecretText(std::string(43, 'A'))));
  const auto back = grant_from_json(json.reveal());
  INFO((back ? std::string() : back.error().message));
  REQUIRE(back);
  CHECK(back->target.base_path == "/api");
  CHECK(back->target.url_variable == "BILLING_URL");
  CHECK(back->target.host.empty());
  CHECK(back->target.port == 0);
  CHECK_FALSE(back->credential);
  for (const char* hidden : {"billing.internal", "8443", "CERTIFICATE", "planted", "X-Api-Key",
                             "Authorization", "image", "credential", "mask_key"}) {
    INFO(hidden);
    CHECK(json.reveal().find(hidden) == std::string::npos);
  }
  // Nor does the whole grant say it, should somebody write that.
  grant.ticket = SecretText(std::string(43, 'A'));
  CHECK(grant_to_json(grant).reveal().find("planted") == std::string::npos);
}

TEST_CASE("a grant for an HTTP service with anything off is refused") {
  const auto whole = nlohmann::json::parse(grant_to_json(http_sample()).reveal());
  const auto refused = [&](auto edit) {
    nlohmann::json copy = whole;
    edit(copy["target"], copy["credential"]);
    const auto result = grant_from_json(copy.dump());
    CHECK((result || result.error().message.find("planted") == std::string::npos));
    return !result && result.error().code == ErrorCode::malformed;
  };
  CHECK_FALSE(refused([](auto&, auto&) {}));
  CHECK(refused([](auto& target, auto&) { target.erase("base_path"); }));
  CHECK(refused([](auto& target, auto&) { target["base_path"] = "/../etc"; }));
  CHECK(refused([](auto& target, auto&) { target["url_variable"] = "LD_PRELOAD"; }));
  CHECK(refused([](auto& target, auto&) { target["unmasked_types"] = {"*/*"}; }));
  CHECK(refused([](auto& target, auto&) { target["protocol"] = "postgres"; }));
  CHECK(refused([](auto&, auto& credential) { credential.erase("headers"); }));
  CHECK(refused([](auto&, auto& credential) { credential.erase("query"); }));
  CHECK(refused([](auto&, auto& credential) { credential["password"] = "p"; }));
  CHECK(refused([](auto&, auto& credential) { credential["headers"][0].erase("value"); }));
  CHECK(refused([](auto&, auto& credential) { credential["headers"][0]["more"] = 1; }));
  CHECK(refused([](auto&, auto& credential) { credential["headers"][0]["name"] = "Host"; }));
  CHECK(refused([](auto&, auto& credential) { credential["headers"][0]["name"] = "X Key"; }));
  CHECK(
      refused([](auto&, auto& credential) { credential["headers"][0]["value"] = "planted\r\n"; }));
  CHECK(refused([](auto&, auto& credential) { credential["query"][0]["name"] = "a=b"; }));
  for (const char* list : {"headers", "query"}) {
    INFO(list);
    const auto many = [&](std::size_t count) {
      return refused([&](auto&, auto& credential) {
        const nlohmann::json one = credential[list][0];
        credential[list] = nlohmann::json::array();
        for (std::size_t i = 0; i < count; ++i) credential[list].push_back(one);
      });
    };
    CHECK_FALSE(many(8));
    CHECK(many(9));
  }
}
