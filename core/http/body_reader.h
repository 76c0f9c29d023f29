// SPDX-License-Identifier: Apache-2.0
// Reads a body by its framing, sans I/O: of known length, chunked (RFC 9112 §7.1), or until the
// connection closes.
#pragma once

#include "core/http/field_syntax.h"
#include "core/http/line_reader.h"

namespace hoop::http {

/// What a reader has come to. body: chunk() holds some bytes. done: the rest of in belongs to the
/// next message.
enum class Event { need_more, head, body, done };

class BodyReader {
 public:
  BodyReader() = default;
  /// Fails with too_large when the declared length is above max_body.
  static Result<BodyReader> create(Framing framing, std::uint64_t max_body);

  /// Takes bytes off the front of in. Fails with malformed or too_large.
  Result<Event> next(ByteSpan& in);
  /// The bytes of the last Event::body: a part of what was passed in.
  ByteSpan chunk() const { return chunk_; }
  /// Fields after the last chunk. Fields that would frame, route or authenticate are refused there.
  const Headers& trailers() const { return trailers_; }
  /// The connection has been closed. Fails with malformed unless the body may end so, or has ended.
  Result<void> end_of_input();

 private:
  enum class Part { data, until_close, size_line, chunk_data, chunk_cr, chunk_lf, trailer, done };

  Event take_data(ByteSpan& in);
  Result<Event> take_until_close(ByteSpan& in);
  Result<Event> take_size_line(ByteSpan& in);
  Result<Event> take_chunk_end(ByteSpan& in);
  Result<Event> take_trailer(ByteSpan& in);
  Result<void> read_size_line(std::string_view line);

  Part part_ = Part::done;
  std::uint64_t left_ = 0;     // of this length or chunk
  std::uint64_t allowed_ = 0;  // of the cap
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  LineReader line_;
  Headers trailers_;
  ByteSpan chunk_;
};

}  // namespace hoop::http
