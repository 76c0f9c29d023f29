// SPDX-License-Identifier: Apache-2.0
// The document that a client receives for one session, over authenticated TLS.
#pragma once

#include <optional>
#include <string>

#include "core/access/policy.h"
#include "core/base/secret.h"
#include "core/crypto/keys.h"

namespace hoop::access {

enum class Durability { os, disk };

struct PostgresCredential {
  std::string username;
  SecretText password;
  SystemTime expires_at{};
};

/// local path: credential is set. gateway path: ticket is set (a later issue). Resource: move-only,
/// holds secrets.
struct Grant {
  std::string session;  // "s_" and 26 characters of base32
  std::string gateway;  // the gateway's id
  DataPath path = DataPath::local;
  Identity identity;
  Target target;
  std::string role;           // the policy role
  std::string database_role;  // the mapped role
  std::optional<PostgresCredential> credential;
  SecretText ticket;
  PolicyDocument policy;  // the client's part only
  SecretBytes mask_key;   // 32 bytes, for HMAC masks; one per identity and target on the local path
  std::string
      key_id;  // SHA-256 of the client's public key, base64url: ties the grant to the log's seal
  Durability durability = Durability::os;
  SystemTime issued_at{};
  SystemTime expires_at{};
};

/// JSON, as POST /v1/grants answers it.
SecretText grant_to_json(const Grant& grant);
/// Strict; fails with malformed. Bounded: 4 MiB.
Result<Grant> grant_from_json(std::string_view json);

}  // namespace hoop::access
