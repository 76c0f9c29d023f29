// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/decode.h"
#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {

using detail::Decoder;

std::optional<Oid> take_oid(ByteReader& in) { return in.u32(); }

std::optional<Format> take_format(ByteReader& in) {
  const auto code = in.u16();
  if (!code || *code > 1) return std::nullopt;
  return static_cast<Format>(*code);
}

std::optional<Value> take_value(ByteReader& in) {
  const auto length = in.i32();
  if (!length || *length < -1) return std::nullopt;
  if (*length == -1) return Value();
  const auto bytes = in.take(static_cast<std::size_t>(*length));
  if (!bytes) return std::nullopt;
  return Value(*bytes);
}

std::optional<StartupParameter> take_startup_parameter(ByteReader& in) {
  const auto name = in.c_string();
  const auto value = in.c_string();
  if (!name || !value) return std::nullopt;
  return StartupParameter{*name, *value};
}

namespace {

bool fits(const FormatList& formats, std::size_t values) {
  return formats.size() <= 1 || formats.size() == values;
}

Named take_named(Decoder& in) {
  const auto what = static_cast<char>(in.u8("kind"));
  in.require(what == 'S' || what == 'P', "kind");
  return static_cast<Named>(what);
}

}  // namespace

Result<Query> decode_query(ByteSpan body) {
  Decoder in("Query", body);
  const Query message{in.text("query")};
  return in.finish(message);
}

Result<Parse> decode_parse(ByteSpan body) {
  Decoder in("Parse", body);
  Parse message;
  message.statement = in.text("statement name");
  message.text = in.text("query");
  message.parameter_types = in.list<OidList>("parameter types");
  return in.finish(message);
}

Result<Bind> decode_bind(ByteSpan body) {
  Decoder in("Bind", body);
  Bind message;
  message.portal = in.text("portal name");
  message.statement = in.text("statement name");
  message.parameter_formats = in.list<FormatList>("parameter formats");
  message.parameters = in.list<ValueList>("parameters");
  message.result_formats = in.list<FormatList>("result formats");
  in.require(fits(message.parameter_formats, message.parameters.size()),
             "number of parameter formats");
  return in.finish(message);
}

Result<Describe> decode_describe(ByteSpan body) {
  Decoder in("Describe", body);
  Describe message;
  message.what = take_named(in);
  message.name = in.text("name");
  return in.finish(message);
}

Result<Close> decode_close(ByteSpan body) {
  Decoder in("Close", body);
  Close message;
  message.what = take_named(in);
  message.name = in.text("name");
  return in.finish(message);
}

Result<Execute> decode_execute(ByteSpan body) {
  Decoder in("Execute", body);
  Execute message;
  message.portal = in.text("portal name");
  message.max_rows = in.u32("row limit");
  in.require(message.max_rows <= 0x7fff'ffff, "row limit");
  return in.finish(message);
}

Result<Flush> decode_flush(ByteSpan body) { return Decoder("Flush", body).finish(Flush{}); }
Result<Sync> decode_sync(ByteSpan body) { return Decoder("Sync", body).finish(Sync{}); }
Result<Terminate> decode_terminate(ByteSpan body) {
  return Decoder("Terminate", body).finish(Terminate{});
}
Result<CopyData> decode_copy_data(ByteSpan body) { return CopyData{body}; }
Result<CopyDone> decode_copy_done(ByteSpan body) {
  return Decoder("CopyDone", body).finish(CopyDone{});
}

Result<CopyFail> decode_copy_fail(ByteSpan body) {
  Decoder in("CopyFail", body);
  const CopyFail message{in.text("reason")};
  return in.finish(message);
}

Result<FunctionCall> decode_function_call(ByteSpan body) {
  Decoder in("FunctionCall", body);
  FunctionCall message;
  message.function = in.u32("function");
  message.argument_formats = in.list<FormatList>("argument formats");
  message.arguments = in.list<ValueList>("arguments");
  message.result_format = in.format("result format");
  in.require(fits(message.argument_formats, message.arguments.size()),
             "number of argument formats");
  return in.finish(message);
}

Result<PasswordMessage> decode_password_message(ByteSpan body) {
  Decoder in("PasswordMessage", body);
  const PasswordMessage message{in.text("password")};
  return in.finish(message);
}

Result<SASLInitialResponse> decode_sasl_initial_response(ByteSpan body) {
  Decoder in("SASLInitialResponse", body);
  SASLInitialResponse message;
  message.mechanism = in.text("mechanism");
  message.response = in.value("response");
  return in.finish(message);
}

Result<SASLResponse> decode_sasl_response(ByteSpan body) { return SASLResponse{body}; }

namespace {

Result<StartupPacket> decode_cancel_request(Decoder& in, ByteSpan key_data) {
  CancelRequest message;
  message.key_data = key_data;
  message.process_id = in.u32("process id");
  in.require(in.left() >= 4 && in.left() <= kMaxCancelKeyBytes, "secret key");
  message.secret_key = in.rest();
  HOOP_TRY(auto whole, in.finish(message));
  return whole;
}

}  // namespace

Result<StartupPacket> decode_startup_packet(ByteSpan body) {
  Decoder in("startup", body);
  const std::uint32_t code = in.u32("protocol version");
  if (code == kCancelRequestCode) return decode_cancel_request(in, body.subspan(4));
  if (code == kSslRequestCode) {
    HOOP_TRY(auto request, in.finish(SSLRequest{}));
    return request;
  }
  if (code == kGssEncRequestCode) {
    HOOP_TRY(auto request, in.finish(GSSENCRequest{}));
    return request;
  }
  if (body.size() >= 4 && code >> 16 != 3) {
    return fail(
        ErrorCode::unsupported,
        fmt::format("PostgreSQL protocol {}.{} is not spoken here", code >> 16, code & 0xffff),
        "use a client that speaks protocol 3.0, as every PostgreSQL since 7.4 does");
  }
  StartupMessage message;
  message.version = code;
  // Counted first and judged after, so that too many and not valid can be told apart; the packet
  // itself is capped.
  message.parameters = in.to_nul<StartupParameterList>(kMaxStartupBytes, "parameters");
  HOOP_TRY(auto whole, in.finish(message));
  if (whole.parameters.size() > kMaxStartupParameters) {
    return fail(ErrorCode::too_large, fmt::format("startup message with {} parameters, {} at most",
                                                  whole.parameters.size(), kMaxStartupParameters));
  }
  return whole;
}

}  // namespace hoop::postgres
