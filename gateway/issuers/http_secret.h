// SPDX-License-Identifier: Apache-2.0
// Secrets of the gateway's own that let requests in at an HTTP service: keys, tokens, logins by
// name and password. Nothing is made there and nothing taken away: they are as good after a session
// as before it.
#pragma once

#include <functional>

#include "gateway/config.h"
#include "gateway/issuers/credential_issuer.h"

namespace hoop::gateway {

/// Whether secrets that outlast a session may be sent to its client.
enum class HandOut { never, local_path_too };

/// Fetches what a reference (secret_reference.h) names. Blocks.
using ReadSecret = std::function<Result<SecretText>(const std::string& reference)>;

class HttpSecretIssuer final : public CredentialIssuer {
 public:
  /// Without secrets the credential is an empty one, which may go anywhere.
  HttpSecretIssuer(std::string target, std::vector<ConfiguredSecret> secrets, HandOut hand_out,
                   ReadSecret read)
      : target_(std::move(target)),
        secrets_(std::move(secrets)),
        hand_out_(hand_out),
        read_(std::move(read)) {}

  std::string name_for(const std::string& session) const override;
  /// Reads the secrets, each time. Fails as read_http_secrets() does, and with internal for the
  /// local path where they may not leave.
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  /// Looks whether the secrets are still there. A session goes on with those that it has.
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string&) override { return {}; }
  Result<std::vector<Issued>> list() override { return std::vector<Issued>(); }

 private:
  std::string target_;
  std::vector<ConfiguredSecret> secrets_;
  HandOut hand_out_;
  ReadSecret read_;
};

/// The secrets as requests carry them; the credential has no end yet. Fails as read does, and with
/// config for a secret that no field can hold: its place is told, never what it is.
Result<access::HttpCredential> read_http_secrets(const std::vector<ConfiguredSecret>& secrets,
                                                 const ReadSecret& read);

}  // namespace hoop::gateway
