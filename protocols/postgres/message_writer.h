// SPDX-License-Identifier: Apache-2.0
// Messages to bytes, no I/O: each function appends one whole message. Texts must hold no NUL unless
// said otherwise.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// One message being written: the tag and a length that finish() fills in. out outlives it.
class MessageFrame {
 public:
  MessageFrame(Bytes& out, char tag);
  ByteWriter& writer() { return writer_; }
  void value(Value value);
  void finish();

 private:
  Bytes& out_;
  ByteWriter writer_;
  std::size_t length_at_;
};

using ParameterPairs = std::vector<std::pair<std::string, std::string>>;

// ---- As a frontend ----

void append_startup_message(Bytes& out, std::uint32_t version, const ParameterPairs& parameters);
void append_ssl_request(Bytes& out);
/// key_data: what BackendKeyData's body was (process id and secret key).
void append_cancel_request(Bytes& out, ByteSpan key_data);
void append_password_message(Bytes& out, std::string_view password);
void append_sasl_initial_response(Bytes& out, std::string_view mechanism,
                                  std::string_view response);
void append_sasl_response(Bytes& out, std::string_view response);
void append_query(Bytes& out, std::string_view text);
void append_parse(Bytes& out, std::string_view statement, std::string_view text,
                  std::span<const Oid> parameter_types = {});
void append_bind(Bytes& out, std::string_view portal, std::string_view statement,
                 std::span<const Format> parameter_formats, std::span<const Value> parameters,
                 std::span<const Format> result_formats);
void append_describe(Bytes& out, Named what, std::string_view name);
void append_close(Bytes& out, Named what, std::string_view name);
/// max_rows 0: all.
void append_execute(Bytes& out, std::string_view portal, std::uint32_t max_rows = 0);
void append_flush(Bytes& out);
void append_sync(Bytes& out);
void append_terminate(Bytes& out);
void append_copy_fail(Bytes& out, std::string_view message);

// ---- Either side ----

void append_copy_data(Bytes& out, ByteSpan data);
void append_copy_done(Bytes& out);

// ---- As a backend ----

void append_authentication_ok(Bytes& out);
void append_authentication_cleartext_password(Bytes& out);
void append_authentication_sasl(Bytes& out, std::span<const std::string_view> mechanisms);
void append_authentication_sasl_continue(Bytes& out, std::string_view data);
void append_authentication_sasl_final(Bytes& out, std::string_view data);
void append_negotiate_protocol_version(Bytes& out, std::uint32_t version,
                                       std::span<const std::string_view> unknown_options);
void append_backend_key_data(Bytes& out, std::uint32_t process_id, ByteSpan secret_key);
void append_parameter_status(Bytes& out, std::string_view name, std::string_view value);
void append_ready_for_query(Bytes& out, TransactionStatus status);
void append_parse_complete(Bytes& out);
void append_bind_complete(Bytes& out);
void append_close_complete(Bytes& out);
void append_no_data(Bytes& out);
void append_portal_suspended(Bytes& out);
void append_empty_query_response(Bytes& out);
void append_command_complete(Bytes& out, std::string_view tag);
void append_row_description(Bytes& out, std::span<const FieldDescription> fields);
void append_parameter_description(Bytes& out, std::span<const Oid> types);
void append_data_row(Bytes& out, std::span<const Value> values);
void append_copy_in_response(Bytes& out, Format format, std::span<const Format> columns);
void append_copy_out_response(Bytes& out, Format format, std::span<const Format> columns);
void append_notification_response(Bytes& out, std::uint32_t process_id, std::string_view channel,
                                  std::string_view payload);

enum class Severity { error, fatal, panic, warning, notice, info, log, debug };
std::string_view to_string(Severity severity);

/// What an ErrorResponse or NoticeResponse of ours says (fields S, V, C, M, D, H). Empty texts are
/// left out; a NUL becomes a blank.
struct Report {
  Severity severity = Severity::error;
  std::string sqlstate = "XX000";  // five characters
  std::string message;
  std::string detail;
  std::string hint;
  bool operator==(const Report&) const = default;
};
void append_error_response(Bytes& out, const Report& report);
void append_notice_response(Bytes& out, const Report& report);
/// The same with the fields as given: for a response that was taken apart and is put together
/// again.
void append_error_response(Bytes& out, std::span<const ErrorField> fields);
void append_notice_response(Bytes& out, std::span<const ErrorField> fields);

/// Writes one DataRow value by value, without a list of them. Usage: construct, add() as often as
/// columns says, finish().
class DataRowWriter {
 public:
  DataRowWriter(Bytes& out, std::size_t columns);
  void add(Value value);
  void finish();

 private:
  MessageFrame frame_;
  std::size_t left_;
};

}  // namespace hoop::postgres
