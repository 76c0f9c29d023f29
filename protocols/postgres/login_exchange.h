// SPDX-License-Identifier: Apache-2.0
// The messages of one login as a frontend, from StartupMessage to ReadyForQuery, no I/O.
#pragma once

#include <optional>
#include <string>

#include "core/access/target.h"
#include "core/base/error.h"
#include "core/base/secret.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/scram.h"

namespace hoop::postgres {

/// What the exchange needs to know; tls is what the connection really has, not what was wished for.
struct LoginTerms {
  access::TlsMode tls = access::TlsMode::verify_full;
  Bytes server_end_point;
  std::string user;
  SecretText password;
  std::string database;
  ParameterPairs parameters;
  std::string enter_role;  // empty: none is asked for
  std::string scram_nonce;
};

struct LoginResult {
  ParameterPairs parameters;
  Bytes cancel_key;
  Bytes notices;
};

class LoginExchange {
 public:
  explicit LoginExchange(LoginTerms terms) : terms_(std::move(terms)) {}

  enum class Progress { going_on, ready };
  /// Appends the StartupMessage. Settings that are not on the list of startup.h stay behind, ours
  /// go in.
  void start(Bytes& out) const;
  /// Takes one message of the server; appends what is to be sent. ready: this was ReadyForQuery and
  /// everything is as we need it. Fails with upstream_refused, unsupported, integrity, malformed,
  /// too_large, internal.
  Result<Progress> take(const Frame& frame, Bytes& out);
  /// After ready.
  LoginResult result() && { return std::move(result_); }

 private:
  enum class Step { started, scram_first, scram_final, password_sent, authenticated };
  Result<void> authenticate(ByteSpan body, Bytes& out);
  Result<void> begin_scram(const AuthenticationSASL& offer, Bytes& out);
  Result<void> send_clear_text(Bytes& out);
  Result<void> accept() const;
  Result<void> keep_status(ByteSpan body);
  Result<void> check_settings() const;

  LoginTerms terms_;
  Step step_ = Step::started;
  std::optional<ScramClient> scram_;
  LoginResult result_;
};

/// A server's ErrorResponse as our error: code upstream_refused; remote is "SQLSTATE: message
/// (detail; hint)", untrusted; hint is ours, by SQLSTATE.
Error to_error(const ErrorResponse& response);

}  // namespace hoop::postgres
