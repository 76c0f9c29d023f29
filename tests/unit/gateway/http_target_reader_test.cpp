// SPDX-License-Identifier: Apache-2.0
#include "gateway/http_target_reader.h"

#include <fstream>

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

constexpr const char* kService =
    "[[target]]\nname = \"billing-api\"\nprotocol = \"http\"\n"
    "url = \"https://billing.internal:8443/api\"\n";
constexpr const char* kKeyLine =
    "credential = { header = \"X-Api-Key\", value = \"env:KEY\" }\n";  // of what begins above: 7

Result<GatewayConfig> load_service(const std::string& text) {
  test::TempDir dir;
  std::ofstream(dir / "ca.pem") << "-----BEGIN CERTIFICATE-----\n";
  std::ofstream(dir / "gateway.toml") << "[gateway]\nid = \"gw_a1\"\n" << text;
  return load_config(dir.path());
}

ConfiguredTarget read_service(const std::string& text) {
  auto config = load_service(text);
  INFO(text);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  REQUIRE(config->targets.size() == 1);
  return config->targets.front();
}

std::string service_complaint(const std::string& text) {
  const auto config = load_service(text);
  if (config) return "accepted";
  CHECK(config.error().code == ErrorCode::config);
  return config.error().message + " | " + config.error().hint;
}

}  // namespace

TEST_CASE("http target: a whole one is read") {
  const ConfiguredTarget read = read_service(
      std::string(kService) +
      "url_variable = \"BILLING_URL\"\nunmasked_types = [\"image/*\", \"font/woff2\"]\n"
      "ca_file = \"ca.pem\"\nserver_name = \"billing\"\ntls = \"verify-ca\"\n"
      "labels = { env = \"x\" }\ndescription = \"d\"\n" +
      kKeyLine);
  const access::Target& target = read.target;
  CHECK(target.host == "billing.internal");
  CHECK(target.port == 8443);
  CHECK(target.base_path == "/api");
  CHECK(target.url_variable == "BILLING_URL");
  CHECK(target.unmasked_types == std::vector<std::string>{"image/*", "font/woff2"});
  CHECK(target.tls == access::TlsMode::verify_ca);
  CHECK(target.tls_ca_pem == "-----BEGIN CERTIFICATE-----\n");
  CHECK(target.tls_server_name == "billing");
  CHECK(target.path == access::DataPath::gateway);
  CHECK(read.lends == Lends::shared_secret);
  CHECK(to_string(read.lends) == "shared_secret");
  CHECK_FALSE(read.hand_out);
  CHECK(read.secrets ==
        std::vector<ConfiguredSecret>{{SecretPlace::header, "X-Api-Key", "env:KEY"}});
}

TEST_CASE("http target: one without a credential is on the local path") {
  const ConfiguredTarget read = read_service(kService);
  CHECK(read.lends == Lends::nothing);
  CHECK(to_string(read.lends) == "nothing");
  CHECK(read.target.path == access::DataPath::local);
  CHECK(read.target.tls == access::TlsMode::verify_full);
  CHECK(read_service(std::string(kService) + "path = \"gateway\"\n").target.path ==
        access::DataPath::gateway);
}

TEST_CASE("http target: URLs and what becomes of them") {
  struct Row {
    const char* url;
    const char* host;
    std::uint16_t port;
    const char* base_path;
    access::TlsMode tls;
  };
  const Row rows[] = {
      {"https://Billing.Internal", "billing.internal", 443, "", access::TlsMode::verify_full},
      {"https://billing/", "billing", 443, "", access::TlsMode::verify_full},
      {"https://billing/api/", "billing", 443, "/api", access::TlsMode::verify_full},
      {"https://[::1]:8443/a/b.c", "::1", 8443, "/a/b.c", access::TlsMode::verify_full},
      {"http://10.0.0.7/api", "10.0.0.7", 80, "/api", access::TlsMode::disable},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    const ConfiguredTarget read = read_service(
        fmt::format("[[target]]\nname = \"b\"\nprotocol = \"http\"\nurl = \"{}\"\n", row.url));
    CHECK(read.target.host == row.host);
    CHECK(read.target.port == row.port);
    CHECK(read.target.base_path == row.base_path);
    CHECK(read.target.tls == row.tls);
  }
}

