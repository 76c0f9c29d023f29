// SPDX-License-Identifier: Apache-2.0
// What sessions with hosts are given to log in by.
#include "gateway/issuers/ssh_certificate.h"

#include <sys/stat.h>

#include <fstream>

#include "core/access/policy.h"
#include "core/crypto/digest.h"
#include "gateway/ssh_authority.h"
#include "protocols/ssh/certificate.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

access::Authorization allowed(std::vector<std::string> logins, SystemTime now,
                              access::DataPath path = access::DataPath::local,
                              std::vector<access::Rule> rules = {}) {
  access::Role role;
  role.name = "operators";
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = std::chrono::minutes(5);
  role.logins = std::move(logins);
  access::PolicyDocument policy;
  policy.roles = {role};
  policy.rules = std::move(rules);
  access::Identity identity;
  identity.subject = "alice\n\x1b";
  access::Target target;
  target.name = "web-1";
  target.protocol = "ssh";
  target.path = path;
  return std::move(
      *access::PolicyEngine(policy).authorize(identity, target, std::chrono::seconds(0), now));
}

struct CertificateFixture {
  test::FakeClock clock;
  crypto::SystemRandom random;
  std::shared_ptr<const crypto::Ed25519Key> authority =
      std::make_shared<const crypto::Ed25519Key>(crypto::Ed25519Key::generate());
  SshCertificateIssuer issuer{authority, {"10.0.0.0/8", "::1"}, clock, random};
};

}  // namespace

TEST_CASE("ssh issuer: a certificate for minutes, for the role's logins, and for no forwards") {
  CertificateFixture f;
  const SystemTime now = f.clock.system_now();
  const auto credential = f.issuer.issue(allowed({"deploy", "app"}, now), "s_1");
  REQUIRE(credential);
  const auto& lent = std::get<access::SshCredential>(*credential);
  const auto certificate = ssh::parse_certificate(lent.certificate);
  REQUIRE(certificate);
  CHECK(certificate->authority == ssh::public_key(f.authority->public_key()));
  CHECK(certificate->key == crypto::Ed25519Key::from_seed(lent.key)->public_key());
  const ssh::CertificateTerms& terms = certificate->terms;
  CHECK(terms.principals == std::vector<std::string>{"deploy", "app"});
  CHECK(terms.key_id.starts_with("s_1 alice"));
  CHECK(terms.key_id.find_first_of("\n\x1b") == std::string::npos);
  const auto whole = [](SystemTime time) { return std::chrono::floor<std::chrono::seconds>(time); };
  CHECK(whole(terms.valid_after) == whole(now - std::chrono::seconds(60)));
  CHECK(whole(terms.valid_before) == whole(now + std::chrono::minutes(5)));
  CHECK(terms.critical_options ==
        std::map<std::string, std::string>{{"source-address", "10.0.0.0/8,::1"}});
  CHECK(terms.extensions == std::map<std::string, std::string>{{"permit-pty", ""}});
  CHECK(lent.static_key.reveal().empty());

  const auto second = f.issuer.issue(allowed({"deploy"}, now), "s_2");
  REQUIRE(second);
  const auto& other = std::get<access::SshCredential>(*second);
  CHECK(other.key.reveal() != lent.key.reveal());
  CHECK(ssh::parse_certificate(other.certificate)->terms.serial != terms.serial);
}

TEST_CASE("ssh issuer: forwards of ports where a rule might let one pass") {
  CertificateFixture f;
  access::Rule rule;
  rule.name = "r";
  rule.when = {{"destination", {"localhost:80"}}};
  const auto permits = [&] {
    const auto credential = f.issuer.issue(
        allowed({"deploy"}, f.clock.system_now(), access::DataPath::local, {rule}), "s_1");
    REQUIRE(credential);
    return ssh::parse_certificate(std::get<access::SshCredential>(*credential).certificate)
        ->terms.extensions.contains("permit-port-forwarding");
  };
  rule.effect = access::Effect::allow;
  CHECK(permits());
  rule.effect = access::Effect::require_approval;
  CHECK(permits());
  rule.effect = access::Effect::deny;
  CHECK_FALSE(permits());
  rule.effect = access::Effect::allow;
  rule.targets = {"db-*"};
  CHECK_FALSE(permits());
  rule.targets = {};
  rule.roles = {"others"};
  CHECK_FALSE(permits());
  rule.roles = {"operators"};
  CHECK(permits());
  rule.when = {{"protocol", {"ssh"}}};
  CHECK_FALSE(permits());
}

