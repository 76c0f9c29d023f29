// SPDX-License-Identifier: Apache-2.0
// The client's end of one session on the gateway path, as small as it can be: thousands of them are
// to load a gateway from one process that costs little itself.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/access/grant.h"
#include "core/crypto/keys.h"
#include "core/http/client.h"
#include "core/session/tunnel.h"

namespace hoop::bench {

/// Who asks, and for what; outlives its sessions.
struct LoadLogin {
  http::Client client;
  std::string url;  // of the gateway
  SecretText token;
  std::optional<crypto::P256Key> key;  // that the token is bound to
  std::string target;
  const Clock& clock;
};

class LoadSession {
 public:
  /// Asks for a grant.
  static Task<std::unique_ptr<LoadSession>> open(LoadLogin& login);
  /// Opens a tunnel, and returns when the database is ready behind it.
  Task<void> connect();
  Task<void> send(std::string sql);
  /// Returns when the statement that was sent has been answered; how many bytes that took.
  Task<std::uint64_t> read_answer();
  /// Revokes the grant.
  Task<void> end();
  /// Without a word, as a client that dies.
  void hang_up() { tunnel_.reset(); }

 private:
  LoadSession(LoadLogin& login, crypto::Ed25519Key key, access::Grant grant)
      : login_(login), key_(std::move(key)), grant_(std::move(grant)) {}
  Result<http::Headers> proof(const net::Stream& connection);
  Task<void> fill();

  LoadLogin& login_;
  crypto::Ed25519Key key_;
  access::Grant grant_;
  std::uint64_t streams_ = 0;
  std::unique_ptr<session::Tunnel> tunnel_;
  Bytes held_;  // of the answer, from here on
  std::size_t held_from_ = 0;
};

}  // namespace hoop::bench
