// SPDX-License-Identifier: Apache-2.0
#include "gateway/kubernetes_target_reader.h"

#include <fstream>

#include <fmt/format.h>

#include "gateway/issuers/kubernetes_impersonation.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

constexpr const char* kCluster =
    "[[target]]\nname = \"k8s-prod\"\nprotocol = \"kubernetes\"\n"
    "url = \"https://10.0.0.1:6443\"\n";
constexpr const char* kTokenLine =
    "credential = { bearer = \"env:K\" }\n";  // of what begins above: 7

Result<GatewayConfig> load_cluster(const std::string& text) {
  test::TempDir dir;
  std::ofstream(dir / "ca.pem") << "-----BEGIN CERTIFICATE-----\n";
  std::ofstream(dir / "gateway.toml") << "[gateway]\nid = \"gw_a1\"\n" << text;
  return load_config(dir.path());
}

ConfiguredTarget read_cluster(const std::string& lines) {
  auto config = load_cluster(kCluster + lines);
  INFO(lines);
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  REQUIRE(config->targets.size() == 1);
  return config->targets.front();
}

std::string cluster_complaint(const std::string& text) {
  const auto config = load_cluster(text);
  if (config) return "accepted";
  CHECK(config.error().code == ErrorCode::config);
  return config.error().message + " | " + config.error().hint;
}

}  // namespace

TEST_CASE("kubernetes target: a token of the gateway's own stays there") {
  const ConfiguredTarget read = read_cluster(
      std::string(kTokenLine) +
      "ca_file = \"ca.pem\"\nserver_name = \"kubernetes\"\nlabels = { env = \"x\" }\n");
  const access::Target& target = read.target;
  CHECK(target.protocol == "kubernetes");
  CHECK(target.host == "10.0.0.1");
  CHECK(target.port == 6443);
  CHECK(target.base_path.empty());
  CHECK(target.tls == access::TlsMode::verify_full);
  CHECK(target.tls_server_name == "kubernetes");
  CHECK(target.tls_ca_pem == "-----BEGIN CERTIFICATE-----\n");
  CHECK(target.path == access::DataPath::gateway);
  CHECK(read.lends == Lends::shared_secret);
  CHECK(read.secrets == std::vector<ConfiguredSecret>{{SecretPlace::bearer, "", "env:K"}});
  CHECK_FALSE(read.service_account);
  CHECK(read.impersonate_prefix.empty());
  const ConfiguredTarget basic =
      read_cluster("credential = { basic = { user = \"u\", password = \"env:P\" } }\n");
  CHECK(basic.secrets == std::vector<ConfiguredSecret>{{SecretPlace::basic, "u", "env:P"}});
  CHECK(read_cluster("").lends == Lends::nothing);
  CHECK(read_cluster(std::string(kTokenLine) + "path = \"local\"\nhand_out = true\n").hand_out);
}

TEST_CASE("kubernetes target: tokens of a service account may leave the gateway") {
  const ConfiguredTarget read =
      read_cluster(std::string(kTokenLine) + "service_account = \"hoopctl/developers\"\n");
  CHECK(read.lends == Lends::session_token);
  CHECK(to_string(read.lends) == "session_token");
  CHECK(read.service_account == ServiceAccount{"hoopctl", "developers"});
  CHECK(read.target.path == access::DataPath::local);
  CHECK(
      read_cluster(std::string(kTokenLine) + "service_account = \"a/b.c-1\"\npath = \"gateway\"\n")
          .target.path == access::DataPath::gateway);
  const ConfiguredTarget behind =
      read_cluster(std::string(kTokenLine) +
                   "service_account = \"a/b\"\nvia = \"agent\"\nlabels = { site = \"x\" }\n");
  CHECK(behind.via == Via::agent);
  CHECK(behind.target.path == access::DataPath::gateway);
}

TEST_CASE("kubernetes target: names of persons begin with what no name of the cluster's does") {
  const std::string impersonated = std::string(kTokenLine) + "impersonate = true\n";
  const ConfiguredTarget read = read_cluster(impersonated);
  CHECK(read.lends == Lends::impersonation);
  CHECK(to_string(read.lends) == "impersonation");
  CHECK(read.impersonate_prefix == "hoopctl:");
  CHECK(read.target.path == access::DataPath::gateway);
  CHECK(read_cluster(impersonated + "impersonate_prefix = \"corp-\"\n").impersonate_prefix ==
        "corp-");
  CHECK(read_cluster(std::string(kTokenLine) + "impersonate = false\n").lends ==
        Lends::shared_secret);
  for (const char* fine : {"hoopctl:", "a", "oidc:corp/", "System:", "sys-"}) {
    INFO(fine);
    CHECK(is_impersonation_prefix(fine));
  }
  for (const char* bad : {"", "s", "sys", "system", "system:", "system:serviceaccount:", "a b",
                          "a\n", "a,", "caf\xc3\xa9:"}) {
    INFO(bad);
    CHECK_FALSE(is_impersonation_prefix(bad));
  }
  CHECK_FALSE(is_impersonation_prefix(std::string(65, 'a')));
}

