// SPDX-License-Identifier: Apache-2.0
// SSH public keys as text and as bytes (RFC 4253 §6.6, RFC 8709), and their fingerprints.
#pragma once

#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/crypto/keys.h"

namespace hoop::ssh {

inline constexpr std::string_view kEd25519 = "ssh-ed25519";

struct PublicKey {
  std::string type;  // "ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"'s "ssh-rsa", …
  Bytes blob;        // as it goes over the wire, its type included
  bool operator==(const PublicKey&) const = default;
};

PublicKey public_key(const crypto::Ed25519PublicKey& key);

/// "TYPE BASE64 [COMMENT]", as in *.pub files; for known_hosts take off the host first. Fails with
/// malformed, and with denied for a certificate: what is trusted as a key must be one.
Result<PublicKey> parse_public_key(std::string_view line);
/// One line without an end.
std::string to_line(const PublicKey& key, std::string_view comment = {});

/// "SHA256:" and 43 letters of base64, as ssh-keygen -l prints it.
std::string fingerprint(const PublicKey& key);
/// Whether text can be one: what configuration pins.
bool is_fingerprint(std::string_view text);

}  // namespace hoop::ssh
