// SPDX-License-Identifier: Apache-2.0
// Server-sent events (HTML, "Server-sent events") that come in pieces, rewritten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/field_matcher.h"
#include "core/mask/json_stream.h"
#include "core/mask/masker.h"

namespace hoop::mask {

/// An event goes on at its blank line. Its data is a document, if it is JSON; else the lines of it
/// that are objects or arrays of JSON are one each, and all else is text.
class EventsStream {
 public:
  /// masker and fields outlive it.
  EventsStream(Masker& masker, const FieldMatcher& fields);

  /// Appends the events that are whole, and comments at once. Fails with too_large for an event
  /// above 1 MiB, or nested deeper than JsonStream takes it.
  Result<void> take(std::string_view piece, Bytes& out);
  /// The lines of an event that is not whole, for who reads lines and not events. Not where masks
  /// name fields: a document may not be whole either.
  Result<void> flush(Bytes& out);
  Result<void> finish(Bytes& out);

  const HiddenCounts& hidden() const { return hidden_; }
  /// Events that have data.
  std::uint64_t rows() const { return rows_; }

 private:
  struct Line {
    std::string_view whole;   // without its end
    std::string_view ending;  // CR LF, LF or CR; none of a last one that breaks off
    std::string_view data;    // of a data line
    bool is_data = false;
  };
  Result<void> end_line(std::string_view line, std::string_view ending, Bytes& out);
  Result<void> release(Bytes& out);
  void read_lines();
  Result<std::string> rewrite_data(std::string_view joined);
  Result<bool> rewrite_json(std::string_view text, std::string& out);
  Result<void> rewrite_others();
  void write(std::string_view data, Bytes& out) const;

  Masker& masker_;
  const bool has_fields_;
  JsonStream json_;
  std::string line_;       // what has no end yet
  std::string event_;      // whole lines
  bool is_first_ = true;   // line: a byte order mark may stand before it
  bool after_cr_ = false;  // an LF that comes now belongs to the line's end
  bool is_out_ = false;    // and has gone out
  bool has_data_ = false;

  // Of the event that is released.
  std::vector<Line> lines_;
  std::vector<std::string_view> others_;
  std::vector<std::optional<std::string>> rewritten_;

  std::uint64_t rows_ = 0;
  HiddenCounts hidden_;
};

}  // namespace hoop::mask
