// SPDX-License-Identifier: Apache-2.0
// One TLS connection over any Stream: OpenSSL sees two memory buffers, the coroutines here move
// their bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/net/certificate_check.h"
#include "core/net/openssl_handles.h"
#include "core/net/stream.h"

namespace hoop::net {

/// Shared by the stream and the operations under way on it.
struct TlsState {
  TlsState(StreamPtr below, SslPtr connection);

  StreamPtr lower;
  SslPtr ssl;
  BIO* incoming;  // ciphertext from the peer; owned by ssl, as the next
  BIO* outgoing;
  Bytes read_buffer;
  std::size_t last_read = 0;
  Bytes sending;
  // Reading may have to write (key update, alert), so writes to lower take turns; the one who waits
  // is woken by the timer.
  bool flushing = false;
  asio::steady_timer flushed;
  unsigned waiting_for_flush = 0;
  std::optional<Error> write_failure;
  std::optional<Error> read_failure;
  Bytes end_point;
  std::string peer;
};

/// Runs the handshake for which ssl was prepared (SSL_set_connect_state or SSL_set_accept_state)
/// and answers the stream. deadline is lifted again on success. check may be null (server).
Task<StreamPtr> shake_hands(std::shared_ptr<TlsState> state,
                            std::shared_ptr<CertificateCheck> check, Deadline deadline);

}  // namespace hoop::net
