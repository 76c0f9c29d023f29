// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/result_stream.h"

#include <fmt/format.h>

namespace hoop::postgres {

using Fate = ReplyMeter::Fate;

namespace {

constexpr std::size_t kRowHeadBytes = 1 + 4 + 2;  // tag, length, number of columns

}  // namespace

Result<void> ResultStream::begin(const RunningStatement& running, std::shared_ptr<Portal> portal,
                                 std::shared_ptr<RowMasker> rows) {
  if (!meter_) meter_.emplace(shared_, running, std::move(portal));
  if (rows) rows_ = std::move(rows);
  return meter_->begin(rows_.get());
}

Result<void> ResultStream::row(const Frame& data_row) {
  if (meter_->weigh(data_row.whole.size()) == Fate::withhold) return flush();
  if (run_.empty()) {
    run_ = data_row.whole;
    return {};
  }
  // Frames of one read lie side by side; anything between two rows has been flushed past.
  HOOP_ASSERT(run_.data() + run_.size() == data_row.whole.data());
  run_ = {run_.data(), run_.size() + data_row.whole.size()};
  return {};
}

void ResultStream::begin_copy(Format format, std::shared_ptr<const CopyText> text) {
  copy_.emplace(shared_.context.masker, format, std::move(text));
}

Result<void> ResultStream::copy_data(const Frame& copy_data) {
  if (meter_->weigh(copy_data.whole.size()) == Fate::withhold) return {};
  const std::size_t before = out_.size();
  HOOP_CHECK(copy_->rewrite(copy_data, out_, meter_->hidden()));
  return meter_->releasing(ByteSpan(out_).subspan(before));
}

Result<void> ResultStream::finish_copy() {
  if (meter_->stopped()) return {};
  const std::size_t before = out_.size();
  HOOP_CHECK(copy_->finish(out_, meter_->hidden()));
  return meter_->releasing(ByteSpan(out_).subspan(before));
}

Result<void> ResultStream::begin_pieces(std::uint64_t size) {
  const bool looks_into =
      copying() ? shared_.context.masker.has_detectors() : rows_ != nullptr && rows_->acts();
  if (looks_into) {
    return fail(ErrorCode::too_large,
                fmt::format("the target sent a {} of {} bytes, and masks look into at most {}",
                            copying() ? "copied row" : "row", size, kMaxMessageBytes),
                "leave the large value out, or ask for it in parts by substring()");
  }
  gives_pieces_ = meter_->weigh(static_cast<std::size_t>(size)) == Fate::release;
  pieces_left_ = size;
  row_head_.clear();
  columns_.reset();
  if (!copying() && rows_ != nullptr) columns_ = rows_->columns();
  return {};
}

Result<void> ResultStream::give(ByteSpan bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return meter_->releasing(bytes);
}

Result<void> ResultStream::piece(ByteSpan bytes) {
  HOOP_ASSERT(bytes.size() <= pieces_left_);
  pieces_left_ -= bytes.size();
  if (!gives_pieces_) return {};
  if (!columns_) return give(bytes);
  row_head_.insert(row_head_.end(), bytes.begin(), bytes.end());
  if (row_head_.size() < kRowHeadBytes) return {};
  ByteReader count(ByteSpan(row_head_).subspan(kRowHeadBytes - 2, 2));
  const auto columns = count.u16();
  if (!columns || *columns != *columns_)
    return fail(ErrorCode::malformed, "a row does not fit its description");
  columns_.reset();
  const Bytes head = std::exchange(row_head_, {});
  return give(head);
}

Result<void> ResultStream::flush() {
  if (run_.empty()) return {};
  const ByteSpan run = std::exchange(run_, ByteSpan());
  const std::size_t before = out_.size();
  if (rows_) {
    HOOP_CHECK(rows_->rewrite(run, out_, meter_->hidden()));
  } else {
    out_.insert(out_.end(), run.begin(), run.end());
  }
  return meter_->releasing(ByteSpan(out_).subspan(before));
}

Result<void> ResultStream::end(std::string status) {
  HOOP_CHECK(flush());
  HOOP_CHECK(meter_->end(std::move(status)));
  meter_.reset();
  rows_.reset();
  copy_.reset();
  return {};
}

}  // namespace hoop::postgres
