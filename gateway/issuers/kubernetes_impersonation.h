// SPDX-License-Identifier: Apache-2.0
// A credential of the gateway's own with which it speaks for each person, by a name that the
// cluster's RBAC gives rights to (Kubernetes docs, "authentication", user impersonation). Nothing
// is made there and nothing taken away. It does not leave the gateway.
#pragma once

#include <string_view>

#include "gateway/issuers/http_secret.h"

namespace hoop::gateway {

/// Whether no name behind it can be one of the cluster's own ("system:masters"), whatever it is.
bool is_impersonation_prefix(std::string_view text);

class KubernetesImpersonator final : public CredentialIssuer {
 public:
  /// prefix: is_impersonation_prefix(), of users and groups.
  KubernetesImpersonator(std::vector<ConfiguredSecret> secrets, std::string prefix, ReadSecret read)
      : secrets_(std::move(secrets)), prefix_(std::move(prefix)), read_(std::move(read)) {}

  /// The session, as the cluster's audit log will have it.
  std::string name_for(const std::string& session) const override { return session; }
  /// The credential, the person's name and groups, and the session. Fails as read_http_secrets()
  /// does, with denied for names that no header can hold or more than 32 groups, and with internal
  /// for the local path.
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override;
  /// Looks whether it could be issued still. A session goes on with what it has.
  Result<void> extend(const access::Authorization& authorization, const std::string& name) override;
  Result<void> revoke(const std::string&) override { return {}; }
  Result<std::vector<Issued>> list() override { return std::vector<Issued>(); }

 private:
  std::vector<ConfiguredSecret> secrets_;
  std::string prefix_;
  ReadSecret read_;
};

}  // namespace hoop::gateway
