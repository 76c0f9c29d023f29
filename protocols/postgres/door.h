// SPDX-License-Identifier: Apache-2.0
// PostgreSQL's downstream handshake: SSL and GSS refused, startup judged, the program's password
// checked by SCRAM; or a CancelRequest.
#pragma once

#include "core/base/random.h"
#include "core/base/secret.h"
#include "core/session/door.h"
#include "protocols/postgres/scram.h"

namespace hoop::postgres {

/// One a session; opens any number of connections, one after the other or side by side. It keeps a
/// verifier, not the password.
class PostgresDoor final : public session::Door {
 public:
  /// What programs connect to.
  enum class Behind { tcp, unix_socket };
  /// password is the session's own secret, ASCII, with the entropy of 32 random bytes; random
  /// outlives the door.
  PostgresDoor(const SecretText& password, Random& random, Behind behind);

  /// SSLRequest and GSSENCRequest get 'N', once each in any order; a CancelRequest ends the
  /// handshake as Kind::cancel. Startup parameters come back normalised: `options` taken apart into
  /// single settings, names in lower case, client_encoding UTF8. After AuthenticationOk nothing has
  /// been sent: ParameterStatus, BackendKeyData and ReadyForQuery are the handler's. One password
  /// try a connection. The stream's deadline is lifted on success.
  Task<session::Opening> open(net::Stream& downstream, Deadline deadline) override;
  /// ErrorResponse FATAL, as a server that ends the start of a session.
  Task<void> refuse(net::Stream& downstream, const Error& error) override;

 private:
  ScramVerifier verifier_;
  Random& random_;
};

}  // namespace hoop::postgres
