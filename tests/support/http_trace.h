// SPDX-License-Identifier: Apache-2.0
// What a reader makes of bytes that come in given pieces, as one text: the same for every cut, or
// the reader is wrong.
#pragma once

#include <string>

#include <fmt/format.h>

#include "core/http/message_reader.h"

namespace hoop::test {

inline std::string head_text(const http::Headers& headers) {
  std::string out;
  for (const auto& field : headers) out += fmt::format(" [{}={}]", field.name, field.value);
  return out;
}

inline std::string start_text(const http::Request& head) {
  return fmt::format("{} {}{}", head.method, head.target, head_text(head.headers));
}
inline std::string start_text(const http::Response& head) {
  return fmt::format("{}{}", head.status, head_text(head.headers));
}

/// Feeds all of bytes in pieces of at most piece bytes (the first of first bytes). Events in order,
/// bodies joined, the failure, and what is left over.
template <class Reader>
struct Trace {
  std::string head;
  std::string body;
  bool done = false;
  std::optional<Error> failure;
  std::string rest;

  static Trace of(Reader& reader, std::string_view bytes, std::size_t first, std::size_t piece) {
    Trace trace;
    while (!bytes.empty() && !trace.done && !trace.failure) {
      auto in = as_bytes(bytes.substr(0, first));
      const auto given = in.size();
      trace.take(reader, in);
      bytes.remove_prefix(given - in.size());
      first = piece;
    }
    trace.rest = bytes;
    return trace;
  }
  void take(Reader& reader, ByteSpan& in) {
    for (;;) {
      auto event = reader.next(in);
      if (!event) {
        failure = event.error();
        return;
      }
      switch (*event) {
        case http::Event::need_more: return;
        case http::Event::head: head = start_text(reader.head()); break;
        case http::Event::body: body += as_text(reader.chunk()); break;
        case http::Event::done: done = true; return;
      }
    }
  }
  std::string text() const {
    // After a failure the rest is of no meaning: the connection ends.
    return fmt::format(
        "{}|{}|{}|{}|{}", head, body, done,
        failure ? fmt::format("{} {}", to_string(failure->code), failure->message) : "",
        failure ? "" : rest);
  }
};

}  // namespace hoop::test