TEST_CASE("http target: a credential in each form, and several of them") {
  const auto secrets = [](const std::string& credential) {
    return read_service(kService + ("credential = " + credential + "\n")).secrets;
  };
  using Secrets = std::vector<ConfiguredSecret>;
  CHECK(secrets("{ bearer = \"env:T\" }") == Secrets{{SecretPlace::bearer, "", "env:T"}});
  CHECK(secrets("{ basic = { user = \"svc\", password = \"env:P\" } }") ==
        Secrets{{SecretPlace::basic, "svc", "env:P"}});
  CHECK(secrets("{ query = \"api_key\", value = \"env:K\" }") ==
        Secrets{{SecretPlace::parameter, "api_key", "env:K"}});
  CHECK(secrets("[{ bearer = \"env:T\" }, { header = \"X-Tenant\", value = \"file:keys/t\" }]") ==
        Secrets{{SecretPlace::bearer, "", "env:T"},
                {SecretPlace::header, "X-Tenant", "file:keys/t"}});
  CHECK(read_service(std::string(kService) +
                     "[[target.credential]]\nbearer = \"env:T\"\n"
                     "[[target.credential]]\nquery = \"k\"\nvalue = \"env:K\"\n")
            .secrets.size() == 2);
}

TEST_CASE("http target: a secret is handed out only by these very words") {
  const ConfiguredTarget read =
      read_service(std::string(kService) + kKeyLine + "path = \"local\"\nhand_out = true\n");
  CHECK(read.hand_out);
  CHECK(read.target.path == access::DataPath::local);
  CHECK(read.lends == Lends::shared_secret);
}

TEST_CASE("http target: behind an agent it is on the gateway path") {
  const ConfiguredTarget read =
      read_service(std::string(kService) + "via = \"agent\"\nlabels = { site = \"berlin\" }\n");
  CHECK(read.via == Via::agent);
  CHECK(read.target.path == access::DataPath::gateway);
}