TEST_CASE("kubernetes target: every mistake is told with its place") {
  struct Row {
    std::string text;
    const char* complaint;
  };
  const auto url = [](const char* text) {
    return fmt::format("[[target]]\nname = \"b\"\nprotocol = \"kubernetes\"\nurl = \"{}\"\n", text);
  };
  const auto with = [](const std::string& lines) { return kCluster + lines; };
  const std::string token = kTokenLine;
  const std::vector<Row> rows = {
      {"[[target]]\nname = \"b\"\nprotocol = \"kubernetes\"\n",
       "gateway.toml:3:1: 'url' is missing"},
      {url("http://b"), "gateway.toml:6:7: an API server is reached by TLS"},
      {url("https://b/?x=1"), "gateway.toml:6:7: a base URL has no query"},
      {url("https://u:hunter2@b"), "gateway.toml:6:7: 'url' is no base URL"},
      {with("tls = \"disable\"\n"), "gateway.toml:7:7: an API server is reached by TLS"},
      {with("host = \"b\"\n"), "gateway.toml:7:1: unknown key 'host'"},
      {with("url_variable = \"B\"\n"), "gateway.toml:7:1: unknown key 'url_variable'"},
      {with("unmasked_types = [\"a/b\"]\n"), "gateway.toml:7:1: unknown key 'unmasked_types'"},
      {with("credential = { header = \"X-Key\", value = \"env:K\" }\n"),
       "gateway.toml:7:14: an API server takes a token"},
      {with("credential = { query = \"k\", value = \"env:K\" }\n"),
       "gateway.toml:7:14: an API server takes a token"},
      {with("credential = { bearer = \"hunter2\" }\n"),
       "gateway.toml:7:25: a secret must not stand in the configuration itself"},
      {with(token + "path = \"local\"\n"),
       "gateway.toml:8:8: a credential that outlasts the session does not leave the gateway"},
      {with("service_account = \"a/b\"\n"),
       "gateway.toml:7:19: without a credential the gateway cannot make tokens"},
      {with(token + "service_account = \"b\"\n"),
       "gateway.toml:8:19: 'b' is no service account | NAMESPACE/NAME"},
      {with(token + "service_account = \"a/b/c\"\n"),
       "gateway.toml:8:19: 'a/b/c' is no service account"},
      {with(token + "service_account = \"a/../b\"\n"),
       "gateway.toml:8:19: 'a/../b' is no service account"},
      {with(token + "service_account = \"A/b\"\n"),
       "gateway.toml:8:19: 'A/b' is no service account"},
      {with(token + "service_account = \"a/b.\"\n"),
       "gateway.toml:8:19: 'a/b.' is no service account"},
      {with(token + "service_account = \"a/b\"\nhand_out = true\n"),
       "gateway.toml:9:12: sessions have tokens of their own"},
      {with(token + "service_account = \"a/b\"\nimpersonate = true\n"),
       "gateway.toml:9:15: a session has a service account's token, or its person's name"},
      {with("impersonate = true\n"),
       "gateway.toml:7:15: without a credential the gateway cannot speak for anybody"},
      {with(token + "impersonate = true\npath = \"local\"\n"),
       "gateway.toml:9:8: a credential that outlasts the session does not leave the gateway"},
      {with(token + "impersonate = true\npath = \"local\"\nhand_out = true\n"),
       "gateway.toml:10:12: whoever held the credential could speak for anybody"},
      {with(token + "impersonate = true\nimpersonate_prefix = \"sys\"\n"),
       "gateway.toml:9:22: 'sys' keeps names apart from nobody's"},
      {with(token + "impersonate = true\nimpersonate_prefix = \"\"\n"),
       "gateway.toml:9:22: '' keeps names apart from nobody's"},
      {with(token + "impersonate_prefix = \"a:\"\n"),
       "gateway.toml:8:22: nobody is impersonated | impersonate = true"},
      {with(token + "impersonate = \"yes\"\n"),
       "gateway.toml:8:15: 'impersonate' must be true or false"},
      {with(token + "via = \"agent\"\n"), "gateway.toml:8:7: target 'k8s-prod' has no labels"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const std::string told = cluster_complaint(row.text);
    INFO(told);
    CHECK(told.starts_with(row.complaint));
    CHECK(told.find("hunter2") == std::string::npos);
  }
}
