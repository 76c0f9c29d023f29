// SPDX-License-Identifier: Apache-2.0
// Hides values in the rows of one result: whole columns by what the catalog says, text by what
// detectors find in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/masker.h"
#include "protocols/postgres/catalog.h"
#include "protocols/postgres/messages.h"

namespace hoop::postgres {

/// What happens to the values of one column.
struct ColumnPlan {
  enum class Treatment {
    pass,        // nothing acts on it
    replace,     // a text column that a mask names: its strategy's stand-in
    clear,       // a column that a mask names and whose type has no stand-in: NULL
    scan_text,   // detectors rewrite what they find
    scan_jsonb,  // the same after the version byte of binary jsonb
    scan_opaque  // structured binary (arrays, records): a finding makes the whole value NULL
  };
  Treatment treatment = Treatment::pass;
  access::MaskStrategy strategy = access::MaskStrategy::redact;
};

/// The treatment of a described column. Masks are looked up by table OID and column number; what
/// the target calls the column does not matter. catalog and detectors may both say nothing.
enum class Detectors { absent, present };
ColumnPlan plan_column(const FieldDescription& field, const Catalog& catalog, Detectors detectors);

/// One a result. Borrows the masker; keeps scratch space between calls, so that a batch of rows
/// costs no allocation in the end.
class RowMasker {
 public:
  RowMasker(const RowDescription& description, const Catalog& catalog, mask::Masker& masker);

  std::size_t columns() const { return plans_.size(); }
  /// False: every row passes as it is.
  bool acts() const { return acts_; }
  const std::vector<std::string>& names() const { return names_; }
  /// The names of the columns that a column mask replaces.
  std::vector<std::string> masked_names() const;

  /// Columns and masked columns as the log may name them (record::column_members): the masker has
  /// cleaned both. Made at the first call, hidden counts what it hid. Fails with what the masker
  /// fails with.
  Result<std::string_view> logged_names(mask::HiddenCounts& hidden) const;

  /// rows: whole DataRow messages without a gap. Appends them to out with what is hidden replaced,
  /// unchanged runs copied as they are. Fails with malformed (a row that does not fit its
  /// description), and with what the masker fails with: out is then unusable.
  Result<void> rewrite(ByteSpan rows, Bytes& out, mask::HiddenCounts& counts);

 private:
  struct Cell {
    std::size_t at;    // offset of the value's length word in the run of rows
    std::size_t size;  // of the value
    std::size_t column;
    std::size_t text;  // index into texts_, of the scanned treatments
  };
  struct Row {
    std::size_t begin;
    std::size_t end;
    std::size_t first_cell;
    std::size_t last_cell;
  };
  Result<void> check_counts(ByteSpan rows) const;
  Result<void> gather(ByteSpan rows, const Row& row);
  Result<void> release(ByteSpan rows, Bytes& out, mask::HiddenCounts& counts);
  bool changes(const Row& row) const;
  void rebuild(ByteSpan rows, const Row& row, Bytes& out, mask::HiddenCounts& counts) const;
  std::optional<std::string> stand_in(ByteSpan rows, const Cell& cell,
                                      mask::HiddenCounts& counts) const;

  mask::Masker& masker_;
  std::vector<ColumnPlan> plans_;
  std::vector<std::string> names_;
  mutable std::optional<std::string> logged_;
  bool acts_ = false;

  std::vector<Row> rows_;
  std::vector<Cell> cells_;
  std::vector<std::string_view> texts_;
  std::size_t text_bytes_ = 0;
  std::vector<std::optional<std::string>> rewritten_;
};

}  // namespace hoop::postgres
