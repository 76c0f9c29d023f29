// SPDX-License-Identifier: Apache-2.0
// A certificate a session, on a key that is made for it: OpenSSH hosts that trust the gateway's
// authority let its logins in, for minutes. Nothing is kept at the host, and so nothing is to be
// taken away there: the gateway, or the client on the local path, ends the connections.
#pragma once

#include <memory>
#include <mutex>

#include "core/base/random.h"
#include "gateway/issuers/credential_issuer.h"

namespace hoop::gateway {

class SshCertificateIssuer final : public CredentialIssuer {
 public:
  SshCertificateIssuer(std::shared_ptr<const crypto::Ed25519Key> authority,
                       std::vector<std::string> source_addresses, const Clock& clock,
                       Random& random)
      : authority_(std::move(authority)),
        source_addresses_(std::move(source_addresses)),
        clock_(clock),
        random_(random) {}

  /// The certificate's key id begins with it.
  std::string name_for(const std::string& session) const override { return session; }
  /// Fails with config where the policy's role has no logins.
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  /// The host runs the approved command and nothing else, whatever it is asked for; and its log
  /// names the request.
  Result<access::Credential> issue_for(const access::Authorization& authorization,
                                       const std::string& name,
                                       const ApprovedAction& approved) override;
  bool can_extend() const override { return false; }
  Result<void> extend(const access::Authorization&, const std::string&) override;
  Result<void> revoke(const std::string&) override { return {}; }
  Result<std::vector<Issued>> list() override { return std::vector<Issued>(); }

 private:
  Result<access::Credential> sign(const access::Authorization& authorization,
                                  const std::string& name, const ApprovedAction* approved);
  std::shared_ptr<const crypto::Ed25519Key> authority_;
  std::vector<std::string> source_addresses_;
  const Clock& clock_;
  std::mutex mutex_;  // guards random_
  Random& random_;
};

/// A key that hosts know already. It does not leave the gateway.
class SshKeyIssuer final : public CredentialIssuer {
 public:
  using ReadKey = std::function<Result<SecretText>()>;
  explicit SshKeyIssuer(ReadKey read) : read_(std::move(read)) {}

  std::string name_for(const std::string&) const override { return "key"; }
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string&) override { return {}; }
  Result<std::vector<Issued>> list() override { return std::vector<Issued>(); }

 private:
  ReadKey read_;
};

}  // namespace hoop::gateway
