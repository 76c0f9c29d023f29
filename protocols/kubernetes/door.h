// SPDX-License-Identifier: Apache-2.0
// The program's side of a Kubernetes session: each request carries the session's own token, of
// which an opening tells the engine a digest, wherever that runs. TLS is the endpoint's, below the
// door.
#pragma once

#include "core/base/secret.h"
#include "core/session/door.h"

namespace hoop::kubernetes {

class KubernetesDoor final : public session::Door {
 public:
  /// token: what programs send as "Authorization: Bearer".
  explicit KubernetesDoor(const SecretText& token);
  /// Reads and writes nothing.
  Task<session::Opening> open(net::Stream& downstream, Deadline deadline) override;
  /// Waits for a request, and answers it with a Status.
  Task<void> refuse(net::Stream& downstream, const Error& error) override;

 private:
  std::string digest_;  // SHA-256, base64url
};

/// Whether the opening's token is this one; in a time that does not depend on where they differ.
bool is_token_of(const session::Opening& opening, std::string_view token);

}  // namespace hoop::kubernetes
