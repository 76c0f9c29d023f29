// SPDX-License-Identifier: Apache-2.0
// CSV (RFC 4180) that comes in pieces, rewritten: its header line names the cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/field_matcher.h"
#include "core/mask/text_batch.h"

namespace hoop::mask {

/// To masks a record is an object in an array: "$[*].email". Cells are separated by ','; by ';' or
/// tabs if there are such in the header line, and no ','.
///
/// Where masks name fields, what readers differ in is malformed: a quote or a CR inside a cell that
/// is not quoted, text behind a closing quote, more cells than names, names that are not UTF-8.
class CsvStream {
 public:
  /// masker and fields outlive it.
  CsvStream(Masker& masker, const FieldMatcher& fields);

  /// Appends what may go out: all but a cell that is not whole. Fails with malformed; too_large:
  /// for a cell or a header line above 1 MiB.
  Result<void> take(std::string_view piece, Bytes& out);
  Result<void> finish(Bytes& out);

  const HiddenCounts& hidden() const { return hidden_; }
  /// Records behind the header line. An empty line is none.
  std::uint64_t rows() const { return rows_; }

 private:
  enum class Status { on, cut, malformed, too_large };
  enum class Cell { begin, plain, quoted, behind_quote };
  enum class Text { goes_on, ends };
  struct Column {
    std::optional<access::MaskStrategy> mask;
    std::string name;  // if it may say that its cells are secrets
  };

  Result<void> take_part(std::string_view part, Text text, Bytes& out);
  Status consume(std::string_view text, Text ends);
  Status find_header(std::string_view text, Text ends);
  void choose_separator(std::string_view header);
  Status cell(std::string_view text, Text ends);
  Status plain(std::string_view text, std::size_t& at, Text ends);
  Status quoted(std::string_view text, std::size_t& at);
  Status end_of(std::string_view text, std::size_t at, Text ends);
  Status end_cell(std::string_view text, std::size_t end, std::size_t next);
  bool is_special(char c) const {
    return c == separator_ || c == '\n' || c == '\r' || c == '"' || c == '\0';
  }
  std::string_view content(std::string_view cell);
  Status take_name(Span place, std::string_view name);
  Status take_value(Span place, std::string_view value);
  void end_record();

  Masker& masker_;
  const FieldMatcher& fields_;
  const bool is_strict_;
  const bool has_detectors_;
  TextBatch batch_;

  std::string held_;      // the cell that is not whole
  std::size_t done_ = 0;  // of the text at hand: behind all that is whole
  std::uint64_t gone_ = 0;
  char separator_ = '\0';  // not known before the header line is whole
  std::size_t header_at_ = 0;
  bool header_quoted_ = false;
  bool is_begun_ = false;

  Cell cell_ = Cell::begin;
  std::size_t cell_at_ = 0;  // from its begin on: where to go on
  bool is_quoted_ = false;
  bool has_quotes_ = false;  // doubled ones
  std::size_t column_ = 0;
  bool has_names_ = false;
  std::vector<Column> columns_;

  std::uint64_t rows_ = 0;
  HiddenCounts hidden_;
};

}  // namespace hoop::mask
