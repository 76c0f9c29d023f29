// SPDX-License-Identifier: Apache-2.0
// What a program sends: framing is independent of splits, and what a decoder takes can be written
// back byte for byte, so that nothing in a message was overlooked.
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

void round_trip_bind(ByteSpan body, ByteSpan whole) {
  const auto bind = decode_bind(body);
  if (!bind) return;
  Bytes out;
  append_bind(out, bind->portal, bind->statement, items(bind->parameter_formats),
              items(bind->parameters), items(bind->result_formats));
  same(out, whole);
}

void round_trip_password(ByteSpan body, ByteSpan whole) {
  Bytes out;
  if (const auto message = decode_password_message(body)) {
    append_password_message(out, message->password);
    same(out, whole);
  }
  if (const auto message = decode_sasl_initial_response(body); message && message->response) {
    out.clear();
    append_sasl_initial_response(out, message->mechanism, as_text(*message->response));
    same(out, whole);
  }
}

void round_trip(char tag, ByteSpan body, ByteSpan whole) {
  Bytes out;
  if (tag == 'Q') {
    if (const auto message = decode_query(body)) append_query(out, message->text);
  } else if (tag == 'P') {
    if (const auto message = decode_parse(body))
      append_parse(out, message->statement, message->text, items(message->parameter_types));
  } else if (tag == 'D') {
    if (const auto message = decode_describe(body))
      append_describe(out, message->what, message->name);
  } else if (tag == 'C') {
    if (const auto message = decode_close(body)) append_close(out, message->what, message->name);
  } else if (tag == 'E') {
    if (const auto message = decode_execute(body))
      append_execute(out, message->portal, message->max_rows);
  } else if (tag == 'f') {
    if (const auto message = decode_copy_fail(body)) append_copy_fail(out, message->message);
  } else if (tag == 'S') {
    if (decode_sync(body)) append_sync(out);
  } else if (tag == 'H') {
    if (decode_flush(body)) append_flush(out);
  } else if (tag == 'X') {
    if (decode_terminate(body)) append_terminate(out);
  } else if (tag == 'c') {
    if (decode_copy_done(body)) append_copy_done(out);
  } else if (tag == 'd') {
    append_copy_data(out, decode_copy_data(body)->data);
  } else if (tag == 'F') {
    if (const auto message = decode_function_call(body))
      static_cast<void>(items(message->arguments));
  } else if (tag == 'B') {
    round_trip_bind(body, whole);
  } else if (tag == 'p') {
    round_trip_password(body, whole);
  }
  if (!out.empty()) same(out, whole);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto cut = fuzz::cut_every_way({data, size}, Direction::from_frontend);
  for (const Bytes& frame : cut.frames)
    round_trip(static_cast<char>(frame[0]), ByteSpan(frame).subspan(5), frame);
  return 0;
}
