// SPDX-License-Identifier: Apache-2.0
#include "core/net/tls_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/net/stream_state.h"

namespace hoop::net {
namespace {

// Two full records and their overhead: bulk data moves in few system calls.
constexpr std::size_t kReadBufferBytes = 34 * 1024;
// An idle connection holds little: a gateway has thousands.
constexpr std::size_t kIdleBytes = 4 * 1024;
// What is encrypted before it is written, so that a large write does not double in memory. Above
// 64 KiB by one record: a frame of a tunnel is that and its header, and should stay one write.
constexpr std::size_t kWriteChunkBytes = 80 * 1024;
constexpr std::size_t kExporterBytes = 32;

using StatePtr = std::shared_ptr<TlsState>;

/// Seldom is there one, and clearing none costs as much.
void clear_errors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// Takes the thread's error queue at once: it is gone after the next suspension.
Error tls_failure(std::string_view what, const TlsState& state) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  auto text = fmt::format("{} {}: {}", what, state.peer, reason == nullptr ? "TLS failed" : reason);
  ERR_clear_error();
  return {ErrorCode::io, std::move(text), {}, {}};
}

/// Gives back what bulk data has made of a buffer of OpenSSL's, which never shrinks by itself.
void release_if_large(BIO* bio) {
  BUF_MEM* memory = nullptr;
  if (BIO_ctrl_pending(bio) != 0 || BIO_get_mem_ptr(bio, &memory) != 1 || memory->max <= kIdleBytes)
    return;
  BUF_MEM* const fresh = BUF_MEM_new();
  HOOP_ASSERT(fresh != nullptr);
  BIO_set_mem_buf(bio, fresh, BIO_CLOSE);
}

/// Large as long as reads fill it: what ends with a small one may be followed by nothing for hours.
void fit_read_buffer(TlsState& state) {
  const bool is_small = state.read_buffer.size() == kIdleBytes;
  if (is_small && state.last_read == kIdleBytes) {
    state.read_buffer.resize(kReadBufferBytes);
  } else if (!is_small && state.last_read < kIdleBytes) {
    state.read_buffer = Bytes(kIdleBytes);
    release_if_large(state.incoming);
  }
}

/// Takes over all that OpenSSL wants to send now. The caller has made sure that nobody else is at
/// it, and calls end_flush().
ByteSpan begin_flush(TlsState& state) {
  const auto pending = BIO_ctrl_pending(state.outgoing);
  state.sending.resize(pending);
  std::size_t taken = 0;
  HOOP_ASSERT(BIO_read_ex(state.outgoing, state.sending.data(), pending, &taken) == 1 &&
              taken == pending);
  state.flushing = true;
  return state.sending;
}

void end_flush(TlsState& state, const Result<void>& written) {
  state.flushing = false;
  if (state.waiting_for_flush > 0) state.flushed.cancel();
  if (state.sending.size() < kIdleBytes && state.sending.capacity() > kIdleBytes) {
    state.sending = {};
    release_if_large(state.outgoing);
  }
  // Part of a record may be out: nothing can follow it.
  if (!written && !state.write_failure) state.write_failure = written.error();
}

Task<void> flush_once(StatePtr state) {
  if (BIO_ctrl_pending(state->outgoing) == 0) co_return Result<void>{};
  const auto bytes = begin_flush(*state);
  auto written = co_await state->lower->write_all(bytes);
  end_flush(*state, written);
  co_return written;
}

Task<void> flush_all(StatePtr state) {
  while (state->flushing || BIO_ctrl_pending(state->outgoing) != 0) {
    if (state->write_failure) break;
    if (state->flushing) {
      ++state->waiting_for_flush;
      co_await state->flushed.async_wait(as_result);
      --state->waiting_for_flush;
      continue;
    }
    HOOP_CO_CHECK(co_await flush_once(state));
  }
  if (state->write_failure) co_return std::unexpected(*state->write_failure);
  co_return Result<void>{};
}

// The reader does not wait for a writer, nor does it write on behalf of one: two peers that both
// did would wait for ever.
bool owes_replies(const TlsState& state) {
  return BIO_ctrl_pending(state.outgoing) != 0 && !state.flushing && !state.write_failure;
}

/// Nothing that SSL_read could make something of, nor an end to tell of: no need to ask it.
bool is_empty(const TlsState& state) {
  return BIO_ctrl_pending(state.incoming) == 0 && SSL_has_pending(state.ssl.get()) == 0 &&
         (SSL_get_shutdown(state.ssl.get()) & SSL_RECEIVED_SHUTDOWN) == 0;
}

/// False at the end of the lower stream.
Task<bool> fill(StatePtr state) {
  fit_read_buffer(*state);
  HOOP_CO_TRY(const auto count, co_await state->lower->read_some(state->read_buffer));
  state->last_read = count;
  if (count == 0) co_return false;
  std::size_t kept = 0;
  HOOP_ASSERT(BIO_write_ex(state->incoming, state->read_buffer.data(), count, &kept) == 1 &&
              kept == count);
  co_return true;
}

Task<std::size_t> read(StatePtr state, MutableByteSpan out) {
  HOOP_ASSERT(!out.empty());
  for (;;) {
    if (state->read_failure) co_return std::unexpected(*state->read_failure);
    if (!is_empty(*state)) {
      clear_errors();
      std::size_t count = 0;
      const int done = SSL_read_ex(state->ssl.get(), out.data(), out.size(), &count);
      const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(state->ssl.get(), done);
      if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_ZERO_RETURN)
        state->read_failure = tls_failure("read", *state);
      Result<void> replied;
      if (owes_replies(*state)) replied = co_await flush_once(state);
      if (why == SSL_ERROR_NONE) co_return count;
      if (why == SSL_ERROR_ZERO_RETURN) co_return std::size_t{0};
      if (why != SSL_ERROR_WANT_READ) continue;
      if (!replied) co_return std::unexpected(replied.error());
    }
    HOOP_CO_TRY(const bool more, co_await fill(state));
    // Without close_notify anybody on the way may have cut the stream off (RFC 8446 §6.1).
    if (!more)
      state->read_failure = Error{
          ErrorCode::io,
          fmt::format("read {}: the TLS stream was cut off without close_notify", state->peer),
          {},
          {}};
  }
}

