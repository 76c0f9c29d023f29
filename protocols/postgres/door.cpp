// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/door.h"

#include <fmt/format.h>

#include <array>

#include "core/base/encoding.h"
#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"
#include "protocols/postgres/receive.h"
#include "protocols/postgres/sqlstate.h"
#include "protocols/postgres/startup.h"

namespace hoop::postgres {
namespace {

// The secret behind them has 256 bits, which no number of iterations makes safer. JDBC's and some
// of Python's SCRAM refuse fewer than RFC 7677 §4 wants; they connect by TCP. What finds a Unix
// socket takes any number, as PostgreSQL's scram_iterations allows it, and libpq needs 7 ms for
// 4096 of them, each time a program connects.
constexpr std::uint32_t kTcpIterations = 4096;
constexpr std::uint32_t kUnixIterations = 64;
constexpr std::size_t kDoorSaltBytes = 16;
constexpr std::uint8_t kTlsHandshakeRecord = 0x16;
// TLS alert, fatal, handshake_failure: what a client with sslnegotiation=direct understands.
constexpr std::array<std::uint8_t, 7> kTlsRefusal = {0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28};

/// One handshake: the stream and what was read from it. Lives in the coroutine frame of open().
class Handshake {
 public:
  Handshake(net::Stream& stream, const ScramVerifier& verifier, Random& random)
      : stream_(stream), verifier_(verifier), random_(random), reader_(kMaxStartupBytes) {}

  Task<session::Opening> run();
  /// What the program is told of error, in the protocol that it speaks.
  Bytes refusal(const Error& error) const;

 private:
  Task<Frame> receive_startup();
  Task<StartupPacket> first_packet();
  Task<void> refuse_encryption(bool& asked);
  Task<void> authenticate(Bytes out);
  Result<std::string> challenge(const Frame& frame, ScramServer& scram);

