// SPDX-License-Identifier: Apache-2.0
// The program's side of an SSH session: the keys by which the stock ssh and the relay, wherever
// that runs, know each other. What is between them is theirs alone: the door reads and writes
// nothing.
#pragma once

#include "core/crypto/keys.h"
#include "core/session/door.h"
#include "protocols/ssh/public_key.h"

namespace hoop::ssh {

/// What an opening tells the relay.
struct DoorKeys {
  SecretBytes host_key;  // Ed25519 seed: what the client is shown
  Bytes client_key;      // that the client must prove, as a blob; empty: whoever holds the stream
};
session::Opening opening_of(const DoorKeys& keys);
/// Fails with malformed.
Result<DoorKeys> keys_of(const session::Opening& opening);

class SshDoor final : public session::Door {
 public:
  SshDoor(crypto::Ed25519Key host_key, const PublicKey& client_key)
      : host_key_(std::move(host_key)), client_key_(client_key.blob) {}

  Task<session::Opening> open(net::Stream& downstream, Deadline deadline) override;
  /// A line before the version (RFC 4253 §4.2), which clients show when they are asked for details.
  Task<void> refuse(net::Stream& downstream, const Error& error) override;
  PublicKey host_key() const { return public_key(host_key_.public_key()); }

 private:
  crypto::Ed25519Key host_key_;
  Bytes client_key_;
};

}  // namespace hoop::ssh
