// SPDX-License-Identifier: Apache-2.0
// One well-formed example of every message, as bytes, with the decoder that must take it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/message_writer.h"

namespace hoop::postgres::samples {

struct Sample {
  std::string name;
  Direction direction = Direction::from_frontend;
  Bytes whole;
  std::function<bool(ByteSpan body)> decodes;
  bool any_body = false;  // every body is valid: it carries opaque bytes
};

template <class T>
std::function<bool(ByteSpan)> decoding(Result<T> (*decode)(ByteSpan)) {
  return [decode](ByteSpan body) { return decode(body).has_value(); };
}

template <class Write>
Bytes written(Write write) {
  Bytes out;
  write(out);
  return out;
}

inline Bytes tagged(char tag, std::string_view body) {
  Bytes out;
  MessageFrame frame(out, tag);
  frame.writer().text(body);
  frame.finish();
  return out;
}

inline std::vector<Sample> frontend_samples() {
  using enum Direction;
  const std::vector<Oid> oids = {23, 25, 0};
  const std::vector<Format> formats = {Format::text, Format::binary};
  const Bytes two = {1, 2};
  const std::vector<Value> values = {Value(two), Value()};
  using namespace std::string_view_literals;
  return {
      {"Query", from_frontend, written([](Bytes& o) { append_query(o, "select 1"); }),
       decoding(decode_query)},
      {"Parse", from_frontend, written([&](Bytes& o) { append_parse(o, "s1", "select $1", oids); }),
       decoding(decode_parse)},
      {"Bind", from_frontend,
       written([&](Bytes& o) { append_bind(o, "p", "s1", formats, values, formats); }),
       decoding(decode_bind)},
      {"Describe", from_frontend,
       written([](Bytes& o) { append_describe(o, Named::statement, "s1"); }),
       decoding(decode_describe)},
      {"Close", from_frontend, written([](Bytes& o) { append_close(o, Named::portal, ""); }),
       decoding(decode_close)},
      {"Execute", from_frontend, written([](Bytes& o) { append_execute(o, "p", 50); }),
       decoding(decode_execute)},
      {"Flush", from_frontend, written(append_flush), decoding(decode_flush)},
      {"Sync", from_frontend, written(append_sync), decoding(decode_sync)},
      {"Terminate", from_frontend, written(append_terminate), decoding(decode_terminate)},
      {"CopyData", from_frontend, written([&](Bytes& o) { append_copy_data(o, two); }),
       decoding(decode_copy_data), true},
      {"CopyDone", from_frontend, written(append_copy_done), decoding(decode_copy_done)},
      {"CopyFail", from_frontend, written([](Bytes& o) { append_copy_fail(o, "no"); }),
       decoding(decode_copy_fail)},
      {"FunctionCall", from_frontend, tagged('F', "\0\0\4\1\0\1\0\1\0\1\0\0\0\2hi\0\0"sv),
       decoding(decode_function_call)},
      {"PasswordMessage", from_frontend,
       written([](Bytes& o) { append_password_message(o, "pw"); }),
       decoding(decode_password_message)},
      {"SASLInitialResponse", from_frontend,
       written([](Bytes& o) { append_sasl_initial_response(o, "SCRAM-SHA-256", "n,,n=,r=x"); }),
       decoding(decode_sasl_initial_response)},
      {"SASLResponse", from_frontend, written([](Bytes& o) { append_sasl_response(o, "c=biws"); }),
       decoding(decode_sasl_response), true},
  };
}

inline std::vector<Sample> backend_samples() {
  using enum Direction;
  using namespace std::string_view_literals;
  const std::vector<Format> formats = {Format::text, Format::binary};
  const Bytes two = {1, 2};
  const Bytes key = {9, 8, 7, 6};
  const std::vector<Value> values = {Value(two), Value(), Value(ByteSpan())};
  const std::vector<std::string_view> names = {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"};
  const std::vector<FieldDescription> fields = {{"id", 16384, 1, 23, 4, -1, Format::text},
                                                {"name", 0, 0, 25, -1, -1, Format::binary}};
  const std::vector<Oid> oids = {23, 25};
  const Report report{Severity::error, "42501", "no", "detail", "hint"};
  return {
      {"AuthenticationOk", from_backend, written(append_authentication_ok),
       decoding(decode_authentication)},
      {"AuthenticationMD5Password", from_backend, tagged('R', "\0\0\0\5salt"sv),
       decoding(decode_authentication)},
      {"AuthenticationCleartextPassword", from_backend,
       written(append_authentication_cleartext_password), decoding(decode_authentication)},
      {"AuthenticationSASL", from_backend,
       written([&](Bytes& o) { append_authentication_sasl(o, names); }),
       decoding(decode_authentication)},
      {"BackendKeyData", from_backend,
       written([&](Bytes& o) { append_backend_key_data(o, 42, key); }),
       decoding(decode_backend_key_data), true},  // the key's length is free, from 4 bytes
      {"BindComplete", from_backend, written(append_bind_complete), decoding(decode_bind_complete)},
      {"CloseComplete", from_backend, written(append_close_complete),
       decoding(decode_close_complete)},
      {"CommandComplete", from_backend,
       written([](Bytes& o) { append_command_complete(o, "SELECT 1"); }),
       decoding(decode_command_complete)},
      {"CopyInResponse", from_backend,
       written([&](Bytes& o) { append_copy_in_response(o, Format::text, formats); }),
       decoding(decode_copy_in_response)},
      {"CopyOutResponse", from_backend,
       written([&](Bytes& o) { append_copy_out_response(o, Format::binary, formats); }),
       decoding(decode_copy_out_response)},
      {"CopyBothResponse", from_backend, tagged('W', "\0\0\0"sv),
       decoding(decode_copy_both_response)},
      {"DataRow", from_backend, written([&](Bytes& o) { append_data_row(o, values); }),
       decoding(decode_data_row)},
      {"EmptyQueryResponse", from_backend, written(append_empty_query_response),
       decoding(decode_empty_query_response)},
      {"ErrorResponse", from_backend, written([&](Bytes& o) { append_error_response(o, report); }),
       decoding(decode_error_response)},
      {"NoticeResponse", from_backend,
       written([&](Bytes& o) { append_notice_response(o, report); }),
       decoding(decode_notice_response)},
      {"NotificationResponse", from_backend,
       written([](Bytes& o) { append_notification_response(o, 42, "channel", "payload"); }),
       decoding(decode_notification_response)},
      {"NoData", from_backend, written(append_no_data), decoding(decode_no_data)},
      {"NegotiateProtocolVersion", from_backend,
       written([&](Bytes& o) { append_negotiate_protocol_version(o, kProtocol30, names); }),
       decoding(decode_negotiate_protocol_version)},
      {"ParameterDescription", from_backend,
       written([&](Bytes& o) { append_parameter_description(o, oids); }),
       decoding(decode_parameter_description)},
      {"ParameterStatus", from_backend,
       written([](Bytes& o) { append_parameter_status(o, "TimeZone", "UTC"); }),
       decoding(decode_parameter_status)},
      {"ParseComplete", from_backend, written(append_parse_complete),
       decoding(decode_parse_complete)},
      {"PortalSuspended", from_backend, written(append_portal_suspended),
       decoding(decode_portal_suspended)},
      {"ReadyForQuery", from_backend,
       written([](Bytes& o) { append_ready_for_query(o, TransactionStatus::failed); }),
       decoding(decode_ready_for_query)},
      {"RowDescription", from_backend,
       written([&](Bytes& o) { append_row_description(o, fields); }),
       decoding(decode_row_description)},
      {"FunctionCallResponse", from_backend, tagged('V', "\0\0\0\2ok"sv),
       decoding(decode_function_call_response)},
  };
}

}  // namespace hoop::postgres::samples
