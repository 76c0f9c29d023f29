// SPDX-License-Identifier: Apache-2.0
#include "core/mask/csv_stream.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/mask/secret_names.h"
#include "core/mask/strictness.h"

namespace hoop::mask {
namespace {

constexpr std::size_t kMostCell = 1U << 20;
constexpr std::size_t kPartOfTable = 128U << 10;  // what detectors look at together
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void spell_cell(std::string& out, std::string_view text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

std::string_view without_blanks(std::string_view name) {
  const auto first = name.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return name.substr(first, name.find_last_not_of(" \t") - first + 1);
}

}  // namespace

CsvStream::CsvStream(Masker& masker, const FieldMatcher& fields)
    : masker_(masker),
      fields_(fields),
      is_strict_(!fields.empty()),
      has_detectors_(masker.has_detectors()),
      batch_(masker, &spell_cell) {}

Result<void> CsvStream::take(std::string_view piece, Bytes& out) {
  for (; piece.size() > kPartOfTable; piece.remove_prefix(kPartOfTable))
    HOOP_CHECK(take_part(piece.substr(0, kPartOfTable), Text::goes_on, out));
  return take_part(piece, Text::goes_on, out);
}

Result<void> CsvStream::finish(Bytes& out) { return take_part({}, Text::ends, out); }

Result<void> CsvStream::take_part(std::string_view part, Text ends, Bytes& out) {
  const bool is_held = !held_.empty();
  if (is_held) held_.append(part);
  const std::string_view text = is_held ? std::string_view(held_) : part;
  Status status = consume(text, ends);
  if (status == Status::cut && ends == Text::ends) status = Status::malformed;
  if (status == Status::cut && text.size() - done_ > kMostCell) status = Status::too_large;
  HOOP_CHECK(batch_.release(text, done_, out, hidden_));
  gone_ += done_;
  if (status == Status::too_large)
    return fail(ErrorCode::too_large, fmt::format("a cell at byte {} of the table is longer than "
                                                  "{} MiB",
                                                  gone_, kMostCell >> 20));
  if (status == Status::malformed)
    return fail(ErrorCode::malformed,
                fmt::format("the cell at byte {} of the table cannot be told for sure", gone_));
  if (is_held) {
    held_.erase(0, done_);
  } else {
    held_.assign(part.substr(done_));
  }
  return {};
}

CsvStream::Status CsvStream::consume(std::string_view text, Text ends) {
  done_ = 0;
  if (separator_ == '\0') {
    const Status status = find_header(text, ends);
    if (status != Status::on) return status;
  }
  Status status = Status::on;
  while (status == Status::on && done_ < text.size()) status = cell(text, ends);
  // What ends with a separator has one more cell, which is empty: nothing can be hidden in it.
  if (ends == Text::ends && status == Status::on && column_ > 0) end_record();
  return status;
}

CsvStream::Status CsvStream::find_header(std::string_view text, Text ends) {
  if (!is_begun_) {
    if (ends == Text::goes_on && text.size() < kByteOrderMark.size() &&
        kByteOrderMark.starts_with(text))
      return Status::cut;
    header_at_ = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    is_begun_ = true;
    done_ = header_at_;
  }
  for (std::size_t at = header_at_; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') header_quoted_ = !header_quoted_;
    if (header_quoted_ || (c != '\n' && c != '\r')) continue;
    if (at > done_) {
      // A spreadsheet's own line: the names would be in the next one.
      if (is_strict_ && text.substr(done_).starts_with("sep=")) return Status::malformed;
      choose_separator(text.substr(done_, at - done_));
      return Status::on;
    }
    done_ = at + 1;  // an empty line
  }
  header_at_ = text.size() - done_;
  if (ends == Text::goes_on) return Status::cut;
  choose_separator(text.substr(done_));
  return Status::on;
}

void CsvStream::choose_separator(std::string_view header) {
  const auto has = [&](char separator) {
    bool quoted = false;
    return std::ranges::any_of(header, [&](char c) {
      if (c == '"') quoted = !quoted;
      return c == separator && !quoted;
    });
  };
  separator_ = has(',') ? ',' : has(';') ? ';' : has('\t') ? '\t' : ',';
}

/// On with the cell that begins at done_.
CsvStream::Status CsvStream::cell(std::string_view text, Text ends) {
  std::size_t at = done_ + cell_at_;
  if (cell_ == Cell::begin) {
    is_quoted_ = text[at] == '"';
    has_quotes_ = false;
    cell_ = is_quoted_ ? Cell::quoted : Cell::plain;
    if (is_quoted_) ++at;
  }
  Status status = Status::on;
  const std::size_t begin = done_;
  while (status == Status::on && done_ == begin)
    status = cell_ == Cell::quoted ? quoted(text, at) : plain(text, at, ends);
  if (status == Status::cut) cell_at_ = at - done_;
  return status;
}

CsvStream::Status CsvStream::quoted(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] != '"' && text[at] != '\0') ++at;
  if (at == text.size()) return Status::cut;
  if (text[at] == '\0') return Status::malformed;
  ++at;
  cell_ = Cell::behind_quote;
  return Status::on;
}

