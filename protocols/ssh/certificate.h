// SPDX-License-Identifier: Apache-2.0
// OpenSSH user certificates on Ed25519 keys (OpenSSH's PROTOCOL.certkeys).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/crypto/keys.h"
#include "protocols/ssh/public_key.h"

namespace hoop::ssh {

inline constexpr std::string_view kEd25519Certificate = "ssh-ed25519-cert-v01@openssh.com";

/// What a user certificate says of its key.
struct CertificateTerms {
  std::uint64_t serial = 0;
  std::string key_id;                   // sshd writes it into its log
  std::vector<std::string> principals;  // as whom one may log in; never empty
  SystemTime valid_after{};             // whole seconds; what is finer is cut off
  SystemTime valid_before{};            // not valid then any more
  /// "source-address" → "10.0.0.0/8"; sshd refuses what it does not know.
  std::map<std::string, std::string> critical_options = {};
  /// "permit-pty" → ""; sshd passes over what it does not know.
  std::map<std::string, std::string> extensions = {};
  bool operator==(const CertificateTerms&) const = default;
};

struct Certificate {
  crypto::Ed25519PublicKey key{};
  CertificateTerms terms;
  PublicKey authority;  // who has signed it
  bool operator==(const Certificate&) const = default;
};

/// The certificate as it goes over the wire and, in base64, into files. Fails with malformed for
/// terms that nobody should sign: no principal or an empty one (OpenSSH would take it for anybody),
/// no time, a name or value with a NUL, more than 64 KiB.
Result<Bytes> sign_certificate(const crypto::Ed25519PublicKey& key, const CertificateTerms& terms,
                               const crypto::Ed25519Key& authority, Random& random);

/// One that an Ed25519 key has signed; its signature is checked, its time and who signed it are
/// not. Fails with malformed, and with integrity for a wrong signature.
Result<Certificate> parse_certificate(ByteSpan blob);

/// As in *-cert.pub files, without the end of the line.
std::string certificate_line(ByteSpan blob, std::string_view comment = {});

}  // namespace hoop::ssh
