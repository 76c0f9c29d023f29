// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "protocols/postgres/decode.h"
#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {

using detail::Decoder;

std::optional<std::string_view> take_name(ByteReader& in) { return in.c_string(); }

std::optional<ErrorField> take_error_field(ByteReader& in) {
  const auto code = in.u8();
  if (!code || *code == 0) return std::nullopt;
  const auto value = in.c_string();
  if (!value) return std::nullopt;
  return ErrorField{static_cast<char>(*code), *value};
}

std::optional<FieldDescription> take_field_description(ByteReader& in) {
  const auto name = in.c_string();
  const auto numbers = in.take(16);
  if (!name || !numbers) return std::nullopt;
  ByteReader fixed(*numbers);
  const auto format = take_format(in);
  if (!format) return std::nullopt;
  FieldDescription field;
  field.name = *name;
  field.table = *fixed.u32();
  field.column = *fixed.i16();
  field.type = *fixed.u32();
  field.type_size = *fixed.i16();
  field.type_modifier = *fixed.i32();
  field.format = *format;
  return field;
}

std::string_view find_field(const ErrorFields& fields, char code) {
  for (const ErrorField& field : fields) {
    if (field.code == code) return field.value;
  }
  return {};
}

namespace {

// PostgreSQL docs, "protocol-message-formats": the Int32 that follows tag 'R'.
enum class AuthenticationCode : std::uint32_t {
  ok = 0,
  kerberos_v5 = 2,
  cleartext_password = 3,
  md5_password = 5,
  gss = 7,
  gss_continue = 8,
  sspi = 9,
  sasl = 10,
  sasl_continue = 11,
  sasl_final = 12,
};

constexpr std::size_t kMaxMechanisms = 16;
constexpr std::size_t kMaxErrorFields = 64;       // the docs name 18
constexpr std::uint32_t kMaxUnknownOptions = 64;  // as many as a startup message may have

Format take_copy_format(Decoder& in) {
  const std::uint8_t code = in.u8("format");
  in.require(code <= 1, "format");
  return static_cast<Format>(code);
}

template <class Message>
Result<Message> decode_copy_response(std::string_view name, ByteSpan body) {
  Decoder in(name, body);
  Message message;
  message.format = take_copy_format(in);
  message.columns = in.signed_list<FormatList>("column formats");
  return in.finish(message);
}

template <class Message>
Result<Message> decode_fields(std::string_view name, ByteSpan body) {
  Decoder in(name, body);
  Message message;
  message.fields = in.to_nul<ErrorFields>(kMaxErrorFields, "fields");
  return in.finish(message);
}

Authentication take_md5(Decoder& in) {
  AuthenticationMD5Password message;
  const ByteSpan salt = in.bytes(message.salt.size(), "salt");
  if (salt.size() == message.salt.size()) std::copy(salt.begin(), salt.end(), message.salt.begin());
  return message;
}

}  // namespace

Result<Authentication> decode_authentication(ByteSpan body) {
  Decoder in("Authentication", body);
  const auto code = static_cast<AuthenticationCode>(in.u32("type"));
  switch (code) {
    case AuthenticationCode::ok: return in.finish<Authentication>(AuthenticationOk{});
    case AuthenticationCode::kerberos_v5:
      return in.finish<Authentication>(AuthenticationKerberosV5{});
    case AuthenticationCode::cleartext_password:
      return in.finish<Authentication>(AuthenticationCleartextPassword{});
    case AuthenticationCode::md5_password: {
      const Authentication message = take_md5(in);
      return in.finish(message);
    }
    case AuthenticationCode::gss: return in.finish<Authentication>(AuthenticationGSS{});
    case AuthenticationCode::gss_continue:
      return Authentication(AuthenticationGSSContinue{in.rest()});
    case AuthenticationCode::sspi: return in.finish<Authentication>(AuthenticationSSPI{});
    case AuthenticationCode::sasl: {
      const AuthenticationSASL message{in.to_nul<NameList>(kMaxMechanisms, "mechanisms")};
      return in.finish<Authentication>(message);
    }
    case AuthenticationCode::sasl_continue:
      return Authentication(AuthenticationSASLContinue{in.rest()});
    case AuthenticationCode::sasl_final: return Authentication(AuthenticationSASLFinal{in.rest()});
  }
  return fail(ErrorCode::malformed, "Authentication message: type is not valid");
}

