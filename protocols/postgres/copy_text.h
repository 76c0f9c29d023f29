// SPDX-License-Identifier: Apache-2.0
// The text and CSV formats of COPY … TO STDOUT: fields as the server wrote them, and back
// (CopyAttributeOutText and CopyAttributeOutCSV; PostgreSQL "COPY", "File Formats").
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"

namespace hoop::postgres {

/// How rows are written, by the options of the statement.
struct CopyText {
  bool csv = false;
  char delimiter = '\t';
  char quote = '"';   // CSV
  char escape = '"';  // CSV
  std::string null = "\\N";
  bool operator==(const CopyText&) const = default;
};

/// Whether the rows end where a message ends; fed with what comes, in pieces of any size.
class CopyRowEnd {
 public:
  explicit CopyRowEnd(const CopyText& format) : format_(format) {}
  /// True if a row ends with the piece's last byte.
  bool feed(ByteSpan piece);

 private:
  const CopyText& format_;
  bool quoted_ = false;   // CSV: inside quotes
  bool escaped_ = false;  // CSV: behind an escape inside quotes, when that is not the quote itself
};

/// The fields of rows, with what stands for them taken away. Keeps its room from call to call.
class CopyFields {
 public:
  explicit CopyFields(const CopyText& format) : format_(format) {}

  /// rows must outlive the answer. One that ends inside a row has its last field there.
  std::span<const std::string_view> split(std::string_view rows);
  /// Appends the rows of the last split, with the fields that have a new value written anew.
  void join(std::span<const std::optional<std::string>> rewritten, std::string& out) const;

 private:
  struct Place {
    std::size_t begin = 0;  // in the rows, quotes and escapes included
    std::size_t end = 0;
    bool quoted = false;
  };
  void split_plain(std::string_view rows);
  void split_text(std::string_view rows);
  void split_csv(std::string_view rows);
  bool is_null_at(std::string_view rows, std::size_t begin) const;
  void append_text(std::string_view value, std::string& out) const;
  void append_csv(std::string_view value, bool quoted, std::string& out) const;

  const CopyText& format_;
  std::string_view rows_;
  std::vector<Place> places_;
  std::vector<std::string_view> values_;
  std::string unescaped_;  // values that are not in the rows as they are
};

}  // namespace hoop::postgres
