// SPDX-License-Identifier: Apache-2.0
#include "gateway/ssh_target_check.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "core/access/policy.h"
#include "core/base/descriptor.h"
#include "gateway/issuers/ssh_certificate.h"
#include "gateway/secret_reference.h"
#include "gateway/ssh_authority.h"
#include "protocols/ssh/upstream_session.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::minutes kCertificateLife{2};
constexpr const char* kChecker = "hoopctl gateway target check";

struct AddressesDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

/// Blocks.
Result<Descriptor> connect_to(const std::string& host, std::uint16_t port) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &wanted, &found) != 0)
    return fail(ErrorCode::upstream_unreachable,
                fmt::format("'{}' is no host that is known", host));
  const std::unique_ptr<addrinfo, AddressesDeleter> all(found);
  for (const addrinfo* one = all.get(); one != nullptr; one = one->ai_next) {
    Descriptor socket(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    const timeval limit{kPatience.count(), 0};  // of connect, too
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.get(), one->ai_addr, one->ai_addrlen) == 0) return socket;
  }
  return fail(ErrorCode::upstream_unreachable, fmt::format("nothing answers at {}:{}", host, port),
              "is sshd there, and does a firewall let the gateway through?");
}

class SshTargetCheck {
 public:
  SshTargetCheck(const GatewayConfig& config, const ConfiguredTarget& target, const Clock& clock,
                 Random& random, const TargetReport& report)
      : config_(config), target_(target), clock_(clock), random_(random), report_(report) {}

  void run();

 private:
  Result<std::string> secret();
  Result<std::string> host_key() const;
  Result<std::string> log_in(const std::string& login);
  Result<access::Authorization> authorization(const std::string& login) const;
  std::set<std::string> logins() const;

  const GatewayConfig& config_;
  const ConfiguredTarget& target_;
  const Clock& clock_;
  Random& random_;
  const TargetReport& report_;
  std::unique_ptr<CredentialIssuer> issuer_;
};

Result<std::string> SshTargetCheck::secret() {
  if (target_.lends == Lends::shared_key) {
    HOOP_TRY(const SecretText ignored,
             resolve_secret(target_.login.password, config_.layout.directory));
    issuer_ = std::make_unique<SshKeyIssuer>(
        [this] { return resolve_secret(target_.login.password, config_.layout.directory); });
    return std::string("the login's key is there");
  }
  HOOP_TRY(auto authority, read_ssh_authority(config_.layout));
  issuer_ = std::make_unique<SshCertificateIssuer>(
      std::make_shared<const crypto::Ed25519Key>(std::move(authority)), target_.source_addresses,
      clock_, random_);
  return std::string("the authority's key is there");
}

/// ssh asks for the kinds of key in an order of its own: one of them is what sessions will see.
Result<std::string> SshTargetCheck::host_key() const {
  const access::Target& target = target_.target;
  HOOP_TRY(const auto shown, scan_host_keys(target.host, target.port));
  std::string others;
  for (const ssh::PublicKey& key : shown) {
    const std::string print = ssh::fingerprint(key);
    if (std::ranges::find(target.host_keys, print) != target.host_keys.end())
      return fmt::format("the host shows {} ({})", print, key.type);
    others += fmt::format("{}{} ({})", others.empty() ? "" : ", ", print, key.type);
  }
  return fail(ErrorCode::integrity,
              fmt::format("the host shows {}, none of which is pinned", others),
              "compare it at the host itself: somebody may stand in between");
}

/// Of a person that no policy knows, as whoever may log in so.
Result<access::Authorization> SshTargetCheck::authorization(const std::string& login) const {
  access::Role role;
  role.name = kChecker;
  role.members = {"*"};
  role.targets = {"*"};
  role.max_ttl = kCertificateLife;
  role.logins = {login};
  access::PolicyDocument document;
  document.roles.push_back(std::move(role));
  access::Identity nobody;
  nobody.subject = kChecker;
  access::Target target = target_.target;
  return access::PolicyEngine(std::move(document))
      .authorize(nobody, target, kCertificateLife, clock_.system_now());
}

Result<std::string> SshTargetCheck::log_in(const std::string& login) {
  HOOP_TRY(const access::Authorization allowed, authorization(login));
  HOOP_TRY(const access::Credential credential, issuer_->issue(allowed, "s_check"));
  const auto& lent = std::get<access::SshCredential>(credential);
  crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  if (target_.lends == Lends::session_certificate) {
    HOOP_TRY(key, crypto::Ed25519Key::from_seed(lent.key));
  }
  HOOP_TRY(Descriptor socket, connect_to(target_.target.host, target_.target.port));
  const ssh::UpstreamLogin as{login, target_.target.host_keys, lent.certificate,
                              lent.static_key.clone()};
  HOOP_TRY(const auto session,
           ssh::UpstreamSession::open(std::move(socket), as, key, random_, kPatience));
  return fmt::format("'{}' is let in by {}", login, session.banner());
}

std::set<std::string> SshTargetCheck::logins() const {
  std::set<std::string> out;
  for (const access::Role& role : config_.policy.roles) {
    const bool leads_here = std::ranges::any_of(role.targets, [&](const std::string& pattern) {
      return access::glob_matches(pattern, target_.target.name);
    });
    if (leads_here) out.insert(role.logins.begin(), role.logins.end());
  }
  return out;
}

void SshTargetCheck::run() {
  const Result<std::string> found = secret();
  report_("secret", found);
  if (!found || target_.via == Via::agent) return;
  const Result<std::string> shown = host_key();
  report_("host_key", shown);
  if (!shown) return;
  const std::set<std::string> all = logins();
  for (const std::string& login : all) report_("login", log_in(login));
  if (all.empty())
    report_("login", fail(ErrorCode::config, "no role of the policy leads here with logins",
                          "[[role]] in hoopctl-policy(5)"));
}

}  // namespace

Result<std::vector<ssh::PublicKey>> scan_host_keys(const std::string& host, std::uint16_t port) {
  std::vector<ssh::PublicKey> out;
  std::optional<Error> last;
  for (const char* kind :
       {"ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521",
        "rsa-sha2-512,rsa-sha2-256"}) {
    HOOP_TRY(Descriptor socket, connect_to(host, port));
    auto key = ssh::read_host_key(std::move(socket), kind, kPatience);
    if (key) {
      out.push_back(std::move(*key));
    } else {
      last = std::move(key).error();
      // A server that has no key of this kind ends the connection; one that is none does not speak.
      if (last->code == ErrorCode::timeout || last->code == ErrorCode::config) break;
    }
  }
  if (out.empty()) return std::unexpected(std::move(*last));
  return out;
}

void check_ssh_target(const GatewayConfig& config, const ConfiguredTarget& target,
                      const Clock& clock, Random& random, const TargetReport& report) {
  SshTargetCheck(config, target, clock, random, report).run();
}

}  // namespace hoop::gateway
