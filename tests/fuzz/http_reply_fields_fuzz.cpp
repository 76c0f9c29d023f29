// SPDX-License-Identifier: Apache-2.0
// Heads of replies: what of them goes to the program can be written, says nothing of the
// connection, and is the same if it goes through once more.
#include <cstdlib>

#include "core/http/message_reader.h"
#include "core/http/message_writer.h"
#include "protocols/http/reply_fields.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string head = "HTTP/1.1 200 OK\r\n" +
                           std::string(reinterpret_cast<const char*>(data + 1), size - 1) +
                           "\r\n\r\n";
  hoop::http::ResponseReader reader("HEAD", 0);
  hoop::ByteSpan in = hoop::as_bytes(head);
  const auto event = reader.next(in);
  if (!event || *event != hoop::http::Event::head) return 0;
  const hoop::http_target::ReturnRules rules{"https://api.example", "http://127.0.0.1:40123",
                                             (data[0] & 1) != 0, (data[0] & 2) != 0};
  hoop::http::Response out;
  out.headers = hoop::http_target::returned_fields(reader.head().headers, rules);
  check(out.headers.size() <= reader.head().headers.size());
  for (const auto& field : out.headers) {
    for (const char* name : {"connection", "transfer-encoding", "content-length", "upgrade"})
      check(!hoop::http::equal_ignoring_case(field.name, name));
    if (!hoop::http::equal_ignoring_case(field.name, "set-cookie")) continue;
    check(hoop::http_target::local_cookie(field.value) == field.value);
  }
  check(hoop::http::write_response_head(out, {}).has_value());
  check(hoop::http_target::returned_fields(out.headers, rules).size() == out.headers.size());
  return 0;
}
