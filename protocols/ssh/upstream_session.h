// SPDX-License-Identifier: Apache-2.0
// An SSH session with a target: its host key is one of those that are pinned, and a certificate has
// let us in.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/descriptor.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "protocols/ssh/public_key.h"

struct ssh_session_struct;

namespace hoop::ssh {

struct UpstreamLogin {
  std::string user;
  std::vector<std::string> host_keys;  // fingerprints, one of which the target must show
  Bytes certificate;                   // for the key below
  SecretBytes static_key = {};         // a private key as a file has it, in the place of both
};

/// Everything blocks, open() for patience at each of its steps: keep it off event loops. No
/// configuration file is read and no agent asked.
class UpstreamSession {
 public:
  /// socket is connected. Fails with upstream_unreachable (it is no SSH server, or ended the
  /// connection), timeout, integrity (none of the pinned host keys), upstream_refused (the
  /// certificate does not let user in), config (no libssh).
  static Result<UpstreamSession> open(Descriptor socket, const UpstreamLogin& login,
                                      const crypto::Ed25519Key& key, Random& random,
                                      std::chrono::seconds patience);
  ~UpstreamSession();
  UpstreamSession(UpstreamSession&&) noexcept;
  UpstreamSession& operator=(UpstreamSession&&) noexcept;

  const PublicKey& host_key() const;
  /// "SSH-2.0-OpenSSH_9.2p1", printable; what the server says of itself.
  const std::string& banner() const;
  /// For what moves channels; stays ours.
  ssh_session_struct* handle() const;

 private:
  struct Impl;
  explicit UpstreamSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The host key that the server at socket shows to a client that wants one of algorithms
/// ("ssh-ed25519,rsa-sha2-512"), by which it has proven to hold it. Nobody logs in. Blocks. Fails
/// as open().
Result<PublicKey> read_host_key(Descriptor socket, const std::string& algorithms,
                                std::chrono::seconds patience);

}  // namespace hoop::ssh
