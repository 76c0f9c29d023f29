// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/row_masker.h"

#include <algorithm>
#include <array>

#include "core/record/records.h"
#include "protocols/postgres/message_reader.h"

namespace hoop::postgres {
namespace {

using Treatment = ColumnPlan::Treatment;

// pg_type.dat; these OIDs are part of the wire protocol and never change.
constexpr Oid kJson = 114, kJsonb = 3802;
constexpr Oid kFirstUserType =
    16384;  // FirstNormalObjectId: citext, hstore, enums and composites come from here on
/// Types whose value is its text in both formats.
constexpr std::array<Oid, 9> kPlainText{18, 19, 25, 705, 1042, 1043, 1790, 2275, 194};
/// Types whose text format shows text that somebody wrote and whose binary format wraps it.
constexpr std::array<Oid, 18> kHoldsText{142,  143,  199,  1002, 1003, 1009, 1014, 1015, 1263,
                                         2201, 2249, 2287, 3614, 3615, 3643, 3645, 3807, 4072};
constexpr std::size_t kFrameHeader = 5;
constexpr std::size_t kScanBatch =
    64U << 10;  // text per call of the masker: amortises its set-up, stays in the cache

template <std::size_t N>
bool contains(const std::array<Oid, N>& oids, Oid oid) {
  return std::find(oids.begin(), oids.end(), oid) != oids.end();
}

Treatment scan_treatment(const FieldDescription& field) {
  if (contains(kPlainText, field.type) || field.type == kJson) return Treatment::scan_text;
  if (field.type == kJsonb)
    return field.format == Format::text ? Treatment::scan_text : Treatment::scan_jsonb;
  if (contains(kHoldsText, field.type) || field.type >= kFirstUserType) {
    return field.format == Format::text ? Treatment::scan_text : Treatment::scan_opaque;
  }
  return Treatment::pass;
}

std::size_t frame_size(ByteSpan rows, std::size_t at) {
  ByteReader length(rows.subspan(at + 1));
  return std::size_t{1} + length.u32().value_or(0);
}

Error misfit() { return {ErrorCode::malformed, "a row does not fit its description", {}, {}}; }

}  // namespace

ColumnPlan plan_column(const FieldDescription& field, const Catalog& catalog, Detectors detectors) {
  if (const MaskedColumn* masked = catalog.masked(field.table, field.column)) {
    const bool replaceable =
        contains(kPlainText, field.type) && masked->with != access::MaskStrategy::null;
    return {replaceable ? Treatment::replace : Treatment::clear, masked->with};
  }
  // A whole row, or a view's column, over masked data is refused before it runs. Should one come
  // all the same, nothing of it shows.
  const bool hides_masked = field.table != 0 && catalog.touches_masked(field.table) &&
                            (field.column == 0 || catalog.is_view_over_masked(field.table));
  if (hides_masked) return {Treatment::clear, access::MaskStrategy::null};
  if (detectors == Detectors::absent) return {};
  return {scan_treatment(field), access::MaskStrategy::redact};
}

RowMasker::RowMasker(const RowDescription& description, const Catalog& catalog,
                     mask::Masker& masker)
    : masker_(masker) {
  const Detectors detectors = masker.has_detectors() ? Detectors::present : Detectors::absent;
  plans_.reserve(description.fields.size());
  names_.reserve(description.fields.size());
  for (const FieldDescription& field : description.fields) {
    plans_.push_back(plan_column(field, catalog, detectors));
    names_.emplace_back(field.name);
    acts_ = acts_ || plans_.back().treatment != Treatment::pass;
  }
}

std::vector<std::string> RowMasker::masked_names() const {
  std::vector<std::string> masked;
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    const bool whole =
        plans_[i].treatment == Treatment::replace || plans_[i].treatment == Treatment::clear;
    if (whole) masked.push_back(names_[i]);
  }
  return masked;
}

Result<std::string_view> RowMasker::logged_names(mask::HiddenCounts& hidden) const {
  if (logged_) return *logged_;
  std::vector<std::string> columns = names_, masked = masked_names();
  if (masker_.has_detectors()) {
    for (auto* names : {&columns, &masked}) {
      for (std::string& name : *names) {
        HOOP_TRY(name, masker_.rewrite_text(name, hidden));
      }
    }
  }
  logged_ = record::column_members(columns, masked);
  return *logged_;
}

Result<void> RowMasker::rewrite(ByteSpan rows, Bytes& out, mask::HiddenCounts& counts) {
  if (!acts_) {
    HOOP_CHECK(check_counts(rows));
    out.insert(out.end(), rows.begin(), rows.end());
    return {};
  }
  for (std::size_t at = 0; at < rows.size();) {
    const std::size_t end = at + frame_size(rows, at);
    HOOP_CHECK(gather(rows, {at, end, cells_.size(), cells_.size()}));
    if (text_bytes_ >= kScanBatch) HOOP_CHECK(release(rows, out, counts));
    at = end;
  }
  return release(rows, out, counts);
}

