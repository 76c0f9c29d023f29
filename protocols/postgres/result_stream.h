// SPDX-License-Identifier: Apache-2.0
// The rows or COPY data of the statement that is being answered, on their way into a downstream
// batch.
#pragma once

#include <optional>

#include "protocols/postgres/copy_masker.h"
#include "protocols/postgres/reply_meter.h"

namespace hoop::postgres {

/// One a connection. Rows are gathered as one run of the receive buffer and masked together by
/// flush(), which must be called before the buffer moves and before anything else is appended to
/// out.
class ResultStream {
 public:
  ResultStream(SessionShared& shared, Bytes& out) : shared_(shared), out_(out) {}

  /// A statement begins to be answered; rows may be nullptr. Idempotent until end().
  Result<void> begin(const RunningStatement& running, std::shared_ptr<Portal> portal,
                     std::shared_ptr<RowMasker> rows);
  bool under_way() const { return meter_.has_value(); }
  bool copying() const { return copy_.has_value(); }
  ReplyMeter& meter() { return *meter_; }

  Result<void> row(const Frame& data_row);
  /// text as CopyMasker's.
  void begin_copy(Format format, std::shared_ptr<const CopyText> text);
  Result<void> copy_data(const Frame& copy_data);
  Result<void> finish_copy();

  /// A row, or COPY data, that comes in pieces: too large to be held, and nothing looks into it.
  /// Fails with too_large where something would.
  Result<void> begin_pieces(std::uint64_t size);
  /// Fails with malformed: a row of another number of columns than was described.
  Result<void> piece(ByteSpan bytes);
  /// Whether the program has been given a part of a message.
  bool gives_pieces() const { return pieces_left_ != 0 && gives_pieces_ && !columns_; }

  Result<void> flush();
  /// What flush() has not masked yet goes nowhere: the buffer that it lies in may be gone.
  void drop_unmasked() { run_ = {}; }
  /// ReplyEnd; the next statement may begin.
  Result<void> end(std::string status);

 private:
  Result<void> give(ByteSpan bytes);
  SessionShared& shared_;
  Bytes& out_;
  std::optional<ReplyMeter> meter_;
  std::shared_ptr<RowMasker> rows_;
  std::optional<CopyMasker> copy_;
  std::uint64_t pieces_left_ = 0;       // bytes of the message that comes in pieces
  bool gives_pieces_ = false;           // no limit withholds it
  std::optional<std::size_t> columns_;  // to be compared with the row's, which is next
  Bytes row_head_;                      // until its number of columns is there
  ByteSpan run_;  // DataRows of the receive buffer that are released and not yet masked
};

}  // namespace hoop::postgres