TEST_CASE("http target: every mistake is told with its place") {
  struct Row {
    std::string text;
    const char* complaint;
  };
  const auto url = [](const char* text) {
    return fmt::format("[[target]]\nname = \"b\"\nprotocol = \"http\"\nurl = \"{}\"\n", text);
  };
  const auto with = [](const std::string& lines) { return kService + lines; };
  const auto credential = [&](const std::string& text) {
    return with("credential = " + text + "\n");
  };
  const std::string key = kKeyLine, agent = "via = \"agent\"\nlabels = { site = \"x\" }\n";
  const std::vector<Row> rows = {
      {"[[target]]\nname = \"b\"\nprotocol = \"http\"\n", "gateway.toml:3:1: 'url' is missing"},
      {url("billing"), "gateway.toml:6:7: 'url' is no base URL: the URL has no scheme"},
      {url("ftp://b/"), "gateway.toml:6:7: 'url' is no base URL: "},
      {url("https://svc:hunter2@b/"), "gateway.toml:6:7: 'url' is no base URL: "},
      {url("https://b/a?k=hunter2"), "gateway.toml:6:7: a base URL has no query"},
      {url("https://b/a#x"), "gateway.toml:6:7: "},
      {url("https://b/a/../c"), "gateway.toml:6:7: the URL's path is no base path"},
      {url("https://b//a"), "gateway.toml:6:7: the URL's path is no base path"},
      {url("https://b/a%20b"), "gateway.toml:6:7: the URL's path is no base path"},
      {with("host = \"b\"\n"), "gateway.toml:7:1: unknown key 'host'"},
      {with("databases = [\"x\"]\n"), "gateway.toml:7:1: unknown key 'databases'"},
      {with("login = { key = \"env:K\" }\n"), "gateway.toml:7:1: unknown key 'login'"},
      {with("tls = \"disable\"\n"), "gateway.toml:7:7: an https:// URL has TLS"},
      {with("tls = \"prefer\"\n"), "gateway.toml:7:7: 'prefer' is not a TLS mode"},
      {with("ca_file = \"gateway.toml\"\n"), "gateway.toml:7:11: "},
      {url("http://b") + "tls = \"verify-full\"\n", "gateway.toml:7:7: an http:// URL has no TLS"},
      {url("http://b") + "ca_file = \"ca.pem\"\n", "gateway.toml:7:11: an http:// URL has no TLS"},
      {url("http://b") + "server_name = \"b\"\n", "gateway.toml:7:15: an http:// URL has no TLS"},
      {url("http://b") + key,
       "gateway.toml:6:7: the credential would go over the network in clear"},
      {url("http://b") + agent,
       "gateway.toml:6:7: what goes through an agent is encrypted by the gateway"},
      {with("via = \"agent\"\n"), "gateway.toml:7:7: target 'billing-api' has no labels"},
      {with(agent + "path = \"local\"\n"),
       "gateway.toml:9:8: a target that is reached through an agent has no local path"},
      {with("path = \"teleport\"\n"), "gateway.toml:7:8: 'teleport' is not a path"},
      {with(key + "path = \"local\"\n"),
       "gateway.toml:8:8: a credential that outlasts the session does not leave the gateway | path "
       "= \"gateway\"; or hand_out = true"},
      {with(key + "hand_out = true\n"),
       "gateway.toml:8:12: on the gateway path nothing is handed out"},
      {with("hand_out = true\n"), "gateway.toml:7:12: there is no credential to hand out"},
      {with("hand_out = 1\n"), "gateway.toml:7:12: 'hand_out' must be true or false"},
      {with("url_variable = \"billing\"\n"),
       "gateway.toml:7:16: 'billing' is no variable that could hold a URL"},
      {with("url_variable = \"LD_PRELOAD\"\n"),
       "gateway.toml:7:16: 'LD_PRELOAD' is no variable that could hold a URL"},
      {with("unmasked_types = [\"image/png\", \"*/*\"]\n"),
       "gateway.toml:7:32: '*/*' is no media type"},
      {credential("\"hunter2\""), "gateway.toml:7:14: 'credential' must be a table"},
      {credential("[\"hunter2\"]"), "gateway.toml:7:14: 'credential' must hold tables only"},
      {credential("{}"), "gateway.toml:7:14: this is no credential"},
      {credential("{ value = \"env:K\" }"), "gateway.toml:7:14: this is no credential"},
      {credential("{ bearer = \"env:K\", query = \"k\" }"),
       "gateway.toml:7:42: 'bearer' and 'query' are two credentials"},
      {credential("{ bearer = \"hunter2\" }"),
       "gateway.toml:7:25: a secret must not stand in the configuration itself"},
      {credential("{ bearer = \"env:K\", value = \"env:V\" }"),
       "gateway.toml:7:34: unknown key 'value'"},
      {credential("{ header = \"X-Key\", value = \"hunter2\" }"),
       "gateway.toml:7:42: a secret must not stand in the configuration itself"},
      {credential("{ header = \"X-Key\" }"), "gateway.toml:7:14: 'value' is missing"},
      {credential("{ header = \"X-Key: hunter2\", value = \"env:K\" }"),
       "gateway.toml:7:25: 'header' holds more than a name"},
      {credential("{ header = \"Content-Length\", value = \"env:K\" }"),
       "gateway.toml:7:25: no credential can stand in header 'Content-Length'"},
      {credential("{ query = \"k=hunter2\", value = \"env:K\" }"),
       "gateway.toml:7:24: 'query' holds more than a name"},
      {credential("{ basic = { user = \"a:b\", password = \"env:P\" } }"),
       "gateway.toml:7:33: 'user' is no user of a basic login"},
      {credential("{ basic = { user = \"a\", password = \"hunter2\" } }"),
       "gateway.toml:7:49: a secret must not stand in the configuration itself"},
      {credential("{ basic = \"a:hunter2\" }"), "gateway.toml:7:24: 'basic' must be a table"},
      {credential("[{ bearer = \"env:A\" }, { header = \"authorization\", value = \"env:B\" }]"),
       "gateway.toml:7:37: two credentials stand in header 'authorization'"},
      {credential("[{ query = \"k\", value = \"env:A\" }, { query = \"k\", value = \"env:B\" }]"),
       "gateway.toml:7:49: two credentials stand in parameter 'k'"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const std::string told = service_complaint(row.text);
    INFO(told);
    CHECK(told.starts_with(row.complaint));
    CHECK(told.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("http target: a credential goes in clear only where that is said or leads nowhere") {
  const auto at = [](const char* url, const char* more) {
    return service_complaint(fmt::format(
        "[[target]]\nname = \"b\"\nprotocol = \"http\"\nurl = \"{}\"\n{}{}", url, kKeyLine, more));
  };
  CHECK(at("http://127.0.0.1:8080", "") == "accepted");
  CHECK(at("http://b", "tls = \"disable\"\n") == "accepted");
  CHECK_THAT(at("http://b", ""), Catch::Matchers::ContainsSubstring("in clear"));
}

TEST_CASE("http target: as many secrets as a grant can hold") {
  const auto many = [](int count) {
    std::string text = std::string(kService) + "credential = [";
    for (int i = 0; i < count; ++i)
      text += fmt::format("{{ header = \"X-{}\", value = \"env:K\" }},", i);
    return service_complaint(text + "]\n");
  };
  CHECK(many(8) == "accepted");
  CHECK_THAT(many(9), Catch::Matchers::ContainsSubstring("more than 8"));
}
