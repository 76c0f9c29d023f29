// SPDX-License-Identifier: Apache-2.0
#include "gateway/config.h"

#include <fstream>
#include <map>

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

constexpr const char* kGateway = "[gateway]\nid = \"gw_a1\"\n";
constexpr const char* kTarget =
    "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db\"\ndatabases = "
    "[\"app\"]\nadmin = { user = \"a\", password = \"env:X\" }\n";

Result<GatewayConfig> load(const std::map<std::string, std::string>& files) {
  test::TempDir dir;
  std::filesystem::create_directory(std::filesystem::path(dir / "conf.d"));
  for (const auto& [name, text] : files) std::ofstream(dir / name) << text;
  return load_config(dir.path());
}

std::string complaint(const std::map<std::string, std::string>& files) {
  auto config = load(files);
  if (config) return "accepted";
  CHECK(config.error().code == ErrorCode::config);
  return config.error().hint.empty() ? config.error().message
                                     : config.error().message + " | " + config.error().hint;
}

}  // namespace

TEST_CASE("config: a whole configuration is read") {
  auto config =
      load({{"gateway.toml",
             "[gateway]\nlisten = \"[::1]:0\"\nid = \"gw_a1\"\ngrants_per_minute = "
             "60\nsessions_per_identity = 7\nevent_loops = 5\n"
             "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db.example\"\nport = "
             "5433\ndatabases = [\"app\", \"other\"]\n"
             "tls = \"verify-ca\"\nca_file = \"ca.pem\"\nserver_name = \"db\"\npath = "
             "\"local\"\ndescription = \"d\"\nlabels = { env = \"x\" }\n"
             "admin = { user = \"hoop_admin\", password = \"file:keys/x\", database = \"app\" }\n"},
            {"ca.pem", "-----BEGIN CERTIFICATE-----\n"},
            {"policy.toml",
             "[[role]]\nname = \"r\"\nmembers = [\"*\"]\ntargets = [\"pg\"]\ndatabase_role = "
             "\"app\"\n"}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->listen_host == "::1");
  CHECK(config->base_url(7000) == "https://localhost:7000");
  CHECK(config->grants_per_minute == 60);
  CHECK(config->sessions_per_identity == 7);
  CHECK(config->event_loops == 5);
  REQUIRE(config->targets.size() == 1);
  const ConfiguredTarget& target = config->targets[0];
  CHECK(target.target.host == "db.example");
  CHECK(target.target.port == 5433);
  CHECK(target.target.tls == access::TlsMode::verify_ca);
  CHECK(target.target.tls_ca_pem == "-----BEGIN CERTIFICATE-----\n");
  CHECK(target.ca_file.ends_with("/ca.pem"));
  CHECK(target.lends == Lends::session_role);
  CHECK(target.login == GatewayLogin{"hoop_admin", "file:keys/x", "app"});
  CHECK(config->policy.roles.size() == 1);
}

TEST_CASE(
    "config: conf.d files are read by name, and a target of the same name replaces the earlier") {
  const std::string other = std::string(kTarget) + "port = 6000\n";
  auto config = load(
      {{"gateway.toml", std::string(kGateway) + kTarget},
       {"conf.d/20-b.toml",
        "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"last\"\ndatabases = "
        "[\"z\"]\nadmin = { user = \"a\", password = \"env:X\" }\n"},
       {"conf.d/10-a.toml",
        "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"middle\"\ndatabases = "
        "[\"z\"]\nadmin = { user = \"a\", password = \"env:X\" }\n"
        "[[role]]\nname = \"r\"\nmembers = [\"*\"]\ntargets = [\"pg\"]\ndatabase_role = \"app\"\n"},
       {"conf.d/ignored.txt", "= not toml"}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  REQUIRE(config->targets.size() == 1);
  CHECK(config->targets[0].target.host == "last");
  CHECK(config->policy.roles.size() == 1);
}

TEST_CASE("config: a target and a role may name the gateway path") {
  const std::string role =
      "[[role]]\nname = \"r\"\nmembers = [\"*\"]\ntargets = [\"pg\"]\ndatabase_role = "
      "\"app\"\npath = \"gateway\"\n";
  auto config =
      load({{"gateway.toml", std::string(kGateway) + kTarget + "path = \"gateway\"\n" + role}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->targets.front().target.path == access::DataPath::gateway);
  CHECK(config->policy.roles.front().path == access::DataPath::gateway);
}

TEST_CASE("config: every mistake is told with its place") {
  struct Row {
    std::string text;
    std::string complaint;
  };
  const std::string g = kGateway, t = kTarget;
  const auto with = [&](const std::string& line) {
    return g +
           "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db\"\ndatabases = "
           "[\"app\"]\n" +
           line;
  };
  const std::string admin = "admin = { user = \"a\", password = \"env:X\" }\n";
  const std::vector<Row> rows = {
      {"[gateway", "gateway.toml:1:9: "},
      {"[gateway]\nid = \"gw_a1\"\nid = \"gw_a2\"\n", "gateway.toml:3:"},
      {"", "gateway.toml:1:1: '[gateway] id' is missing"},
      {"[gateway]\nid = \"a1\"\n", "gateway.toml:2:6: 'id' must be gw_"},
      {"[gateway]\nid = \"gw_A\"\n", "gateway.toml:2:6: 'id' must be gw_"},
      {"[gateway]\nid = \"gw_a-b\"\n", "gateway.toml:2:6: 'id' must be gw_"},
      {"[gateway]\nid = 5\n", "gateway.toml:2:6: 'id' must be a string, but is an integer"},
      {"gateway = 5\n", "gateway.toml:1:11: 'gateway' must be a table, but is an integer"},
      {g + "lissten = \"x\"\n", "gateway.toml:3:1: unknown key 'lissten' | did you mean 'listen'?"},
      {g + "listen = \"8443\"\n",
       "gateway.toml:3:10: '8443' is not an address to listen on | write it like 127.0.0.1:8443 or "
       "[::1]:8443"},
      {g + "listen = \"::1:8443\"\n", "gateway.toml:3:10: '::1:8443' is not an address"},
      {g + "listen = \"127.0.0.1:65536\"\n",
       "gateway.toml:3:10: '127.0.0.1:65536' is not an address"},
      {g + "listen = \"127.0.0.1:\"\n", "gateway.toml:3:10: "},
      {g + "url = \"http://a\"\n", "gateway.toml:3:7: 'http://a' is not a base URL"},
      {g + "url = \"https://a/b\"\n", "gateway.toml:3:7: 'https://a/b' is not a base URL"},
      {g + "grants_per_minute = 0\n",
       "gateway.toml:3:21: 'grants_per_minute' must be from 1 to 1000000"},
      {g + "[[targets]]\n", "gateway.toml:3:3: unknown key 'targets' | did you mean 'target'?"},
      {g + "[target]\nname = \"x\"\n",
       "gateway.toml:3:1: 'target' must be written as [[target]], but is a table"},
      {g + "[[target]]\nprotocol = \"postgres\"\n", "gateway.toml:3:1: 'name' is missing"},
      {g +
           "[[target]]\nname = \"Bad Name\"\nprotocol = \"postgres\"\nhost = \"db\"\ndatabases = "
           "[\"a\"]\n" +
           admin,
       "gateway.toml:4:8: 'Bad Name' is not a target's name"},
      {g + "[[target]]\nname = \"pg\"\nprotocol = \"redis\"\nhost = \"db\"\ndatabases = [\"a\"]\n" +
           admin,
       "gateway.toml:5:12: protocol 'redis' is not available in this version"},
      {g +
           "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"/run/pg\"\ndatabases = "
           "[\"a\"]\n" +
           admin,
       "gateway.toml:6:8: '/run/pg' is not a host name"},
      {g +
           "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"a,b\"\ndatabases = "
           "[\"a\"]\n" +
           admin,
       "gateway.toml:6:8: 'a,b' is not a host name"},
      {g + "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db\"\n" + admin,
       "gateway.toml:3:1: target 'pg' names no database"},
      {g +
           "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db\"\ndatabases = [\"a "
           "b='\"]\n" +
           admin,
       "gateway.toml:7:13: 'a b='' is not a database's name"},
      {with(admin + "port = 0\n"), "gateway.toml:9:8: 'port' must be from 1 to 65535"},
      {with(admin + "port = \"5432\"\n"),
       "gateway.toml:9:8: 'port' must be an integer, but is a string"},
      {with(admin + "tls = \"prefer\"\n"),
       "gateway.toml:9:7: 'prefer' is not a TLS mode | verify-full, verify-ca or disable"},
      {with(admin + "ca_file = \"nowhere.pem\"\n"), "gateway.toml:9:11: cannot read '"},
      {with(admin + "ca_file = \"gateway.toml\"\n"), "gateway.toml:9:11: '"},
      {with(admin + "path = \"teleport\"\n"),
       "gateway.toml:9:8: 'teleport' is not a path | local or gateway"},
      {with(admin + "via = \"agent\"\nlabels = { site = \"x\" }\ntls = \"disable\"\n"),
       "gateway.toml:11:7: what goes through an agent is encrypted by the gateway: tls = "
       "\"disable\" cannot be | verify-full, or verify-ca"},
      {with(admin + "labels = { n = 5 }\n"),
       "gateway.toml:9:10: 'labels.n' must be a string, but is an integer"},
      {with(admin + "sslmode = \"x\"\n"), "gateway.toml:9:1: unknown key 'sslmode'"},
      {with(""), "gateway.toml:3:1: target 'pg' has no admin login"},
      {with("admin = { password = \"env:X\" }\n"), "gateway.toml:8:9: 'user' is missing"},
      {with("admin = { user = \"a\", password = \"hunter2\" }\n"),
       "gateway.toml:8:34: a secret must not stand in the configuration itself"},
      {with("admin = { user = \"a\", password = \"exec:pass show x\" }\n"),
       "gateway.toml:8:34: exec: needs the absolute path"},
      {with("admin = { user = \"a\", password = \"env:X\", pasword = \"y\" }\n"),
       "gateway.toml:8:43: unknown key 'pasword' | did you mean 'password'?"},
      {g + t + t, "gateway.toml:10:8: target 'pg' stands twice in this file"},
      {g + "[[rule]]\nname = \"r\"\nwhen = { verb = \"select\" }\neffect = \"require_approval\"\n",
       "gateway.toml:3:1: nobody could approve: 'approvers' is missing"},
      {g + "[[rule]]\nname = \"r\"\nwhen = { verb = \"sellect\" }\neffect = \"deny\"\n",
       "gateway.toml:5:"},
      {g + "[limits]\nrows = 1\n", "gateway.toml:4:1: unknown key 'rows'"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const std::string told = complaint({{"gateway.toml", row.text}});
    INFO(told);
    CHECK(told.starts_with(row.complaint));
    CHECK(told.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("config: mistakes in other files name those files") {
  CHECK(complaint({{"gateway.toml", kGateway},
                   {"policy.toml", "[[rule]]\nname = \"r\"\neffect = \"ask\"\nwhen = {}\n"}})
            .starts_with("policy.toml:3:10: 'effect' cannot be 'ask'"));
  CHECK(complaint({{"gateway.toml", kGateway}, {"conf.d/1.toml", "x = 1\n"}})
            .starts_with("conf.d/1.toml:1:1: unknown key 'x'"));
  CHECK(complaint({{"policy.toml", ""}}).starts_with("cannot read '"));
}

TEST_CASE("config: rules may want approvals, and requests for them do not wait for ever") {
  const std::string rule =
      "[[rule]]\nname = \"ask\"\nwhen = { verb = \"delete\" }\neffect = \"require_approval\"\n"
      "approvers = [\"group:dba\"]\n";
  auto config = load({{"gateway.toml", kGateway}, {"policy.toml", rule}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->policy.rules[0].effect == access::Effect::require_approval);
  CHECK(config->approval_time == std::chrono::hours(1));
  const auto with = [](const std::string& time) {
    return std::map<std::string, std::string>{
        {"gateway.toml", kGateway + ("approval_time = \"" + time + "\"\n")}};
  };
  CHECK(load(with("1m"))->approval_time == std::chrono::minutes(1));
  CHECK(load(with("24h"))->approval_time == std::chrono::hours(24));
  for (const char* bad : {"59s", "25h"}) {
    INFO(bad);
    CHECK(complaint(with(bad)) == "gateway.toml:3:17: 'approval_time' must be from 1m to 24h");
  }
}

TEST_CASE("config: metrics are for this machine alone") {
  const auto with = [](const std::string& address) {
    return std::map<std::string, std::string>{
        {"gateway.toml", kGateway + ("metrics = \"" + address + "\"\n")}};
  };
  CHECK_FALSE(load({{"gateway.toml", kGateway}})->metrics);
  for (const char* good : {"127.0.0.1:9464", "127.8.0.1:0", "[::1]:9464"}) {
    INFO(good);
    CHECK(complaint(with(good)) == "accepted");
  }
  CHECK(load(with("127.0.0.1:9464"))->metrics->port == 9464);
  for (const char* bad : {"0.0.0.0:9464", "10.0.0.1:9464", "[::]:9464", "localhost:9464",
                          "[::ffff:10.0.0.1]:9464", "127.1:9464"}) {
    INFO(bad);
    CHECK(complaint(with(bad)).find("is not a loopback address | metrics have no login: let a "
                                    "reverse proxy ask") != std::string::npos);
  }
  CHECK(complaint(with("nonsense")).starts_with("gateway.toml:3:"));
}

TEST_CASE("config: a target behind an agent is on the gateway path, and has labels") {
  const std::string target = std::string(kTarget) + "via = \"agent\"\n";
  const std::string labels = "labels = { site = \"berlin\" }\n";
  auto config = load({{"gateway.toml", kGateway + target + labels}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->targets[0].via == Via::agent);
  CHECK(config->targets[0].target.path == access::DataPath::gateway);
  CHECK_THAT(complaint({{"gateway.toml", kGateway + target + labels + "path = \"local\"\n"}}),
             Catch::Matchers::ContainsSubstring("has no local path"));
  CHECK_THAT(complaint({{"gateway.toml", kGateway + target}}),
             Catch::Matchers::ContainsSubstring("has no labels"));
  CHECK_THAT(complaint({{"gateway.toml", kGateway + std::string(kTarget) + "via = \"carrier\"\n"}}),
             Catch::Matchers::ContainsSubstring("direct or agent"));
}

TEST_CASE("config: a shared login does not leave the gateway") {
  const std::string target =
      "[[target]]\nname = \"pg\"\nprotocol = \"postgres\"\nhost = \"db.example\"\n"
      "databases = [\"app\", \"other\"]\n"
      "login = { user = \"reader\", password = \"env:READER_PASSWORD\" }\n";
  auto config = load({{"gateway.toml", kGateway + target}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  CHECK(config->targets[0].lends == Lends::shared_login);
  CHECK(config->targets[0].login == GatewayLogin{"reader", "env:READER_PASSWORD", "app"});
  CHECK(config->targets[0].target.path == access::DataPath::gateway);
  CHECK_THAT(complaint({{"gateway.toml", kGateway + target + "path = \"local\"\n"}}),
             Catch::Matchers::ContainsSubstring("does not leave the gateway"));
  CHECK_THAT(complaint({{"gateway.toml",
                         kGateway + target + "admin = { user = \"a\", password = \"env:B\" }\n"}}),
             Catch::Matchers::ContainsSubstring("both an admin and a shared login"));
  std::string literal = target;
  literal.replace(literal.find("env:READER_PASSWORD"), 19, "hunter2");
  const std::string said = complaint({{"gateway.toml", kGateway + literal}});
  CHECK_THAT(said, Catch::Matchers::ContainsSubstring("file:/path"));
  CHECK_THAT(said, !Catch::Matchers::ContainsSubstring("hunter2"));
}

TEST_CASE("config: how TLS to a target begins") {
  const auto negotiation = [](const char* more) { return std::string(kTarget) + more; };
  const auto config =
      load({{"gateway.toml", kGateway + negotiation("tls_negotiation = \"direct\"\n")}});
  REQUIRE(config);
  CHECK(config->targets[0].target.tls_negotiation == access::TlsNegotiation::direct);
  CHECK_THAT(
      complaint({{"gateway.toml", kGateway + negotiation("tls_negotiation = \"at-once\"\n")}}),
      Catch::Matchers::ContainsSubstring("'at-once' is no way to begin TLS"));
  CHECK_THAT(
      complaint({{"gateway.toml", kGateway + negotiation("tls = \"disable\"\ntls_negotiation = "
                                                         "\"direct\"\n")}}),
      Catch::Matchers::ContainsSubstring("there is no TLS to begin with"));
}

TEST_CASE("config: an OpenID provider by three lines, and by all of them") {
  const auto three = load({{"gateway.toml", kGateway},
                           {"conf.d/oidc.toml",
                            "[gateway.oidc]\nissuer = \"https://login.example/realms/main\"\n"
                            "client_id = \"hoop\"\n"}});
  INFO((three ? "" : three.error().message));
  REQUIRE(three);
  REQUIRE(three->oidc);
  CHECK(three->oidc->issuer == "https://login.example/realms/main");
  CHECK(three->oidc->client_id == "hoop");
  CHECK(three->oidc->parameters == identity::RequestParameters{{"scope", "openid offline_access"}});
  CHECK(three->oidc->subject_claim == "sub");
  CHECK(three->oidc->approving_scope == "approve");
  const auto all =
      load({{"gateway.toml", kGateway},
            {"ca.pem", "-----BEGIN CERTIFICATE-----\n"},
            {"conf.d/oidc.toml",
             "[gateway.oidc]\nissuer = \"https://login.example\"\nclient_id = \"hoop\"\n"
             "audience = \"api://hoop\"\nscope = \"api://hoop/.default\"\n"
             "parameters = { resource = \"https://gw.example\" }\nsubject_claim = \"email\"\n"
             "groups_claim = \"realm_access.roles\"\ngroup_names = { \"0000-1\" = \"dba\" }\n"
             "approving_scope = \"hoop:approve\"\n"
             "service_clients = [\"ci\"]\ntoken_life = \"10m\"\nca_file = \"ca.pem\"\n"}});
  INFO((all ? "" : all.error().message));
  REQUIRE(all);
  const OidcSettings& oidc = *all->oidc;
  CHECK(oidc.audience == "api://hoop");
  CHECK(oidc.parameters == identity::RequestParameters{{"resource", "https://gw.example"},
                                                       {"scope", "api://hoop/.default"}});
  CHECK(oidc.group_names.at("0000-1") == "dba");
  CHECK(oidc.approving_scope == "hoop:approve");
  CHECK(oidc.service_clients == std::vector<std::string>{"ci"});
  CHECK(oidc.max_life == std::chrono::minutes(10));
  CHECK(oidc.ca_pem == "-----BEGIN CERTIFICATE-----\n");
  CHECK_FALSE(load({{"gateway.toml", kGateway}})->oidc);
}

TEST_CASE("config: mistakes about an OpenID provider are told by their place") {
  const std::string begin = "[gateway.oidc]\nclient_id = \"hoop\"\nissuer = ";
  const std::pair<std::string, const char*> cases[] = {
      {begin + "\"http://login.example\"\n", "o.toml:3:10: 'http://login.example' is not an https"},
      {"[gateway.oidc]\nissuer = \"https://a.example\"\n", "client_id"},
      {begin + "\"https://a.example\"\nparameters = { client_id = \"x\" }\n",
       "'client_id' cannot be a parameter"},
      {begin + "\"https://a.example\"\nparameters = { resource = \"a\\nb\" }\n",
       "'resource' cannot be a parameter"},
      {begin + "\"https://a.example\"\ntoken_life = \"2d\"\n", "from 1m to 24h"},
      {begin + "\"https://a.example\"\napproving_scope = \"\"\n", "not one word of a scope"},
      {begin + "\"https://a.example\"\napproving_scope = \"a b\"\n",
       "o.toml:4:19: 'approving_scope' is not one word of a scope"},
      {begin + "\"https://a.example\"\napproving_scope = \"a\\\"b\"\n", "not one word of a scope"},
      {begin + "\"https://a.example\"\napproving_scope = \"\u00e9\"\n", "not one word of a scope"},
      {begin + "\"https://a.example\"\napproving_scope = 7\n", "approving_scope"},
      {begin + "\"https://a.example\"\napproving_scope = \"openid\"\n",
       "every login asks for the scope 'openid'"},
      {begin + "\"https://a.example\"\nparameters = { scope = \"x approve\" }\n",
       "every login asks for the scope 'approve'"},
      {begin + "\"https://a.example\"\nca_file = \"none.pem\"\n", "cannot read"},
      {begin + "\"https://a.example\"\nca_file = \"key.pem\"\n", "holds a private key"},
      {begin + "\"https://a.example\"\nca_file = \"long.pem\"\n", "longer than 32 KiB"},
      {begin + "\"https://a.example\"\ngroup_claim = \"x\"\n", "unknown key 'group_claim'"},
  };
  for (const auto& [text, wanted] : cases) {
    INFO(text);
    const std::string certificate = "-----BEGIN CERTIFICATE-----\n";
    CHECK_THAT(complaint({{"gateway.toml", kGateway},
                          {"key.pem", certificate + "-----BEGIN EC PRIVATE KEY-----\n"},
                          {"long.pem", certificate + std::string(40'000, 'A')},
                          {"conf.d/o.toml", text}}),
               Catch::Matchers::ContainsSubstring(wanted));
  }
}

namespace {
constexpr const char* kHost =
    "[[target]]\nname = \"web-1\"\nprotocol = \"ssh\"\nhost = \"web-1.example\"\n";
constexpr const char* kPrint = "SHA256:uNiVztksCsDhcc0u9e8BrnzJe5pMNFDsYdVP4R2DNvk";
}  // namespace

TEST_CASE("config: a host has pinned keys, and sessions have certificates") {
  std::string host = fmt::format("{}{}", kGateway, kHost);
  host += fmt::format(
      "host_keys = [\"{}\", \"ssh-ed25519 "
      "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\"]\n",
      kPrint);
  const auto config = load({{"gateway.toml", host + "source_address = [\"10.0.0.0/8\"]\n"}});
  INFO((config ? "" : config.error().message));
  REQUIRE(config);
  const ConfiguredTarget& target = config->targets[0];
  CHECK(target.target.port == 22);
  REQUIRE(target.target.host_keys.size() == 2);
  CHECK(target.target.host_keys[0] == kPrint);
  // A key is kept as its fingerprint.
  CHECK(target.target.host_keys[1] == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
  CHECK(target.lends == Lends::session_certificate);
  CHECK(target.source_addresses == std::vector<std::string>{"10.0.0.0/8"});
  CHECK(target.target.path == access::DataPath::local);

  const auto own_key = load({{"gateway.toml", host + "login = { key = \"file:keys/web-1\" }\n"}});
  REQUIRE(own_key);
  CHECK(own_key->targets[0].lends == Lends::shared_key);
  CHECK(own_key->targets[0].target.path == access::DataPath::gateway);
}

TEST_CASE("config: mistakes about a host are told by their place") {
  struct Row {
    std::string text;
    std::string complaint;
  };
  const std::string keys = fmt::format("host_keys = [\"{}\"]\n", kPrint);
  const std::vector<Row> rows = {
      {"", "'web-1' has no host key | hoopctl gateway target scan-host-key"},
      {"host_keys = [\"SHA256:short\"]\n", "gateway.toml:7:14: 'SHA256:short' is no host key"},
      {"host_keys = [\"MD5:00:11\"]\n", "is no host key"},
      {"host_keys = [\"ssh-ed25519-cert-v01@openssh.com AAAA\"]\n",
       "a certificate stands where a host's key must"},
      {keys + "port = 0\n", "'port' must be from 1 to 65535"},
      {keys + "databases = [\"x\"]\n", "unknown key 'databases'"},
      {keys + "tls = \"disable\"\n", "unknown key 'tls'"},
      {keys + "source_address = [\"10.0.0.0/8,*\"]\n", "'10.0.0.0/8,*' is no address"},
      {keys + "login = { key = \"-----BEGIN\" }\n", "file:/path"},
      {keys + "login = { key = \"env:K\" }\npath = \"local\"\n", "does not leave the gateway"},
      {keys + "login = { key = \"env:K\" }\nsource_address = [\"10.0.0.1\"]\n",
       "has no certificate to say it in"},
      {keys + "via = \"agent\"\n", "has no labels"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK_THAT(complaint({{"gateway.toml", fmt::format("{}{}{}", kGateway, kHost, row.text)}}),
               Catch::Matchers::ContainsSubstring(row.complaint));
  }
}