  net::Stream& stream_;
  const ScramVerifier& verifier_;
  Random& random_;
  FrameReader reader_;
  bool began_with_tls_ = false;
};

Task<session::Opening> Handshake::run() {
  HOOP_CO_TRY(const auto packet, co_await first_packet());
  session::Opening opening;
  if (const auto* cancel = std::get_if<CancelRequest>(&packet)) {
    opening.kind = session::Opening::Kind::cancel;
    opening.cancel_key.assign(cancel->key_data.begin(), cancel->key_data.end());
    co_return opening;
  }
  HOOP_CO_TRY(auto startup, judge_startup(std::get<StartupMessage>(packet)));
  Bytes out;
  if (startup.needs_negotiation) {
    const std::vector<std::string_view> unknown(startup.unknown_options.begin(),
                                                startup.unknown_options.end());
    append_negotiate_protocol_version(out, kProtocol30, unknown);
  }
  HOOP_CO_CHECK(co_await authenticate(std::move(out)));
  opening.parameters = std::move(startup.parameters);
  co_return opening;
}

Task<Frame> Handshake::receive_startup() {
  for (;;) {
    if (reader_.buffered() != 0 && reader_.unread().front() == kTlsHandshakeRecord) {
      began_with_tls_ = true;
      co_return fail(
          ErrorCode::unsupported, "the program began with TLS, which this endpoint does not speak",
          "set sslmode=disable and sslnegotiation=postgres: the endpoint is local to this machine");
    }
    HOOP_CO_TRY(const auto frame, reader_.next_startup());
    if (frame) co_return *frame;
    HOOP_CO_TRY(const auto count, co_await stream_.read_some(reader_.prepare()));
    if (count == 0)
      co_return fail(ErrorCode::io,
                     "the program closed the connection before it said what it wants");
    reader_.commit(count);
  }
}

Task<StartupPacket> Handshake::first_packet() {
  bool ssl_asked = false;
  bool gss_asked = false;
  for (;;) {
    HOOP_CO_TRY(const auto frame, co_await receive_startup());
    HOOP_CO_TRY(const auto packet, decode_startup_packet(frame.body));
    if (std::holds_alternative<SSLRequest>(packet)) {
      HOOP_CO_CHECK(co_await refuse_encryption(ssl_asked));
    } else if (std::holds_alternative<GSSENCRequest>(packet)) {
      HOOP_CO_CHECK(co_await refuse_encryption(gss_asked));
    } else {
      co_return packet;
    }
  }
}

Task<void> Handshake::refuse_encryption(bool& asked) {
  if (asked)
    co_return fail(ErrorCode::malformed, "the program asked twice for encryption that was refused");
  asked = true;
  constexpr static std::array<std::uint8_t, 1> kNo = {'N'};
  co_return co_await stream_.write_all(kNo);
}

Task<void> Handshake::authenticate(Bytes out) {
  constexpr std::array<std::string_view, 1> kMechanisms = {kScramSha256};
  append_authentication_sasl(out, kMechanisms);
  HOOP_CO_CHECK(co_await stream_.write_all(out));

  reader_.set_max_message(kMaxScramMessageBytes +
                          64);  // mechanism, lengths and tag around a SCRAM message
  ScramServer scram(verifier_, make_scram_nonce(random_));
  HOOP_CO_TRY(const auto initial, co_await receive(stream_, reader_, Direction::from_frontend));
  HOOP_CO_TRY(const auto server_first, challenge(initial, scram));
  out.clear();
  append_authentication_sasl_continue(out, server_first);
  HOOP_CO_CHECK(co_await stream_.write_all(out));

  HOOP_CO_TRY(const auto response, co_await receive(stream_, reader_, Direction::from_frontend));
  if (response.tag != 'p') co_return fail(ErrorCode::malformed, "expected a SASLResponse");
  HOOP_CO_TRY(const auto server_final, scram.finish(as_text(response.body)));
  // Nothing may follow before the program has heard that it is in: it would be lost between door
  // and handler.
  if (reader_.buffered() != 0)
    co_return fail(ErrorCode::malformed, "the program sent messages before it was authenticated");
  out.clear();
  append_authentication_sasl_final(out, server_final);
  append_authentication_ok(out);
  co_return co_await stream_.write_all(out);
}

Result<std::string> Handshake::challenge(const Frame& frame, ScramServer& scram) {
  if (frame.tag != 'p') return fail(ErrorCode::malformed, "expected a SASLInitialResponse");
  HOOP_TRY(const auto initial, decode_sasl_initial_response(frame.body));
  if (initial.mechanism != kScramSha256) {
    return fail(ErrorCode::unsupported,
                fmt::format("SASL mechanism '{}' was not offered",
                            neutralise(initial.mechanism, 64, Lines::escape)));
  }
  if (!initial.response)
    return fail(ErrorCode::malformed, "SASLInitialResponse without a response");
  return scram.first(as_text(*initial.response));
}

Bytes Handshake::refusal(const Error& error) const {
  if (began_with_tls_) return Bytes(kTlsRefusal.begin(), kTlsRefusal.end());
  Bytes out;
  append_error_response(out, to_report(error, Severity::fatal));
  return out;
}

/// A peer that is gone or too slow is told nothing.
bool can_be_told(ErrorCode code) {
  return code != ErrorCode::io && code != ErrorCode::timeout && code != ErrorCode::cancelled;
}

}  // namespace

PostgresDoor::PostgresDoor(const SecretText& password, Random& random, Behind behind)
    : verifier_(
          make_scram_verifier(password, random.bytes(kDoorSaltBytes),
                              behind == Behind::unix_socket ? kUnixIterations : kTcpIterations)),
      random_(random) {}

Task<session::Opening> PostgresDoor::open(net::Stream& downstream, Deadline deadline) {
  downstream.set_deadline(deadline);
  Handshake handshake(downstream, verifier_, random_);
  auto opening = co_await handshake.run();
  if (opening) {
    downstream.set_deadline(Deadline::never());
    co_return opening;
  }
  Error error = std::move(opening).error();
  if (error.code == ErrorCode::unauthenticated) {
    error.message = "password authentication failed at hoopctl's endpoint";
    error.hint =
        "the password is in the file that PGPASSFILE names; a program started by `hoopctl connect` "
        "finds it by itself";
  }
  if (can_be_told(error.code)) {
    const Bytes refusal = handshake.refusal(error);
    static_cast<void>(co_await downstream.write_all(refusal));
  }
  co_return std::unexpected(std::move(error));
}

Task<void> PostgresDoor::refuse(net::Stream& downstream, const Error& error) {
  Bytes out;
  append_error_response(out, to_report(error, Severity::fatal));
  co_return co_await downstream.write_all(out);
}

}  // namespace hoop::postgres
