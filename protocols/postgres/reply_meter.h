// SPDX-License-Identifier: Apache-2.0
// Counts what one statement gives back: its records in the session log, and where its limits stop
// it.
#pragma once

#include <optional>
#include <string>

#include "protocols/postgres/conversation.h"

namespace hoop::postgres {

/// One a running statement (for portals: one an Execute). Borrows the session's shared state.
class ReplyMeter {
 public:
  ReplyMeter(SessionShared& shared, const RunningStatement& running,
             std::shared_ptr<Portal> portal);

  /// ReplyBegin, once; rows may be nullptr (nothing is masked and nobody asked for a description).
  Result<void> begin(const RowMasker* rows);

  enum class Fate { release, withhold };
  /// Whether a row of this size may go to the program; counts it if so. After the first that may
  /// not, none may.
  Fate weigh(std::size_t size);
  /// Nothing more goes to the program, for this reason; the statement ends with it.
  void stop(Report report);
  /// The reason why rows were withheld, if any were.
  const std::optional<Report>& stopped() const { return stopped_; }

  /// To be called with what weigh() let pass, before it is delivered: Progress, and reply data up
  /// to the caps.
  Result<void> releasing(ByteSpan masked);
  mask::HiddenCounts& hidden() { return hidden_; }
  /// ReplyEnd. status: the completion's tag, or "error SQLSTATE".
  Result<void> end(std::string status);
  const Statement& statement() const { return running_.statement(); }

 private:
  std::optional<Report> limit_reached(std::size_t size) const;
  SessionShared& shared_;
  RunningStatement running_;
  std::shared_ptr<Portal> portal_;
  bool begun_ = false;
  std::optional<Report> stopped_;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t reported_rows_ = 0;
  std::uint64_t reported_bytes_ = 0;
  std::uint64_t data_bytes_ = 0;
  mask::HiddenCounts hidden_;
};

/// ReplyEnd of a statement that was sent to the target, which was lost before it answered: whether
/// it ran is not known.
Result<void> record_unanswered(session::Gate& gate, const session::Admitted& admitted);
/// ReplyEnd of a statement that was admitted and never ran.
Result<void> record_not_run(session::Gate& gate, const session::Admitted& admitted);

}  // namespace hoop::postgres
