// SPDX-License-Identifier: Apache-2.0
// The messages of the PostgreSQL v3 protocol, one value type each, named as in the docs
// ("protocol-message-formats"). Decoded values are views into the frame that they were read from
// and live as long as it does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "core/base/bytes.h"
#include "protocols/postgres/wire_list.h"

namespace hoop::postgres {

using Oid = std::uint32_t;

/// A held message: tag, length and body together (design "Rules", 6). Larger ones are refused, but
/// for rows and COPY data that nothing would look into.
inline constexpr std::size_t kMaxMessageBytes = 16U << 20;
/// StartupMessage, SSLRequest, GSSENCRequest, CancelRequest: the server's own
/// MAX_STARTUP_PACKET_LENGTH.
inline constexpr std::size_t kMaxStartupBytes = 10'000;
/// BackendKeyData and CancelRequest since protocol 3.2; 4 bytes before.
inline constexpr std::size_t kMaxCancelKeyBytes = 256;

inline constexpr std::uint32_t kProtocol30 = 0x0003'0000;
inline constexpr std::uint32_t kProtocol32 = 0x0003'0002;
inline constexpr std::uint32_t kCancelRequestCode = 80877102;
inline constexpr std::uint32_t kSslRequestCode = 80877103;
inline constexpr std::uint32_t kGssEncRequestCode = 80877104;

/// Who wrote the bytes: the tags mean different messages in each direction.
enum class Direction { from_frontend, from_backend };

/// One whole message as it came. whole is what is forwarded, body what is decoded.
struct Frame {
  char tag = 0;
  ByteSpan body;
  ByteSpan whole;
};

/// A message that is not held, but passed on in pieces.
struct LargeFrame {
  char tag = 0;
  std::uint64_t size = 0;  // of the whole message
};

enum class Format : std::uint16_t { text = 0, binary = 1 };

/// A parameter's or a column's value; nullopt is SQL NULL.
using Value = std::optional<ByteSpan>;

// How the items of the lists below lie in a message; nullopt: not a whole, valid item.
std::optional<Oid> take_oid(ByteReader& in);
std::optional<Format> take_format(ByteReader& in);
std::optional<Value> take_value(ByteReader& in);

using OidList = WireList<Oid, take_oid>;
using FormatList = WireList<Format, take_format>;
using ValueList = WireList<Value, take_value>;

// ---- What the frontend sends ----

struct Query {
  std::string_view text;
};
struct Parse {
  std::string_view statement;
  std::string_view text;
  OidList parameter_types;
};
struct Bind {
  std::string_view portal;
  std::string_view statement;
  FormatList parameter_formats;  // none (all text), one for all, or one each
  ValueList parameters;
  FormatList result_formats;  // none (all text), one for all, or one a column
};
enum class Named : char { statement = 'S', portal = 'P' };
struct Describe {
  Named what = Named::statement;
  std::string_view name;
};
struct Close {
  Named what = Named::statement;
  std::string_view name;
};
struct Execute {
  std::string_view portal;
  std::uint32_t max_rows = 0;
};  // 0: all
struct Flush {};
struct Sync {};
struct Terminate {};
struct CopyData {
  ByteSpan data;
};
struct CopyDone {};
struct CopyFail {
  std::string_view message;
};
struct FunctionCall {
  Oid function = 0;
  FormatList argument_formats;
  ValueList arguments;
  Format result_format = Format::text;
};
struct PasswordMessage {
  std::string_view password;
};
struct SASLInitialResponse {
  std::string_view mechanism;
  Value response;
};
struct SASLResponse {
  ByteSpan data;
};

// ---- The untagged messages that begin a connection ----

struct StartupParameter {
  std::string_view name;
  std::string_view value;
};
std::optional<StartupParameter> take_startup_parameter(ByteReader& in);
using StartupParameterList = WireList<StartupParameter, take_startup_parameter>;

struct StartupMessage {
  std::uint32_t version = kProtocol30;
  StartupParameterList parameters;
};
struct SSLRequest {};
struct GSSENCRequest {};
/// key_data is the process id and the secret key as they came: what BackendKeyData's body was.
struct CancelRequest {
  std::uint32_t process_id = 0;
  ByteSpan secret_key;
  ByteSpan key_data;
};
using StartupPacket = std::variant<StartupMessage, SSLRequest, GSSENCRequest, CancelRequest>;

// ---- What the backend sends ----

std::optional<std::string_view> take_name(ByteReader& in);
using NameList = WireList<std::string_view, take_name>;

struct AuthenticationOk {};
struct AuthenticationKerberosV5 {};
struct AuthenticationCleartextPassword {};
struct AuthenticationMD5Password {
  std::array<std::uint8_t, 4> salt{};
};
struct AuthenticationGSS {};
struct AuthenticationGSSContinue {
  ByteSpan data;
};
struct AuthenticationSSPI {};
struct AuthenticationSASL {
  NameList mechanisms;
};
struct AuthenticationSASLContinue {
  ByteSpan data;
};
struct AuthenticationSASLFinal {
  ByteSpan data;
};
using Authentication =
    std::variant<AuthenticationOk, AuthenticationKerberosV5, AuthenticationCleartextPassword,
                 AuthenticationMD5Password, AuthenticationGSS, AuthenticationGSSContinue,
                 AuthenticationSSPI, AuthenticationSASL, AuthenticationSASLContinue,
                 AuthenticationSASLFinal>;

/// secret_key is 4 bytes in protocol 3.0, up to kMaxCancelKeyBytes since 3.2.
struct BackendKeyData {
  std::uint32_t process_id = 0;
  ByteSpan secret_key;
};
struct BindComplete {};
struct CloseComplete {};
struct CommandComplete {
  std::string_view tag;
};
struct CopyInResponse {
  Format format = Format::text;
  FormatList columns;
};
struct CopyOutResponse {
  Format format = Format::text;
  FormatList columns;
};
struct CopyBothResponse {
  Format format = Format::text;
  FormatList columns;
};
struct DataRow {
  ValueList values;
};
struct EmptyQueryResponse {};

/// PostgreSQL docs, "protocol-error-fields".
struct ErrorField {
  char code = 0;
  std::string_view value;
};
std::optional<ErrorField> take_error_field(ByteReader& in);
using ErrorFields = WireList<ErrorField, take_error_field>;
/// The value of the first field with that code; empty if there is none.
std::string_view find_field(const ErrorFields& fields, char code);
struct ErrorResponse {
  ErrorFields fields;
};
struct NoticeResponse {
  ErrorFields fields;
};

struct NotificationResponse {
  std::uint32_t process_id = 0;
  std::string_view channel;
  std::string_view payload;
};
struct NoData {};
/// version is the newest that the server takes, as a whole (0x00030000), whatever the docs say
/// about "minor".
struct NegotiateProtocolVersion {
  std::uint32_t version = 0;
  NameList unknown_options;
};
struct ParameterDescription {
  OidList types;
};
struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};
struct ParseComplete {};
struct PortalSuspended {};
enum class TransactionStatus : char { idle = 'I', in_transaction = 'T', failed = 'E' };
struct ReadyForQuery {
  TransactionStatus status = TransactionStatus::idle;
};

/// table and column are zero when the output is not simply a column of a relation.
struct FieldDescription {
  std::string_view name;
  Oid table = 0;
  std::int16_t column = 0;
  Oid type = 0;
  std::int16_t type_size = 0;
  std::int32_t type_modifier = 0;
  Format format = Format::text;
};
std::optional<FieldDescription> take_field_description(ByteReader& in);
using FieldDescriptionList = WireList<FieldDescription, take_field_description>;
struct RowDescription {
  FieldDescriptionList fields;
};
struct FunctionCallResponse {
  Value result;
};

}  // namespace hoop::postgres
