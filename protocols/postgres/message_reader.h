// SPDX-License-Identifier: Apache-2.0
// Bytes to messages, no I/O: framing in a receive buffer, and one strict decoder a message.
#pragma once

#include <memory>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// Holds what was received and cuts it into messages. Usage: prepare() → read into it → commit(n) →
/// next() until nullopt. Frames are views into the buffer and stay valid until the next prepare()
/// or release().
class FrameReader {
 public:
  /// max_message bounds tag, length and body of one message; lower it before the peer is
  /// authenticated.
  explicit FrameReader(std::size_t max_message = kMaxMessageBytes) : max_message_(max_message) {}
  FrameReader(FrameReader&&) noexcept = default;
  FrameReader& operator=(FrameReader&&) noexcept = default;

  /// Space to receive into, never empty, not initialised. Starts at 4 KiB, is 64 KiB once that was
  /// filled, 256 KiB once that was filled four times running, and more only for a message under way
  /// that needs it; shrinks when reads get small again.
  MutableByteSpan prepare();
  /// The same, with at least size bytes.
  MutableByteSpan prepare(std::size_t size);
  /// The first count bytes of what prepare() gave are now received.
  void commit(std::size_t count);
  /// prepare, copy, commit: for tests and for bytes that were read elsewhere.
  void append(ByteSpan bytes);

  /// Takes one message off the front. Layout: tag u8, length u32 big-endian (counts itself, not the
  /// tag), body. nullopt: receive more and call again. Fails with malformed (length < 4, a tag that
  /// this direction does not have; as soon as five bytes, or the tag, show it) or too_large; the
  /// reader is of no use after that, but for large(). PostgreSQL docs, "protocol-message-formats".
  Result<std::optional<Frame>> next(Direction direction);
  /// Of the message that was too large for next(): nullopt if that is not why it failed.
  std::optional<LargeFrame> large() const;
  /// Takes up to most bytes off the front without a look at them; empty: receive more. For the
  /// bytes of a large message, and no others.
  ByteSpan take_piece(std::uint64_t most);
  /// The same for the untagged messages that begin a connection: length u32, body without it. Fails
  /// with malformed (length < 8) or too_large (kMaxStartupBytes). tag is 0.
  Result<std::optional<Frame>> next_startup();

  /// Received and not yet taken by next(): zero at a message boundary.
  std::size_t buffered() const { return filled_ - taken_; }
  ByteSpan unread() const { return {buffer_.get() + taken_, buffered()}; }
  std::size_t capacity() const { return capacity_; }
  /// Gives the buffer back if nothing is buffered. Frames die.
  void release();
  void set_max_message(std::size_t max_message) { max_message_ = max_message; }

 private:
  Result<std::optional<Frame>> cut(std::size_t whole, std::size_t header, char tag);
  void move_to(std::size_t capacity);

  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t capacity_ = 0;
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
  std::size_t needed_ = 0;  // size of the message under way, once its header is there
  std::size_t max_message_;
  std::size_t offered_ = 0;
  unsigned full_reads_ = 0;
  unsigned small_reads_ = 0;
};

// Decoders of Frame::body. Each checks every count and length against what is there, wants C
// strings terminated, and refuses bytes after the end. They fail with malformed; the message names
// the PostgreSQL message and what is off, never its content.

Result<Query> decode_query(ByteSpan body);
Result<Parse> decode_parse(ByteSpan body);
Result<Bind> decode_bind(ByteSpan body);
Result<Describe> decode_describe(ByteSpan body);
Result<Close> decode_close(ByteSpan body);
Result<Execute> decode_execute(ByteSpan body);
Result<Flush> decode_flush(ByteSpan body);
Result<Sync> decode_sync(ByteSpan body);
Result<Terminate> decode_terminate(ByteSpan body);
Result<CopyData> decode_copy_data(ByteSpan body);
Result<CopyDone> decode_copy_done(ByteSpan body);
Result<CopyFail> decode_copy_fail(ByteSpan body);
Result<FunctionCall> decode_function_call(ByteSpan body);
// Tag 'p' is one of three; which one is known from what was asked.
Result<PasswordMessage> decode_password_message(ByteSpan body);
Result<SASLInitialResponse> decode_sasl_initial_response(ByteSpan body);
Result<SASLResponse> decode_sasl_response(ByteSpan body);

/// body is what next_startup() gave. Fails with malformed, too_large (more than
/// kMaxStartupParameters), unsupported (a protocol other than 3.x).
Result<StartupPacket> decode_startup_packet(ByteSpan body);
inline constexpr std::size_t kMaxStartupParameters = 64;

Result<Authentication> decode_authentication(ByteSpan body);
Result<BackendKeyData> decode_backend_key_data(ByteSpan body);
Result<BindComplete> decode_bind_complete(ByteSpan body);
Result<CloseComplete> decode_close_complete(ByteSpan body);
Result<CommandComplete> decode_command_complete(ByteSpan body);
Result<CopyInResponse> decode_copy_in_response(ByteSpan body);
Result<CopyOutResponse> decode_copy_out_response(ByteSpan body);
Result<CopyBothResponse> decode_copy_both_response(ByteSpan body);
Result<DataRow> decode_data_row(ByteSpan body);
Result<EmptyQueryResponse> decode_empty_query_response(ByteSpan body);
Result<ErrorResponse> decode_error_response(ByteSpan body);
Result<NoticeResponse> decode_notice_response(ByteSpan body);
Result<NotificationResponse> decode_notification_response(ByteSpan body);
Result<NoData> decode_no_data(ByteSpan body);
Result<NegotiateProtocolVersion> decode_negotiate_protocol_version(ByteSpan body);
Result<ParameterDescription> decode_parameter_description(ByteSpan body);
Result<ParameterStatus> decode_parameter_status(ByteSpan body);
Result<ParseComplete> decode_parse_complete(ByteSpan body);
Result<PortalSuspended> decode_portal_suspended(ByteSpan body);
Result<ReadyForQuery> decode_ready_for_query(ByteSpan body);
Result<RowDescription> decode_row_description(ByteSpan body);
Result<FunctionCallResponse> decode_function_call_response(ByteSpan body);

/// Walks a DataRow's values once, checking as it goes: the hot path, where decode_data_row would
/// walk twice. Usage: open, then next until it does not answer value; end says that the row was
/// whole and had nothing after it.
class DataRowReader {
 public:
  enum class Step { value, end, malformed };
  /// nullopt: no valid column count.
  static std::optional<DataRowReader> open(ByteSpan body);
  std::size_t columns() const { return columns_; }
  Step next(Value& value);

 private:
  DataRowReader(ByteReader in, std::size_t columns) : in_(in), columns_(columns), left_(columns) {}
  ByteReader in_;
  std::size_t columns_;
  std::size_t left_;
};

}  // namespace hoop::postgres
