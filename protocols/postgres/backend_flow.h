// SPDX-License-Identifier: Apache-2.0
// Target to program: every message is checked against what was asked, cleaned, recorded, and put
// into one downstream batch.
#pragma once

#include "protocols/postgres/conversation.h"
#include "protocols/postgres/result_stream.h"
#include "protocols/postgres/server_text.h"

namespace hoop::postgres {

/// No I/O: the connection feeds frames and delivers the batch. A message that does not answer what
/// is expected is malformed and ends the connection: the target may be hostile, and a reply that
/// nobody asked for would go unmasked.
class BackendFlow {
 public:
  explicit BackendFlow(Conversation& conversation);
  BackendFlow(const BackendFlow&) = delete;
  BackendFlow& operator=(const BackendFlow&) = delete;

  Result<void> take(const Frame& frame);
  /// A message that is too large for take(): pieces of it follow, all of them before anything else.
  /// Fails as take() does, and with too_large if it must be held whole.
  Result<void> take_large(const LargeFrame& large);
  Result<void> take_piece(ByteSpan piece) { return results_.piece(piece); }
  /// Of a message the program has the beginning, and not the end: nothing of ours fits there.
  bool inside_message() const { return results_.gives_pieces(); }
  /// After the last whole message of a read, before the receive buffer moves.
  Result<void> finish_read() { return results_.flush(); }
  /// The connection has ended: what was not answered whole ends in the record all the same, with as
  /// many rows as may have gone to the program. Nothing more is taken after it.
  Result<void> abandon();
  session::DownstreamBatch& batch() { return batch_; }
  /// True once after a limit stopped a statement that cannot write: the target should stop it too.
  bool take_cancel_wish() { return std::exchange(wants_cancel_, false); }
  /// The program has been told by the target itself that the connection ends.
  bool passed_fatal() const { return passed_fatal_; }

 private:
  using Step = Result<void> (BackendFlow::*)(const Frame&);
  struct Rule;
  static const Rule* rule_for(char tag);

  // Replies to what is expected.
  Result<void> done(const Frame& frame);
  Result<void> parameter_description(const Frame& frame);
  Result<void> row_description(const Frame& frame);
  bool described_before(const Frame& frame);
  Result<void> no_data(const Frame& frame);
  Result<void> data_row(const Frame& frame);
  Result<void> command_complete(const Frame& frame);
  Result<void> portal_suspended(const Frame& frame);
  Result<void> empty_query(const Frame& frame);
  Result<void> copy_in(const Frame& frame);
  Result<void> copy_out(const Frame& frame);
  Result<void> copy_data(const Frame& frame);
  Result<void> copy_done(const Frame& frame);
  Result<void> ready_for_query(const Frame& frame);
  // What may come at any time.
  Result<void> error(const Frame& frame);
  Result<void> notice(const Frame& frame);
  Result<void> notification(const Frame& frame);
  Result<void> parameter_status(const Frame& frame);

  Result<const Rule*> expected_rule(char tag);
  Result<void> begin_row();
  void note_stop(bool stopped_before);
  Result<void> pass(const Frame& frame);
  Result<void> begin_result();
  Result<void> completed(const Frame& frame, std::string status);
  Result<void> completed_above_limit(const Frame& frame, std::string status);
  Result<void> collect(const Frame& frame);
  Result<void> skip_to_sync();
  Result<void> finish_running(ExpectedReply& reply, std::string_view status);
  void pop();
  ExpectedReply* head() {
    return conversation_.expected.empty() ? nullptr : &conversation_.expected.front();
  }
  Wording wording();
  Error unexpected(char tag) const;

  Conversation& conversation_;
  session::DownstreamBatch batch_;
  ResultStream results_;
  ServerText text_;
  std::shared_ptr<RowMasker> query_rows_;  // of the simple Query's statement that is being answered
  mask::HiddenCounts unattributed_;        // hidden in texts that belong to no statement
  bool wants_cancel_ = false;
  bool passed_fatal_ = false;
};

}  // namespace hoop::postgres
