// SPDX-License-Identifier: Apache-2.0
#include "gateway/issuers/ssh_certificate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/base/encoding.h"
#include "protocols/ssh/certificate.h"

namespace hoop::gateway {
namespace {

constexpr std::chrono::seconds kBackdated{60};  // for hosts whose clocks are behind
constexpr std::size_t kMaxSubject = 128;

Result<void> check_logins(const access::Authorization& authorization) {
  if (!authorization.logins().empty()) return {};
  return fail(ErrorCode::config,
              fmt::format("role '{}' has no logins for hosts", authorization.role()),
              "logins = [\"deploy\"] in its [[role]]");
}

}  // namespace

Result<access::Credential> SshCertificateIssuer::issue(const access::Authorization& authorization,
                                                       const std::string& name) {
  return sign(authorization, name, nullptr);
}

Result<access::Credential> SshCertificateIssuer::issue_for(
    const access::Authorization& authorization, const std::string& name,
    const ApprovedAction& approved) {
  return sign(authorization, name, &approved);
}

Result<access::Credential> SshCertificateIssuer::sign(const access::Authorization& authorization,
                                                      const std::string& name,
                                                      const ApprovedAction* approved) {
  HOOP_CHECK(check_logins(authorization));
  ssh::CertificateTerms terms;
  // The host's log has it at each login.
  terms.key_id = fmt::format(
      "{} {}", name, neutralise(authorization.identity().subject, kMaxSubject, Lines::escape));
  if (approved != nullptr) terms.key_id += " " + approved->approval;
  terms.principals = authorization.logins();
  if (approved != nullptr && !approved->login.empty()) terms.principals = {approved->login};
  terms.valid_after = clock_.system_now() - kBackdated;
  terms.valid_before = authorization.valid_until();
  if (!source_addresses_.empty())
    terms.critical_options["source-address"] = fmt::format("{}", fmt::join(source_addresses_, ","));
  const bool forced = approved != nullptr && !approved->command.empty();
  if (forced) terms.critical_options["force-command"] = approved->command;
  // What the relay would refuse in any case the host does, too.
  terms.extensions["permit-pty"] = "";
  if (authorization.may_forward() && !forced) terms.extensions["permit-port-forwarding"] = "";
  const crypto::Ed25519Key key = crypto::Ed25519Key::generate();
  access::SshCredential out;
  out.key = key.seed();
  out.expires_at = authorization.valid_until();
  const std::lock_guard lock(mutex_);
  for (const std::uint8_t byte : random_.bytes(7)) terms.serial = terms.serial << 8 | byte;
  HOOP_TRY(out.certificate, ssh::sign_certificate(key.public_key(), terms, *authority_, random_));
  return out;
}

Result<void> SshCertificateIssuer::extend(const access::Authorization&, const std::string&) {
  return fail(ErrorCode::denied, "sessions of this target are not renewed");
}

Result<access::Credential> SshKeyIssuer::issue(const access::Authorization& authorization,
                                               const std::string&) {
  if (authorization.path() != access::DataPath::gateway)
    return fail(ErrorCode::internal, "a key of the gateway's does not leave it");
  HOOP_CHECK(check_logins(authorization));
  HOOP_TRY(const SecretText text, read_());
  access::SshCredential out;
  // Whole at once: growing would leave a copy behind. A file ends with a line, and libssh wants it.
  Bytes file;
  file.reserve(text.reveal().size() + 1);
  file.assign(text.reveal().begin(), text.reveal().end());
  file.push_back('\n');
  out.static_key = SecretBytes(std::move(file));
  out.expires_at = authorization.valid_until();
  return out;
}

Result<void> SshKeyIssuer::extend(const access::Authorization& authorization,
                                  const std::string& name) {
  if (auto again = issue(authorization, name); !again)
    return std::unexpected(std::move(again).error());
  return {};
}

}  // namespace hoop::gateway
