// SPDX-License-Identifier: Apache-2.0
// A token of a service account per session (Kubernetes docs, "authentication", TokenRequest). It is
// bound to an empty Secret that is made for the session: where that is deleted, no API server takes
// the token any more, though it lasts ten minutes at least.
//
// Secrets are named hoopctl-<session> and carry the label hoopctl/gateway=<gateway id>, which is
// how the reaper knows its own. The token's expiry is the API server's clock; nothing compares it
// with ours.
#pragma once

#include "gateway/config.h"
#include "gateway/issuers/credential_issuer.h"
#include "gateway/kubernetes_api.h"

namespace hoop::gateway {

class KubernetesTokenIssuer final : public CredentialIssuer {
 public:
  /// Whether tokens are made to last as long as sessions may be renewed. Only where none of them
  /// leaves the gateway: what a client keeps would outlast a gateway that cannot delete its Secret.
  enum class Renewal { none, by_longer_tokens };
  KubernetesTokenIssuer(std::string gateway_id, ServiceAccount account, Renewal renewal,
                        ApiServerFor server_for, const Clock& clock);

  std::string name_for(const std::string& session) const override;
  /// Fails with config where the API server's tokens do not last as long as the session.
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  bool can_extend() const override { return renewal_ == Renewal::by_longer_tokens; }
  /// The token lasts already: looks whether its Secret is still there.
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string& name) override;
  Result<std::vector<Issued>> list() override;

 private:
  /// Answers its uid, to which the token is bound: a later one of its name is another.
  Result<std::string> make_secret(KubernetesApi& api, const access::Authorization& authorization,
                                  const std::string& name);
  Result<SecretText> make_token(KubernetesApi& api, std::chrono::seconds life,
                                const std::string& name, const std::string& uid);
  Result<void> delete_secret(KubernetesApi& api, const std::string& name);
  /// Of this gateway's, whose field selector fits; empty: all.
  Result<std::vector<std::string>> find_secrets(const std::string& field_selector);
  std::chrono::seconds life_of(const access::Authorization& authorization) const;
  std::string secrets_path() const;

  std::string gateway_id_;
  ServiceAccount account_;
  Renewal renewal_;
  ApiServerFor server_for_;
  const Clock& clock_;
};

}  // namespace hoop::gateway