Result<void> RowMasker::check_counts(ByteSpan rows) const {
  for (std::size_t at = 0; at < rows.size(); at += frame_size(rows, at)) {
    ByteReader body(rows.subspan(at + kFrameHeader));
    if (body.u16() != plans_.size()) return std::unexpected(misfit());
  }
  return {};
}

Result<void> RowMasker::gather(ByteSpan rows, const Row& row) {
  const ByteSpan body = rows.subspan(row.begin + kFrameHeader, row.end - row.begin - kFrameHeader);
  auto reader = DataRowReader::open(body);
  if (!reader || reader->columns() != plans_.size()) return std::unexpected(misfit());
  Value value;
  for (std::size_t column = 0;; ++column) {
    const auto step = reader->next(value);
    if (step == DataRowReader::Step::end) break;
    if (step == DataRowReader::Step::malformed) return std::unexpected(misfit());
    const Treatment treatment = plans_[column].treatment;
    if (treatment == Treatment::pass || !value) continue;
    const auto at = static_cast<std::size_t>(value->data() - rows.data()) - 4;
    cells_.push_back({at, value->size(), column, texts_.size()});
    if (treatment == Treatment::replace || treatment == Treatment::clear) continue;
    std::string_view text = as_text(*value);
    if (treatment == Treatment::scan_jsonb) {
      if (text.empty() || text.front() != 1) return std::unexpected(misfit());
      text.remove_prefix(1);
    }
    texts_.push_back(text);
    text_bytes_ += text.size();
  }
  rows_.push_back({row.begin, row.end, row.first_cell, cells_.size()});
  return {};
}

Result<void> RowMasker::release(ByteSpan rows, Bytes& out, mask::HiddenCounts& counts) {
  rewritten_.clear();
  rewritten_.resize(texts_.size());
  if (!texts_.empty()) HOOP_CHECK(masker_.rewrite(texts_, rewritten_, counts));
  std::size_t copied = rows_.empty() ? 0 : rows_.front().begin;
  const auto copy_until = [&](std::size_t end) {
    const ByteSpan run = rows.subspan(copied, end - copied);
    out.insert(out.end(), run.begin(), run.end());
  };
  for (const Row& row : rows_) {
    if (!changes(row)) continue;
    copy_until(row.begin);
    rebuild(rows, row, out, counts);
    copied = row.end;
  }
  if (!rows_.empty()) copy_until(rows_.back().end);
  rows_.clear();
  cells_.clear();
  texts_.clear();
  text_bytes_ = 0;
  return {};
}

bool RowMasker::changes(const Row& row) const {
  for (std::size_t i = row.first_cell; i < row.last_cell; ++i) {
    const Treatment treatment = plans_[cells_[i].column].treatment;
    if (treatment == Treatment::replace || treatment == Treatment::clear ||
        rewritten_[cells_[i].text])
      return true;
  }
  return false;
}

void RowMasker::rebuild(ByteSpan rows, const Row& row, Bytes& out,
                        mask::HiddenCounts& counts) const {
  const std::size_t start = out.size();
  ByteWriter writer(out);
  std::size_t copied = row.begin;
  for (std::size_t i = row.first_cell; i < row.last_cell; ++i) {
    const Cell& cell = cells_[i];
    const Treatment treatment = plans_[cell.column].treatment;
    const bool whole = treatment == Treatment::replace || treatment == Treatment::clear;
    if (!whole && !rewritten_[cell.text]) continue;
    writer.bytes(rows.subspan(copied, cell.at - copied));
    const std::optional<std::string> text = stand_in(rows, cell, counts);
    writer.i32(text ? static_cast<std::int32_t>(text->size()) : -1);
    if (text) writer.text(*text);
    copied = cell.at + 4 + cell.size;
  }
  writer.bytes(rows.subspan(copied, row.end - copied));
  writer.patch_u32(start + 1, static_cast<std::uint32_t>(out.size() - start - 1));
}

std::optional<std::string> RowMasker::stand_in(ByteSpan rows, const Cell& cell,
                                               mask::HiddenCounts& counts) const {
  const ColumnPlan& plan = plans_[cell.column];
  switch (plan.treatment) {
    case Treatment::replace:
      ++counts.columns;
      return masker_.masked(plan.strategy, as_text(rows.subspan(cell.at + 4, cell.size)));
    case Treatment::clear: ++counts.columns; return std::nullopt;
    case Treatment::scan_jsonb: return '\x01' + *rewritten_[cell.text];
    case Treatment::scan_opaque: return std::nullopt;
    case Treatment::scan_text:
    case Treatment::pass: break;
  }
  return rewritten_[cell.text];
}

}  // namespace hoop::postgres
