// SPDX-License-Identifier: Apache-2.0
// What a target sends: framing is independent of splits, every decoder stands anything, the two
// ways to read a DataRow agree, and the messages that we take apart and put together again come out
// as they went in.
#include "protocols/postgres/message_writer.h"
#include "tests/fuzz/postgres_frames.h"

namespace {

using namespace hoop;
using namespace hoop::postgres;

template <class List>
auto items(const List& list) {
  std::vector<std::remove_cvref_t<decltype(*list.begin())>> out;
  for (const auto& item : list) out.push_back(item);
  HOOP_ASSERT(out.size() == list.size());
  return out;
}

void same(const Bytes& written, ByteSpan whole) {
  HOOP_ASSERT(std::equal(written.begin(), written.end(), whole.begin(), whole.end()));
}

void check_data_row(ByteSpan body, ByteSpan whole) {
  const auto decoded = decode_data_row(body);
  auto row = DataRowReader::open(body);
  std::vector<Value> values;
  Value value;
  auto step = row ? row->next(value) : DataRowReader::Step::malformed;
  while (step == DataRowReader::Step::value) {
    values.push_back(value);
    step = row->next(value);
  }
  HOOP_ASSERT(decoded.has_value() == (step == DataRowReader::Step::end));
  if (!decoded) return;
  Bytes out;
  append_data_row(out, values);
  same(out, whole);
  out.clear();
  append_data_row(out, items(decoded->values));
  same(out, whole);
}

void check_texts(char tag, ByteSpan body, ByteSpan whole) {
  Bytes out;
  if (tag == 'E') {
    if (const auto message = decode_error_response(body))
      append_error_response(out, items(message->fields));
  } else if (tag == 'N') {
    if (const auto message = decode_notice_response(body))
      append_notice_response(out, items(message->fields));
  } else if (tag == 'T') {
    if (const auto message = decode_row_description(body))
      append_row_description(out, items(message->fields));
  } else if (tag == 't') {
    if (const auto message = decode_parameter_description(body))
      append_parameter_description(out, items(message->types));
  } else if (tag == 'S') {
    if (const auto message = decode_parameter_status(body))
      append_parameter_status(out, message->name, message->value);
  } else if (tag == 'K') {
    if (const auto message = decode_backend_key_data(body))
      append_backend_key_data(out, message->process_id, message->secret_key);
  } else if (tag == 'C') {
    if (const auto message = decode_command_complete(body))
      append_command_complete(out, message->tag);
  } else if (tag == 'Z') {
    if (const auto message = decode_ready_for_query(body))
      append_ready_for_query(out, message->status);
  } else if (tag == 'A') {
    if (const auto message = decode_notification_response(body))
      append_notification_response(out, message->process_id, message->channel, message->payload);
  } else if (tag == 'G') {
    if (const auto message = decode_copy_in_response(body))
      append_copy_in_response(out, message->format, items(message->columns));
  } else if (tag == 'H') {
    if (const auto message = decode_copy_out_response(body))
      append_copy_out_response(out, message->format, items(message->columns));
  } else if (tag == 'v') {
    if (const auto message = decode_negotiate_protocol_version(body))
      append_negotiate_protocol_version(out, message->version, items(message->unknown_options));
  }
  if (!out.empty()) same(out, whole);
}

void decode_the_rest(ByteSpan body) {
  static_cast<void>(decode_authentication(body));
  static_cast<void>(decode_copy_both_response(body));
  static_cast<void>(decode_function_call_response(body));
  static_cast<void>(decode_bind_complete(body));
  static_cast<void>(decode_close_complete(body));
  static_cast<void>(decode_empty_query_response(body));
  static_cast<void>(decode_no_data(body));
  static_cast<void>(decode_parse_complete(body));
  static_cast<void>(decode_portal_suspended(body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cut = fuzz::cut_every_way({data, size}, Direction::from_backend);
  for (const Bytes& frame : cut.frames) {
    const char tag = static_cast<char>(frame[0]);
    const ByteSpan body = ByteSpan(frame).subspan(5);
    if (tag == 'D') check_data_row(body, frame);
    check_texts(tag, body, frame);
    decode_the_rest(body);
  }
  return 0;
}