Task<void> write(StatePtr state, ByteSpan in) {
  while (!in.empty()) {
    if (state->write_failure) co_return std::unexpected(*state->write_failure);
    clear_errors();
    const auto chunk = in.first(std::min(in.size(), kWriteChunkBytes));
    std::size_t taken = 0;
    if (SSL_write_ex(state->ssl.get(), chunk.data(), chunk.size(), &taken) != 1)
      co_return std::unexpected(tls_failure("write", *state));
    in = in.subspan(taken);
    HOOP_CO_CHECK(co_await flush_all(state));
  }
  co_return Result<void>{};
}

Task<void> finish_write(StatePtr state, Task<void> flushing) {
  const Result<void> written = co_await std::move(flushing);
  end_flush(*state, written);
  if (!written) co_return written;
  co_return co_await flush_all(std::move(state));
}

Eventually<Result<void>> start_write(const StatePtr& state, ByteSpan in) {
  using Written = Eventually<Result<void>>;
  const bool is_simple = !in.empty() && in.size() <= kWriteChunkBytes && !state->write_failure &&
                         !state->flushing && BIO_ctrl_pending(state->outgoing) == 0;
  if (!is_simple) return Written(write(state, in));
  clear_errors();
  std::size_t taken = 0;
  if (SSL_write_ex(state->ssl.get(), in.data(), in.size(), &taken) != 1)
    return Written(Result<void>(std::unexpected(tls_failure("write", *state))));
  HOOP_ASSERT(taken == in.size());  // a memory BIO takes all
  auto flushing = state->lower->start_write(begin_flush(*state));
  if (!flushing.ready()) return Written(finish_write(state, flushing.wait()));
  Result<void> written = flushing.take();
  end_flush(*state, written);
  return Written(std::move(written));
}

Task<void> shut_down(StatePtr state) {
  clear_errors();
  if (SSL_shutdown(state->ssl.get()) < 0)
    co_return std::unexpected(tls_failure("shut down", *state));
  co_return co_await flush_all(state);
}

Bytes export_keys(const TlsState& state, std::string_view label) {
  // Before 1.3 the material is not bound to the whole handshake (RFC 7627 §1).
  if (SSL_version(state.ssl.get()) != TLS1_3_VERSION) return {};
  Bytes out(kExporterBytes);
  const int done = SSL_export_keying_material(state.ssl.get(), out.data(), out.size(), label.data(),
                                              label.size(), nullptr, 0, 0);
  if (done == 1) return out;
  ERR_clear_error();
  return {};
}

