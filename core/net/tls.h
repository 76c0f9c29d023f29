// SPDX-License-Identifier: Apache-2.0
// TLS by OpenSSL over any Stream; what is trusted is said by the caller, never by the environment.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/secret.h"
#include "core/net/stream.h"

namespace hoop::net {

/// What a client accepts as the server's certificate. Exactly as written: an empty ca_pem and no
/// pin mean the system store (loaded on first use: it costs 17 ms).
struct Trust {
  enum class Names { check, ignore };  // ignore is verify-ca
  std::string ca_pem;                  // only these authorities, when not empty
  std::optional<std::string>
      ca_sha256;  // hex SHA-256 of the DER of a CA in the presented chain (or the leaf itself)
  Names names = Names::check;
  bool operator==(const Trust&) const = default;
};

struct ServerCertificate {
  std::string chain_pem;
  SecretText key_pem;
};

/// A reusable client context: TLS 1.2 or later (1.3 preferred), no renegotiation, no compression,
/// no session tickets kept.
class TlsClient {
 public:
  /// Fails with config if the trust's PEM or pin cannot be read.
  static Result<TlsClient> create(Trust trust);
  ~TlsClient();
  TlsClient(TlsClient&&) noexcept;
  TlsClient& operator=(TlsClient&&) noexcept;
  /// Handshake over stream, which it takes over. server_name goes into SNI (unless an IP literal)
  /// and is what the certificate must name. alpn: one protocol name or empty. The stream that it
  /// answers has no deadline. Fails with integrity (certificate not accepted: says why), io,
  /// timeout.
  Task<StreamPtr> handshake(StreamPtr stream, std::string server_name, std::string alpn,
                            Deadline deadline) const;
  /// Hex SHA-256 of the last certificate of the chain that the server presents, which is not
  /// judged: for showing it to a person who compares it with what the operator says, and for
  /// nothing else. The connection ends. Fails with io, timeout.
  static Task<std::string> presented_authority(StreamPtr stream, std::string server_name,
                                               Deadline deadline);

 private:
  struct Impl;
  explicit TlsClient(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// A server context: TLS 1.3 only unless told otherwise.
class TlsServer {
 public:
  static Result<TlsServer> create(const ServerCertificate& certificate);
  ~TlsServer();
  TlsServer(TlsServer&&) noexcept;
  TlsServer& operator=(TlsServer&&) noexcept;
  /// The stream that it answers has no deadline. Fails with io, timeout.
  Task<StreamPtr> handshake(StreamPtr stream, Deadline deadline) const;

 private:
  struct Impl;
  explicit TlsServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

/// A CA and a leaf signed by it (ECDSA P-256, 10 years and 825 days), for `gateway init` and tests.
/// names: DNS names and IP literals, at least one. server_pem is the leaf and then the CA, so that
/// a client which pinned the CA finds it in the presented chain.
struct GeneratedPki {
  std::string ca_pem;
  SecretText ca_key_pem;
  std::string server_pem;
  SecretText server_key_pem;
  std::string ca_sha256;  // hex
};
GeneratedPki generate_pki(const std::string& common_name, const std::vector<std::string>& names,
                          SystemTime now = SystemClock().system_now());
/// Hex SHA-256 of the DER of the first certificate in pem. Fails with malformed.
Result<std::string> certificate_sha256(std::string_view pem);

}  // namespace hoop::net