Result<BackendKeyData> decode_backend_key_data(ByteSpan body) {
  Decoder in("BackendKeyData", body);
  BackendKeyData message;
  message.process_id = in.u32("process id");
  in.require(in.left() >= 4 && in.left() <= kMaxCancelKeyBytes, "secret key");
  message.secret_key = in.rest();
  return in.finish(message);
}

Result<BindComplete> decode_bind_complete(ByteSpan body) {
  return Decoder("BindComplete", body).finish(BindComplete{});
}
Result<CloseComplete> decode_close_complete(ByteSpan body) {
  return Decoder("CloseComplete", body).finish(CloseComplete{});
}

Result<CommandComplete> decode_command_complete(ByteSpan body) {
  Decoder in("CommandComplete", body);
  const CommandComplete message{in.text("command tag")};
  return in.finish(message);
}

Result<CopyInResponse> decode_copy_in_response(ByteSpan body) {
  return decode_copy_response<CopyInResponse>("CopyInResponse", body);
}
Result<CopyOutResponse> decode_copy_out_response(ByteSpan body) {
  return decode_copy_response<CopyOutResponse>("CopyOutResponse", body);
}
Result<CopyBothResponse> decode_copy_both_response(ByteSpan body) {
  return decode_copy_response<CopyBothResponse>("CopyBothResponse", body);
}

Result<DataRow> decode_data_row(ByteSpan body) {
  Decoder in("DataRow", body);
  const DataRow message{in.signed_list<ValueList>("values")};
  return in.finish(message);
}

Result<EmptyQueryResponse> decode_empty_query_response(ByteSpan body) {
  return Decoder("EmptyQueryResponse", body).finish(EmptyQueryResponse{});
}

Result<ErrorResponse> decode_error_response(ByteSpan body) {
  return decode_fields<ErrorResponse>("ErrorResponse", body);
}
Result<NoticeResponse> decode_notice_response(ByteSpan body) {
  return decode_fields<NoticeResponse>("NoticeResponse", body);
}

Result<NotificationResponse> decode_notification_response(ByteSpan body) {
  Decoder in("NotificationResponse", body);
  NotificationResponse message;
  message.process_id = in.u32("process id");
  message.channel = in.text("channel");
  message.payload = in.text("payload");
  return in.finish(message);
}

Result<NoData> decode_no_data(ByteSpan body) { return Decoder("NoData", body).finish(NoData{}); }

Result<NegotiateProtocolVersion> decode_negotiate_protocol_version(ByteSpan body) {
  Decoder in("NegotiateProtocolVersion", body);
  NegotiateProtocolVersion message;
  message.version = in.u32("version");
  const std::uint32_t count = in.u32("number of options");
  in.require(count <= kMaxUnknownOptions, "number of options");
  message.unknown_options = in.counted<NameList>(count, "options");
  return in.finish(message);
}

Result<ParameterDescription> decode_parameter_description(ByteSpan body) {
  Decoder in("ParameterDescription", body);
  const ParameterDescription message{in.list<OidList>("types")};
  return in.finish(message);
}

Result<ParameterStatus> decode_parameter_status(ByteSpan body) {
  Decoder in("ParameterStatus", body);
  ParameterStatus message;
  message.name = in.text("name");
  message.value = in.text("value");
  return in.finish(message);
}

Result<ParseComplete> decode_parse_complete(ByteSpan body) {
  return Decoder("ParseComplete", body).finish(ParseComplete{});
}
Result<PortalSuspended> decode_portal_suspended(ByteSpan body) {
  return Decoder("PortalSuspended", body).finish(PortalSuspended{});
}

Result<ReadyForQuery> decode_ready_for_query(ByteSpan body) {
  Decoder in("ReadyForQuery", body);
  const auto status = static_cast<char>(in.u8("transaction status"));
  in.require(status == 'I' || status == 'T' || status == 'E', "transaction status");
  return in.finish(ReadyForQuery{static_cast<TransactionStatus>(status)});
}

Result<RowDescription> decode_row_description(ByteSpan body) {
  Decoder in("RowDescription", body);
  const RowDescription message{in.signed_list<FieldDescriptionList>("fields")};
  return in.finish(message);
}

Result<FunctionCallResponse> decode_function_call_response(ByteSpan body) {
  Decoder in("FunctionCallResponse", body);
  const FunctionCallResponse message{in.value("result")};
  return in.finish(message);
}

}  // namespace hoop::postgres
