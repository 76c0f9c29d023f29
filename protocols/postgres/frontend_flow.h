// SPDX-License-Identifier: Apache-2.0
// Program to target: every message is decoded, judged, recorded, and put into one upstream batch;
// what is refused is replaced by poison.
#pragma once

#include <vector>

#include "core/mask/write_back.h"
#include "protocols/postgres/conversation.h"

namespace hoop::postgres {

/// The connection feeds frames and forwards the batch once a wake-up; the flow forwards earlier by
/// itself when it must wait for the target's answers. A refusal always goes through the server (a
/// statement that cannot be parsed, in the place of the refused one): the answer then comes in
/// order, an open transaction fails, and a pipeline rolls back.
class FrontendFlow {
 public:
  FrontendFlow(Conversation& conversation, net::Stream& upstream)
      : conversation_(conversation), upstream_(upstream) {}
  FrontendFlow(const FrontendFlow&) = delete;
  FrontendFlow& operator=(const FrontendFlow&) = delete;

  /// Gets the catalog, if the session needs one, before the first statement. Fails with what
  /// Catalog::build fails with.
  Task<void> open_catalog();
  /// Fails with malformed (the connection must end), and with what the gate fails with.
  Task<void> take(Frame frame);
  Task<void> forward();
  /// Judges text as a query that came now would be, and says what it found: see explanation.h.
  /// Nothing is sent. Recorded as notes, which must be committed before the answer is released.
  Result<std::vector<std::string>> explain(std::string_view text);

 private:
  using Step = Task<void> (FrontendFlow::*)(Frame);
  struct Rule;
  static const Rule* rule_for(char tag);

  Task<void> query(Frame frame);
  Task<void> parse(Frame frame);
  Task<void> bind(Frame frame);
  Task<void> describe(Frame frame);
  Task<void> execute(Frame frame);
  Task<void> close(Frame frame);
  Task<void> flush(Frame frame);
  Task<void> sync(Frame frame);
  Task<void> terminate(Frame frame);
  Task<void> copy(Frame frame);
  void begin_copies(const RunningStatement& statement);
  Bytes refuse_copy();
  Task<void> function_call(Frame frame);

  /// The proofs of every statement, in order; or the refusal of the first that may not pass: then
  /// none may.
  using Verdicts = std::variant<std::vector<RunningStatement>, session::Refusal>;
  Task<Verdicts> admit(JudgedPtr judged);
  Result<void> withdraw(const std::vector<RunningStatement>& running);
  /// The first statement that the fixed rules refuse, and why.
  struct FixedDecision {
    const Statement* statement = nullptr;
    access::Decision decision;
  };
  std::optional<FixedDecision> fixed_decision(const JudgedText& judged) const;
  std::optional<session::Refusal> fixed_refusal(const JudgedText& judged);
  JudgedPtr read_text(std::string_view text);
  bool writes_mask(const JudgedText& judged, const Bind& message) const;
  /// Before a statement is forwarded that gives names of statements or portals another meaning
  /// behind the protocol's back.
  Task<void> forget_names(JudgedPtr judged);
  /// What a forwarded statement does to the meaning of names.
  void apply_effects(const JudgedText& judged);

  /// Waits until nothing sent is unanswered.
  Task<void> settle();
  /// Makes the catalog as new as what has run; behind: not possible inside this pipeline.
  enum class Names { current, behind };
  Task<Names> names_current();
  Task<void> read_catalog();
  bool adopt_catalog();
  template <class Thing>
  Task<std::shared_ptr<Thing>> look_up(NameTable<Thing>& table, std::string name);

  ExpectedReply& expect(ReplyKind kind);
  void expect_catalog(std::string_view sql, std::shared_ptr<CatalogAnswers> collected,
                      std::size_t index);
  void poison_query(Report report);
  void poison_extended(Report report);
  void send_execute(const Frame& frame, const std::shared_ptr<Portal>& portal,
                    std::vector<RunningStatement> running);

  Conversation& conversation_;
  net::Stream& upstream_;
  session::UpstreamBatch batch_;
  std::uint64_t segment_ = 1;          // grows at each Sync; 0 is no segment
  bool segment_open_ = false;          // messages were sent since the last Sync
  std::uint64_t units_ = 0;            // Executes sent in this segment
  std::shared_ptr<Portal> described_;  // the last message sent was a Describe of it
  std::optional<session::Admitted> copy_proof_;
  // Of the COPY FROM that the statement sent last begins, if it does.
  access::Action copy_action_;
  mask::MaskWatch copy_watch_;
  bool copy_refused_ = false;  // the rest of the program's data is dropped
};

}  // namespace hoop::postgres