/// In a cell without quotes, or behind the closing one.
CsvStream::Status CsvStream::plain(std::string_view text, std::size_t& at, Text ends) {
  if (cell_ == Cell::plain) {
    while (at < text.size() && !is_special(text[at])) ++at;
  }
  if (at == text.size()) return ends == Text::ends ? end_cell(text, at, at) : Status::cut;
  const char c = text[at];
  if (c == separator_ || c == '\n') return end_cell(text, at, at + 1);
  if (c == '\0') return Status::malformed;
  if (c == '"' && cell_ == Cell::behind_quote) {
    ++at;
    has_quotes_ = true;
    cell_ = Cell::quoted;
    return Status::on;
  }
  if (c == '\r') {
    if (at + 1 == text.size() && ends == Text::goes_on) return Status::cut;
    if (text.substr(at).starts_with("\r\n")) return end_cell(text, at, at + 2);
  }
  if (is_strict_) return Status::malformed;
  // Some readers take it for a part of the cell, as it stands.
  is_quoted_ = false;
  cell_ = Cell::plain;
  ++at;
  return Status::on;
}

std::string_view CsvStream::content(std::string_view cell) {
  if (!is_quoted_) return cell;
  const std::string_view inside = cell.substr(1, cell.size() - 2);
  if (!has_quotes_) return inside;
  std::string& decoded = batch_.start_decoded();
  for (std::size_t at = 0; at < inside.size(); ++at) {
    decoded += inside[at];
    if (inside[at] == '"') ++at;
  }
  return batch_.decoded();
}

CsvStream::Status CsvStream::end_cell(std::string_view text, std::size_t end, std::size_t next) {
  const Span place{done_, end};
  if (end - done_ > kMostCell) return Status::too_large;
  const bool ends_record = next == end || text[next - 1] == '\n';
  const bool is_nothing = ends_record && column_ == 0 && end == done_;
  if (!is_nothing) {
    const std::string_view value = content(text.substr(done_, end - done_));
    const Status status = has_names_ ? take_value(place, value) : take_name(place, value);
    if (status != Status::on) return status;
    ++column_;
    if (ends_record) end_record();
  }
  done_ = next;
  cell_ = Cell::begin;
  cell_at_ = 0;
  return Status::on;
}

void CsvStream::end_record() {
  column_ = 0;
  if (has_names_) ++rows_;
  has_names_ = true;
}

CsvStream::Status CsvStream::take_name(Span place, std::string_view name) {
  if (is_strict_ && !is_utf8(name)) return Status::malformed;
  Column column;
  if (is_strict_) {
    std::vector<std::uint64_t> table(fields_.words()), record(table), cell(table);
    fields_.document(table);
    fields_.element(table, record);
    column.mask = stricter(fields_.strategy(table), fields_.strategy(record));
    // Many a reader takes the blanks around a name away.
    for (const std::string_view spelling : {name, without_blanks(name)}) {
      fields_.member(record, fields_.name_id(spelling), cell);
      column.mask = stricter(column.mask, fields_.strategy(cell));
    }
  }
  if (may_name_secret(name)) column.name = name;
  if (has_detectors_) batch_.add(place, name, {});
  columns_.push_back(std::move(column));
  return Status::on;
}

CsvStream::Status CsvStream::take_value(Span place, std::string_view value) {
  if (column_ >= columns_.size()) {
    if (is_strict_) return Status::malformed;
    if (has_detectors_) batch_.add(place, value, {});
    return Status::on;
  }
  const Column& column = columns_[column_];
  if (!column.mask) {
    if (has_detectors_) batch_.add(place, value, column.name);
    return Status::on;
  }
  if (value.empty() && !is_quoted_) return Status::on;  // what other formats have null for
  ++hidden_.columns;
  std::string hidden;
  if (const auto shown = masker_.masked(*column.mask, value)) spell_cell(hidden, *shown);
  batch_.replace(place, std::move(hidden));
  return Status::on;
}

}  // namespace hoop::mask
