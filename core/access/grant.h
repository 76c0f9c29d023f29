// SPDX-License-Identifier: Apache-2.0
// The document that a client receives for one session, over authenticated TLS.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/access/policy.h"
#include "core/base/secret.h"
#include "core/crypto/keys.h"

namespace hoop::access {

struct PostgresCredential {
  std::string username = {};
  SecretText password = {};
  SystemTime expires_at{};
  /// A login that goes on after the session, and does not become the mapped role by itself. On the
  /// gateway path only: it has no form in JSON.
  bool shared = false;
};

/// An OpenSSH user certificate and the key that it is for.
struct SshCredential {
  Bytes certificate = {};  // as it goes over the wire
  SecretBytes key = {};    // Ed25519 seed, made for this session
  /// A private key as a file has it, in the place of both. On the gateway path only: it has no form
  /// in JSON.
  SecretBytes static_key = {};
  SystemTime expires_at{};
};

/// What each request of a session carries in the place of whatever a program sends by those names.
struct HttpCredential {
  struct Field {
    std::string name;
    SecretText value;
  };
  std::vector<Field> headers = {};
  std::vector<Field> query = {};  // parameters of the URL
  SystemTime expires_at{};
};

using Credential = std::variant<PostgresCredential, SshCredential, HttpCredential>;
SystemTime expires_at(const Credential& credential);

/// On the local path the credential is for the client. On the gateway path the client gets a ticket
/// instead; what the gateway itself runs the session by never leaves it. Resource: move-only, holds
/// secrets.
struct Grant {
  std::string session;  // "s_" and 26 characters of base32
  std::string gateway;  // the gateway's id
  DataPath path = DataPath::local;
  Identity identity;
  Target target;
  std::string role;                 // the policy role
  std::string database_role;        // postgres: the mapped role
  std::vector<std::string> logins;  // ssh: as whom one may log in; the first is the default
  std::optional<Credential> credential;
  SecretText ticket;  // gateway path: 32 random bytes in base64url, half of a stream's login
  PolicyDocument
      policy;  // the part for this identity and target; on the gateway path the client's is empty
  SecretBytes
      mask_key;  // 32 bytes, for HMAC masks: one a target, on the local path one an identity too
  std::string
      key_id;  // SHA-256 of the client's public key, base64url: ties the grant to the log's seal
  /// How long gateway and client may be out of touch; then the session ends.
  std::chrono::seconds heartbeat{60};
  SystemTime issued_at{};
  SystemTime expires_at{};
  bool renewable = false;  // before it expires, for as long as the policy lets it
  /// ssh: of the one command that the session was opened for, by an approval; nothing else runs.
  std::optional<crypto::Digest256> only = std::nullopt;

  /// The credential, where it is of this kind.
  template <class Kind>
  const Kind* credential_as() const {
    return credential ? std::get_if<Kind>(&*credential) : nullptr;
  }
};

/// What the client of a session on the gateway path is given: nothing that it has no need to know,
/// and a ticket.
Grant part_for_client(const Grant& grant, SecretText ticket);

/// Puts its time on another clock, as beginning at this moment: how long it lasts is what its own
/// two times say of each other, however far the gateway's clock is from this one. Fails with
/// malformed if it ends before it begins.
Result<void> begin_at(Grant& grant, SystemTime at);

/// JSON, as POST /v1/grants answers it: on the gateway path without credential and mask key,
/// whatever the grant holds.
SecretText grant_to_json(const Grant& grant);
/// Strict; fails with malformed. Bounded: 4 MiB.
Result<Grant> grant_from_json(std::string_view json);

}  // namespace hoop::access
