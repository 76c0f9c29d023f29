// SPDX-License-Identifier: Apache-2.0
// SCRAM-SHA-256 and -PLUS, both sides, no I/O (RFC 5802, RFC 7677), as PostgreSQL speaks it
// ("sasl-authentication").
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/crypto/digest.h"

namespace hoop::postgres {

inline constexpr std::string_view kScramSha256 = "SCRAM-SHA-256";
inline constexpr std::string_view kScramSha256Plus = "SCRAM-SHA-256-PLUS";

/// One SCRAM message of a peer: real ones are under 200 bytes.
inline constexpr std::size_t kMaxScramMessageBytes = 4096;
/// A nonce, ours and theirs together: PostgreSQL's are 48 characters.
inline constexpr std::size_t kMaxScramNonceBytes = 512;
inline constexpr std::size_t kMaxScramSaltBytes = 1024;
/// A hostile server could ask for hours of hashing; 100,000 take about 30 ms. PostgreSQL's default
/// is 4,096.
inline constexpr std::uint32_t kMaxScramIterations = 100'000;

/// 24 printable characters from 18 random bytes, as PostgreSQL's own.
std::string make_scram_nonce(Random& random);

/// What a server keeps instead of the password. Not enough to log in with; enough to guess at
/// passwords, or to play the server.
struct ScramVerifier {
  std::uint32_t iterations = 0;
  Bytes salt;
  crypto::Digest256 stored_key{};
  crypto::Digest256 server_key{};
};
/// password is ASCII (ours are base64url): SASLprep would leave it alone. iterations
/// 1…kMaxScramIterations, salt not empty. Drivers other than libpq refuse fewer than 4,096
/// iterations.
ScramVerifier make_scram_verifier(const SecretText& password, ByteSpan salt,
                                  std::uint32_t iterations);
/// As pg_authid.rolpassword has it and CREATE ROLE … PASSWORD takes it:
/// SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>.
std::string scram_verifier(const SecretText& password, ByteSpan salt, std::uint32_t iterations);

/// The client's side of one exchange. Usage: start → first_message → answer(server-first) →
/// verify(server-final); only after verify succeeded has the server proved that it knows the
/// password.
class ScramClient {
 public:
  /// What the client knows about the connection, and how it is known on the wire (user is empty
  /// with PostgreSQL: the startup message named it).
  struct Terms {
    Bytes server_end_point;  // tls-server-end-point (RFC 5929 §4.1); empty: no TLS
    std::string nonce;       // make_scram_nonce
    std::string user;
  };

  /// Chooses the mechanism: -PLUS if there is TLS and the server offers it. Over TLS without the
  /// offer the message says so (gs2 flag 'y'), so that a server that did offer it finds the
  /// downgrade out. Fails with unsupported if nothing fits, or if password is not ASCII.
  static Result<ScramClient> start(std::span<const std::string_view> offered, SecretText password,
                                   Terms terms);

  std::string_view mechanism() const { return plus_ ? kScramSha256Plus : kScramSha256; }
  std::string first_message() const;
  /// Takes server-first and gives client-final. Fails with malformed, integrity (not our nonce),
  /// too_large (iterations, lengths).
  Result<std::string> answer(std::string_view server_first);
  /// Takes server-final. Fails with malformed, unauthenticated (the server says so), integrity
  /// (wrong signature: this server does not know the password).
  Result<void> verify(std::string_view server_final);
  bool verified() const { return step_ == Step::verified; }

 private:
  enum class Step { start, answered, verified, failed };
  ScramClient(SecretText password, Terms terms, bool plus);
  std::string first_bare() const;
  Step step_ = Step::start;
  SecretText password_;
  Terms terms_;
  bool plus_;
  std::string gs2_header_;
  crypto::Digest256 server_signature_{};
};

/// The server's side of one exchange, without channel binding. Usage: first(client-first) →
/// finish(client-final).
class ScramServer {
 public:
  /// verifier outlives it.
  ScramServer(const ScramVerifier& verifier, std::string nonce)
      : verifier_(&verifier), nonce_(std::move(nonce)) {}
  /// Gives server-first. Any user name is taken. Fails with malformed, too_large, unsupported
  /// (channel binding, authorization identity, mandatory extension).
  Result<std::string> first(std::string_view client_first);
  /// Gives server-final. Fails with unauthenticated (wrong password), malformed, too_large.
  Result<std::string> finish(std::string_view client_final);

 private:
  enum class Step { start, challenged, done };
  Step step_ = Step::start;
  const ScramVerifier* verifier_;
  std::string nonce_;
  std::string gs2_header_;
  std::string client_first_bare_;
  std::string server_first_;
};

}  // namespace hoop::postgres
