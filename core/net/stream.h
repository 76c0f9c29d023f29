// SPDX-License-Identifier: Apache-2.0
// A two-way byte stream: TCP, Unix socket, TLS over either, or an in-memory pair. The one seam
// between codecs and I/O.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/clock.h"
#include "core/base/descriptor.h"
#include "core/net/asio.h"

namespace hoop::net {

/// Resource, owned by one coroutine chain on one io_context (see move_to). One read and one write
/// may be under way at a time.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Reads at least one byte into out and answers how many; 0 means that the peer has shut its side
  /// down. Fails with io, timeout (the deadline has passed), cancelled (close() was called). A TLS
  /// stream that ends without close_notify fails with io.
  virtual Task<std::size_t> read_some(MutableByteSpan out) = 0;
  /// Writes all of in. in must stay alive until the answer.
  virtual Task<void> write_all(ByteSpan in) = 0;
  /// The same, begun at once: ready when nothing had to be waited for, as is the rule. In the other
  /// case what is left must be awaited.
  virtual Eventually<Result<void>> start_write(ByteSpan in) {
    return Eventually<Result<void>>(write_all(in));
  }
  /// Half-close: the peer reads 0 next; reading here goes on. TLS sends close_notify.
  virtual Task<void> shutdown_write() = 0;
  /// Ends both directions at once; pending operations fail with cancelled. Safe to call twice.
  virtual void close() = 0;
  /// Pending and later operations fail with timeout from then on. Replaces an earlier deadline;
  /// Deadline::never() lifts it.
  virtual void set_deadline(Deadline deadline) = 0;
  virtual asio::any_io_executor executor() = 0;
  /// Goes on, with all that it holds, as the stream that is answered, on another io_context; this
  /// one is spent. Call while nothing is pending and without a deadline, from this stream's thread.
  /// Fails with unsupported where the bytes are not a socket's, io, and what ended the stream.
  virtual Result<std::unique_ptr<Stream>> move_to(const asio::any_io_executor& executor);
  /// Whether a read would get bytes, or the end, at once, as far as that can be seen: on a
  /// connection on which nothing should come. False where nobody can tell.
  virtual bool has_input() const { return false; }
  /// Gives the socket away where the bytes on it are this stream's as they are, without TLS and
  /// frames; this one is spent. It blocks. Call as move_to(). Fails with unsupported otherwise, and
  /// as move_to().
  virtual Result<Descriptor> take_socket();
  /// tls-server-end-point (RFC 5929 §4.1): the digest of the peer's certificate. Empty unless this
  /// is a client's TLS stream.
  virtual Bytes server_end_point() const { return {}; }
  /// What ALPN (RFC 7301) has agreed on; empty without TLS, and if nothing was.
  virtual std::string application_protocol() const { return {}; }
  /// Keying material that only the two ends of this very connection can derive (RFC 8446 §7.5): 32
  /// bytes for label, without a context. Both ends get the same; what is signed over it is worth
  /// nothing on another connection. Empty unless this is TLS 1.3.
  virtual Bytes exporter([[maybe_unused]] std::string_view label) const { return {}; }
  /// For messages and the log: "10.0.0.7:5432", "unix", "memory".
  virtual std::string peer_name() const = 0;
};

using StreamPtr = std::unique_ptr<Stream>;

inline Result<StreamPtr> Stream::move_to([[maybe_unused]] const asio::any_io_executor& executor) {
  return fail(ErrorCode::unsupported, "this stream stays on its event loop");
}

inline Result<Descriptor> Stream::take_socket() {
  return fail(ErrorCode::unsupported, "this stream is more than a socket");
}

/// Two connected in-memory streams; what is written on one is read on the other. For tests and
/// in-process relays. Writes suspend when 256 KiB are unread.
std::pair<StreamPtr, StreamPtr> stream_pair(asio::any_io_executor executor);

StreamPtr make_tcp_stream(asio::ip::tcp::socket socket);
StreamPtr make_unix_stream(asio::local::stream_protocol::socket socket);

/// The addresses of host, at least one; a literal is its own. Fails with upstream_unreachable or
/// timeout.
Task<std::vector<asio::ip::address>> resolve(asio::any_io_executor executor, std::string host,
                                             Deadline deadline);

/// Resolves and connects, trying each address in turn until the deadline. TCP_NODELAY is set. Fails
/// with upstream_unreachable (hint: what to check) or timeout.
Task<StreamPtr> connect_tcp(asio::any_io_executor executor, std::string host, std::uint16_t port,
                            Deadline deadline);

}  // namespace hoop::net