class TlsStream final : public Stream {
 public:
  explicit TlsStream(StatePtr state) : state_(std::move(state)) {}
  ~TlsStream() override {
    if (state_) state_->lower->close();
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Task<std::size_t> read_some(MutableByteSpan out) override { return read(state_, out); }
  Task<void> write_all(ByteSpan in) override { return write(state_, in); }
  Eventually<Result<void>> start_write(ByteSpan in) override {
    return net::start_write(state_, in);
  }
  Task<void> shutdown_write() override { return shut_down(state_); }
  void close() override { state_->lower->close(); }
  void set_deadline(Deadline deadline) override { state_->lower->set_deadline(deadline); }
  asio::any_io_executor executor() override { return state_->lower->executor(); }
  Result<StreamPtr> move_to(const asio::any_io_executor& executor) override {
    HOOP_ASSERT(!state_->flushing);
    HOOP_TRY(state_->lower, state_->lower->move_to(executor));
    state_->flushed = asio::steady_timer(executor, SteadyTime::max());
    return std::make_unique<TlsStream>(std::move(state_));
  }
  Bytes server_end_point() const override { return state_->end_point; }
  std::string application_protocol() const override {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(state_->ssl.get(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
  }
  bool has_input() const override {
    return SSL_pending(state_->ssl.get()) > 0 || BIO_ctrl_pending(state_->incoming) > 0 ||
           state_->lower->has_input();
  }
  Bytes exporter(std::string_view label) const override { return export_keys(*state_, label); }
  std::string peer_name() const override { return state_->peer; }

 private:
  StatePtr state_;
};

Task<void> handshake_rounds(StatePtr state) {
  for (;;) {
    clear_errors();
    const int done = SSL_do_handshake(state->ssl.get());
    const int why = SSL_get_error(state->ssl.get(), done);
    std::optional<Error> failure;
    if (why != SSL_ERROR_NONE && why != SSL_ERROR_WANT_READ)
      failure = tls_failure("TLS handshake with", *state);
    const auto flushed = co_await flush_all(state);
    if (failure) co_return std::unexpected(std::move(*failure));
    if (!flushed)
      co_return std::unexpected(
          flushed.error().within(fmt::format("TLS handshake with {}", state->peer)));
    if (why == SSL_ERROR_NONE) co_return Result<void>{};
    auto more = co_await fill(state);
    if (!more)
      co_return std::unexpected(
          more.error().within(fmt::format("TLS handshake with {}", state->peer)));
    if (!*more)
      co_return fail(
          ErrorCode::io,
          fmt::format("TLS handshake with {}: the peer closed the connection", state->peer));
  }
}

/// RFC 5929 §4.1: the hash of the certificate's own signature, SHA-256 in place of MD5 and SHA-1.
Bytes end_point_of(const SSL* ssl) {
  X509* certificate = SSL_get0_peer_certificate(ssl);
  int digest = NID_undef;
  if (certificate == nullptr ||
      X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) != 1)
    return {};
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  const EVP_MD* algorithm = EVP_get_digestbynid(digest);
  // Ed25519 and the like have no separate hash: RFC 5929 leaves the binding undefined.
  if (algorithm == nullptr) return {};
  Bytes out(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (X509_digest(certificate, algorithm, out.data(), &length) != 1) return {};
  out.resize(length);
  return out;
}

}  // namespace

TlsState::TlsState(StreamPtr below, SslPtr connection)
    : lower(std::move(below)),
      ssl(std::move(connection)),
      incoming(BIO_new(BIO_s_mem())),
      outgoing(BIO_new(BIO_s_mem())),
      read_buffer(kIdleBytes),
      flushed(lower->executor(), SteadyTime::max()),
      peer(lower->peer_name()) {
  HOOP_ASSERT(ssl != nullptr && incoming != nullptr && outgoing != nullptr);
  SSL_set_bio(ssl.get(), incoming, outgoing);
}

Task<StreamPtr> shake_hands(std::shared_ptr<TlsState> state,
                            std::shared_ptr<CertificateCheck> check, Deadline deadline) {
  if (!deadline.is_never()) state->lower->set_deadline(deadline);
  SSL_set_app_data(state->ssl.get(), check.get());
  auto shaken = co_await handshake_rounds(state);
  SSL_set_app_data(state->ssl.get(), nullptr);
  if (!shaken && check && check->refusal) co_return std::unexpected(std::move(*check->refusal));
  if (!shaken) co_return std::unexpected(std::move(shaken).error());
  if (!deadline.is_never()) state->lower->set_deadline(Deadline::never());
  if (check) state->end_point = end_point_of(state->ssl.get());
  co_return std::make_unique<TlsStream>(std::move(state));
}

}  // namespace hoop::net