TEST_CASE("ssh issuer: an approved command is all that the host runs") {
  CertificateFixture f;
  access::Rule rule;
  rule.name = "r";
  rule.when = {{"destination", {"localhost:80"}}};
  rule.effect = access::Effect::allow;
  const auto terms_of = [&](const ApprovedAction& approved) {
    const auto credential = f.issuer.issue_for(
        allowed({"deploy", "app"}, f.clock.system_now(), access::DataPath::local, {rule}), "s_1",
        approved);
    REQUIRE(credential);
    return ssh::parse_certificate(std::get<access::SshCredential>(*credential).certificate)->terms;
  };
  const std::string command = "systemctl restart 'web app' && echo \"$HOME\"\n";
  const ssh::CertificateTerms forced = terms_of({"apr_1", command, {}, "app"});
  CHECK(forced.critical_options.at("force-command") == command);
  CHECK(forced.principals == std::vector<std::string>{"app"});
  CHECK(forced.critical_options.contains("source-address"));
  CHECK(forced.key_id.starts_with("s_1 alice"));
  CHECK(forced.key_id.ends_with(" apr_1"));
  CHECK(forced.extensions == std::map<std::string, std::string>{{"permit-pty", ""}});
  const ssh::CertificateTerms named = terms_of({"apr_1", "", {}, ""});
  CHECK(named.principals == std::vector<std::string>{"deploy", "app"});
  CHECK_FALSE(named.critical_options.contains("force-command"));
  CHECK(named.key_id.ends_with(" apr_1"));
  CHECK(named.extensions.contains("permit-port-forwarding"));
}

TEST_CASE("ssh issuer: a role without logins opens no host") {
  CertificateFixture f;
  const auto none = f.issuer.issue(allowed({}, f.clock.system_now()), "s_1");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::config);
  CHECK_FALSE(f.issuer.can_extend());
  CHECK(f.issuer.revoke("s_1"));
  CHECK(f.issuer.list()->empty());
}

TEST_CASE("ssh issuer: a key of the gateway's own stays there") {
  const SshKeyIssuer::ReadKey read = []() -> Result<SecretText> {
    return SecretText(std::string("-----BEGIN OPENSSH PRIVATE KEY-----"));
  };
  SshKeyIssuer issuer(read);
  const test::FakeClock clock;
  const auto here =
      issuer.issue(allowed({"root"}, clock.system_now(), access::DataPath::gateway), "key");
  REQUIRE(here);
  CHECK(to_text(std::get<access::SshCredential>(*here).static_key.reveal())
            .starts_with("-----BEGIN"));
  const auto there = issuer.issue(allowed({"root"}, clock.system_now()), "key");
  REQUIRE_FALSE(there);
  CHECK(there.error().code == ErrorCode::internal);
}

TEST_CASE("ssh authority: made once, kept to itself, and read again") {
  test::TempDir dir;
  const Layout layout{dir.path()};
  std::filesystem::create_directory(layout.ssh_ca_key().parent_path());
  const auto missing = read_ssh_authority(layout);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().hint.starts_with("hoopctl gateway ssh-ca create"));
  REQUIRE(create_ssh_authority(layout));
  struct stat file{};
  REQUIRE(::stat(layout.ssh_ca_key().c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
  const auto key = read_ssh_authority(layout);
  REQUIRE(key);
  CHECK(ssh_authority_line(*key, "gw_1").starts_with("ssh-ed25519 AAAA"));
  CHECK(ssh_authority_line(*key, "gw_1").ends_with(" hoopctl-gw_1"));
  // Hosts trust it.
  CHECK_FALSE(create_ssh_authority(layout));
  CHECK(read_ssh_authority(layout)->public_key() == key->public_key());
  std::ofstream(layout.ssh_ca_key()) << "c2hvcnQ";
  const auto broken = read_ssh_authority(layout);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::config);
}
