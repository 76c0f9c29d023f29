// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/message_writer.h"

#include <algorithm>

namespace hoop::postgres {

MessageFrame::MessageFrame(Bytes& out, char tag)
    : out_(out), writer_(out), length_at_(out.size() + 1) {
  writer_.u8(static_cast<std::uint8_t>(tag));
  writer_.u32(0);
}

void MessageFrame::value(Value value) {
  if (!value) {
    writer_.i32(-1);
    return;
  }
  HOOP_ASSERT(value->size() <= 0x7fff'ffff);
  writer_.u32(static_cast<std::uint32_t>(value->size()));
  writer_.bytes(*value);
}

void MessageFrame::finish() {
  const std::size_t length = out_.size() - length_at_;
  HOOP_ASSERT(length <= 0x7fff'ffff);
  writer_.patch_u32(length_at_, static_cast<std::uint32_t>(length));
}

namespace {

void append_empty(Bytes& out, char tag) { MessageFrame(out, tag).finish(); }

void append_text(Bytes& out, char tag, std::string_view text) {
  MessageFrame frame(out, tag);
  frame.writer().c_string(text);
  frame.finish();
}

void append_bytes(Bytes& out, char tag, ByteSpan bytes) {
  MessageFrame frame(out, tag);
  frame.writer().bytes(bytes);
  frame.finish();
}

void put_count(ByteWriter& writer, std::size_t count) {
  HOOP_ASSERT(count <= 0xffff);
  writer.u16(static_cast<std::uint16_t>(count));
}

void put_formats(ByteWriter& writer, std::span<const Format> formats) {
  put_count(writer, formats.size());
  for (const Format format : formats) writer.u16(static_cast<std::uint16_t>(format));
}

void put_oids(ByteWriter& writer, std::span<const Oid> oids) {
  put_count(writer, oids.size());
  for (const Oid oid : oids) writer.u32(oid);
}

void append_named(Bytes& out, char tag, Named what, std::string_view name) {
  MessageFrame frame(out, tag);
  frame.writer().u8(static_cast<std::uint8_t>(what));
  frame.writer().c_string(name);
  frame.finish();
}

void append_authentication(Bytes& out, std::uint32_t type, std::string_view data) {
  MessageFrame frame(out, 'R');
  frame.writer().u32(type);
  frame.writer().text(data);
  frame.finish();
}

void append_copy_response(Bytes& out, char tag, Format format, std::span<const Format> columns) {
  MessageFrame frame(out, tag);
  frame.writer().u8(static_cast<std::uint8_t>(format));
  put_formats(frame.writer(), columns);
  frame.finish();
}

void append_fields(Bytes& out, char tag, std::span<const ErrorField> fields) {
  MessageFrame frame(out, tag);
  for (const ErrorField& field : fields) {
    frame.writer().u8(static_cast<std::uint8_t>(field.code));
    frame.writer().c_string(field.value);
  }
  frame.writer().u8(0);
  frame.finish();
}

void append_report(Bytes& out, char tag, const Report& report) {
  MessageFrame frame(out, tag);
  const auto field = [&frame](char code, std::string_view value) {
    if (value.empty()) return;
    std::string text(value);
    std::replace(text.begin(), text.end(), '\0', ' ');
    frame.writer().u8(static_cast<std::uint8_t>(code));
    frame.writer().c_string(text);
  };
  field('S', to_string(report.severity));
  field('V', to_string(report.severity));
  field('C', report.sqlstate);
  field('M', report.message.empty() ? std::string_view("no message") : report.message);
  field('D', report.detail);
  field('H', report.hint);
  frame.writer().u8(0);
  frame.finish();
}

// The untagged messages have their length in front.
template <class Write>
void append_untagged(Bytes& out, Write write) {
  ByteWriter writer(out);
  const std::size_t start = out.size();
  writer.u32(0);
  write(writer);
  writer.patch_u32(start, static_cast<std::uint32_t>(out.size() - start));
}

}  // namespace

void append_startup_message(Bytes& out, std::uint32_t version, const ParameterPairs& parameters) {
  append_untagged(out, [&](ByteWriter& writer) {
    writer.u32(version);
    for (const auto& [name, value] : parameters) {
      writer.c_string(name);
      writer.c_string(value);
    }
    writer.u8(0);
  });
}

void append_ssl_request(Bytes& out) {
  append_untagged(out, [](ByteWriter& writer) { writer.u32(kSslRequestCode); });
}

void append_cancel_request(Bytes& out, ByteSpan key_data) {
  append_untagged(out, [&](ByteWriter& writer) {
    writer.u32(kCancelRequestCode);
    writer.bytes(key_data);
  });
}

void append_password_message(Bytes& out, std::string_view password) {
  append_text(out, 'p', password);
}

void append_sasl_initial_response(Bytes& out, std::string_view mechanism,
                                  std::string_view response) {
  MessageFrame frame(out, 'p');
  frame.writer().c_string(mechanism);
  frame.value(as_bytes(response));
  frame.finish();
}

void append_sasl_response(Bytes& out, std::string_view response) {
  append_bytes(out, 'p', as_bytes(response));
}
void append_query(Bytes& out, std::string_view text) { append_text(out, 'Q', text); }

void append_parse(Bytes& out, std::string_view statement, std::string_view text,
                  std::span<const Oid> parameter_types) {
  MessageFrame frame(out, 'P');
  frame.writer().c_string(statement);
  frame.writer().c_string(text);
  put_oids(frame.writer(), parameter_types);
  frame.finish();
}

void append_bind(Bytes& out, std::string_view portal, std::string_view statement,
                 std::span<const Format> parameter_formats, std::span<const Value> parameters,
                 std::span<const Format> result_formats) {
  MessageFrame frame(out, 'B');
  frame.writer().c_string(portal);
  frame.writer().c_string(statement);
  put_formats(frame.writer(), parameter_formats);
  put_count(frame.writer(), parameters.size());
  for (const Value& parameter : parameters) frame.value(parameter);
  put_formats(frame.writer(), result_formats);
  frame.finish();
}

void append_describe(Bytes& out, Named what, std::string_view name) {
  append_named(out, 'D', what, name);
}
void append_close(Bytes& out, Named what, std::string_view name) {
  append_named(out, 'C', what, name);
}

void append_execute(Bytes& out, std::string_view portal, std::uint32_t max_rows) {
  MessageFrame frame(out, 'E');
  frame.writer().c_string(portal);
  frame.writer().u32(max_rows);
  frame.finish();
}

void append_flush(Bytes& out) { append_empty(out, 'H'); }
void append_sync(Bytes& out) { append_empty(out, 'S'); }
void append_terminate(Bytes& out) { append_empty(out, 'X'); }
void append_copy_fail(Bytes& out, std::string_view message) { append_text(out, 'f', message); }
void append_copy_data(Bytes& out, ByteSpan data) { append_bytes(out, 'd', data); }
void append_copy_done(Bytes& out) { append_empty(out, 'c'); }

void append_authentication_ok(Bytes& out) { append_authentication(out, 0, {}); }
void append_authentication_cleartext_password(Bytes& out) { append_authentication(out, 3, {}); }

void append_authentication_sasl(Bytes& out, std::span<const std::string_view> mechanisms) {
  MessageFrame frame(out, 'R');
  frame.writer().u32(10);
  for (const std::string_view mechanism : mechanisms) frame.writer().c_string(mechanism);
  frame.writer().u8(0);
  frame.finish();
}

void append_authentication_sasl_continue(Bytes& out, std::string_view data) {
  append_authentication(out, 11, data);
}
void append_authentication_sasl_final(Bytes& out, std::string_view data) {
  append_authentication(out, 12, data);
}

void append_negotiate_protocol_version(Bytes& out, std::uint32_t version,
                                       std::span<const std::string_view> unknown_options) {
  MessageFrame frame(out, 'v');
  frame.writer().u32(version);
  frame.writer().u32(static_cast<std::uint32_t>(unknown_options.size()));
  for (const std::string_view option : unknown_options) frame.writer().c_string(option);
  frame.finish();
}

void append_backend_key_data(Bytes& out, std::uint32_t process_id, ByteSpan secret_key) {
  MessageFrame frame(out, 'K');
  frame.writer().u32(process_id);
  frame.writer().bytes(secret_key);
  frame.finish();
}

void append_parameter_status(Bytes& out, std::string_view name, std::string_view value) {
  MessageFrame frame(out, 'S');
  frame.writer().c_string(name);
  frame.writer().c_string(value);
  frame.finish();
}

void append_ready_for_query(Bytes& out, TransactionStatus status) {
  MessageFrame frame(out, 'Z');
  frame.writer().u8(static_cast<std::uint8_t>(status));
  frame.finish();
}

void append_parse_complete(Bytes& out) { append_empty(out, '1'); }
void append_bind_complete(Bytes& out) { append_empty(out, '2'); }
void append_close_complete(Bytes& out) { append_empty(out, '3'); }
void append_no_data(Bytes& out) { append_empty(out, 'n'); }
void append_portal_suspended(Bytes& out) { append_empty(out, 's'); }
void append_empty_query_response(Bytes& out) { append_empty(out, 'I'); }
void append_command_complete(Bytes& out, std::string_view tag) { append_text(out, 'C', tag); }

void append_row_description(Bytes& out, std::span<const FieldDescription> fields) {
  MessageFrame frame(out, 'T');
  ByteWriter& writer = frame.writer();
  put_count(writer, fields.size());
  for (const FieldDescription& field : fields) {
    writer.c_string(field.name);
    writer.u32(field.table);
    writer.i16(field.column);
    writer.u32(field.type);
    writer.i16(field.type_size);
    writer.i32(field.type_modifier);
    writer.u16(static_cast<std::uint16_t>(field.format));
  }
  frame.finish();
}

void append_parameter_description(Bytes& out, std::span<const Oid> types) {
  MessageFrame frame(out, 't');
  put_oids(frame.writer(), types);
  frame.finish();
}

void append_data_row(Bytes& out, std::span<const Value> values) {
  DataRowWriter row(out, values.size());
  for (const Value& value : values) row.add(value);
  row.finish();
}

void append_copy_in_response(Bytes& out, Format format, std::span<const Format> columns) {
  append_copy_response(out, 'G', format, columns);
}
void append_copy_out_response(Bytes& out, Format format, std::span<const Format> columns) {
  append_copy_response(out, 'H', format, columns);
}

void append_notification_response(Bytes& out, std::uint32_t process_id, std::string_view channel,
                                  std::string_view payload) {
  MessageFrame frame(out, 'A');
  frame.writer().u32(process_id);
  frame.writer().c_string(channel);
  frame.writer().c_string(payload);
  frame.finish();
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error: return "ERROR";
    case Severity::fatal: return "FATAL";
    case Severity::panic: return "PANIC";
    case Severity::warning: return "WARNING";
    case Severity::notice: return "NOTICE";
    case Severity::info: return "INFO";
    case Severity::log: return "LOG";
    case Severity::debug: return "DEBUG";
  }
  return "ERROR";
}

void append_error_response(Bytes& out, const Report& report) { append_report(out, 'E', report); }
void append_notice_response(Bytes& out, const Report& report) { append_report(out, 'N', report); }
void append_error_response(Bytes& out, std::span<const ErrorField> fields) {
  append_fields(out, 'E', fields);
}
void append_notice_response(Bytes& out, std::span<const ErrorField> fields) {
  append_fields(out, 'N', fields);
}

DataRowWriter::DataRowWriter(Bytes& out, std::size_t columns) : frame_(out, 'D'), left_(columns) {
  HOOP_ASSERT(columns <= 0x7fff);
  put_count(frame_.writer(), columns);
}

void DataRowWriter::add(Value value) {
  HOOP_ASSERT(left_ != 0);
  --left_;
  frame_.value(value);
}

void DataRowWriter::finish() {
  HOOP_ASSERT(left_ == 0);
  frame_.finish();
}

}  // namespace hoop::postgres
