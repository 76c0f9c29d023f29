// SPDX-License-Identifier: Apache-2.0
// Authorization → Credential, and its revocation; one issuer a target.
#pragma once

#include <string>
#include <vector>

#include "core/access/authorization.h"
#include "core/access/grant.h"

namespace hoop::gateway {

/// What people have approved, and a session was opened for.
struct ApprovedAction {
  std::string approval;        // the request's id
  std::string command;         // all that the target may be asked to run; empty: it is not told
  crypto::Digest256 digest{};  // of it
  std::string login;           // as whom it is run; empty: as any that the session has
};

/// Everything blocks: call it on the worker pool. Safe from several threads at once.
class CredentialIssuer {
 public:
  virtual ~CredentialIssuer() = default;

  /// The credential's name for a session, known before anything is made: the caller records it
  /// first, so that a crash leaves no credential that nobody knows of.
  virtual std::string name_for(const std::string& session) const = 0;
  /// Fails with upstream_unreachable, upstream_refused, denied (the mapped role may not be handed
  /// out), config, timeout.
  virtual Result<access::Credential> issue(const access::Authorization& authorization,
                                           const std::string& name) = 0;
  /// As issue(), for one approved action, as far as the target can hold the credential to it.
  virtual Result<access::Credential> issue_for(const access::Authorization& authorization,
                                               const std::string& name, const ApprovedAction&) {
    return issue(authorization, name);
  }
  /// Whether extend() can do what it is asked for.
  virtual bool can_extend() const { return true; }
  /// Makes the credential last until the authorization ends: that of the same session, asked for
  /// anew. Fails as issue does, with not_found where it is not there any more.
  virtual Result<void> extend(const access::Authorization& authorization,
                              const std::string& name) = 0;
  /// Ends every use of the credential, then removes it. Success when it is gone already. Fails as
  /// issue does: try again later.
  virtual Result<void> revoke(const std::string& name) = 0;

  struct Issued {
    std::string name;
    bool expired = false;
  };
  /// What exists at the target and was made by this gateway: for the reaper. Credentials of others
  /// are never in it.
  virtual Result<std::vector<Issued>> list() = 0;
  /// Closes the connections that are kept for later: what leads to the target is about to end.
  virtual void drop_idle() {}
};

}  // namespace hoop::gateway
