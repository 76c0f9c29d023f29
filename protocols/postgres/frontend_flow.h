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
  /// Fails with malformed (the connection must end), and with what the gate fails with. False: the
  /// message must wait for something, and take_waiting() must be called with it before anything
  /// else. Seldom: a coroutine a message would cost as much as all the rest of it.
  Result<bool> take(const Frame& frame);
  Task<void> take_waiting(Frame frame);
  /// A message that is too large for take(): pieces of it follow, all of them before anything else.
  /// Fails with too_large if it must be held whole: anything but COPY data that nothing looks into.
  Result<void> take_large(const LargeFrame& large);
  void take_piece(ByteSpan piece);
  Task<void> forward();
  /// The same, begun at once.
  Eventually<Result<void>> start_forward();
  /// Judges text as a query that came now would be, and says what it found: see explanation.h.
  /// Nothing is sent. Recorded as notes, which must be committed before the answer is released.
  Result<std::vector<std::string>> explain(std::string_view text);

 private:
  /// What a message waits for. A step has done nothing yet when it answers anything but nothing,
  /// and is begun anew afterwards.
  enum class Need { nothing, names, answers, approval };
  using Step = Result<Need> (FrontendFlow::*)(const Frame&);
  struct Rule;
  static const Rule* rule_for(char tag);
  Result<Need> step(const Frame& frame);

  Result<Need> query(const Frame& frame);
  Result<Need> parse(const Frame& frame);
  Result<Need> bind(const Frame& frame);
  Result<Need> describe(const Frame& frame);
  Result<Need> execute(const Frame& frame);
  Result<Need> close(const Frame& frame);
  Result<Need> flush(const Frame& frame);
  Result<Need> sync(const Frame& frame);
  Result<Need> terminate(const Frame& frame);
  Result<Need> copy(const Frame& frame);
  bool takes_copy() const;
  void begin_copies(const RunningStatement& statement);
  Bytes refuse_copy();
  Result<Need> function_call(const Frame& frame);

  /// The proofs of every statement, in order; or the refusal of the first that may not pass: then
  /// none may.
  using Verdicts = std::variant<std::vector<RunningStatement>, session::Refusal>;
  /// nullopt: somebody has to approve; asked again after that, it goes on where it was.
  Result<std::optional<Verdicts>> admit(JudgedPtr judged);
  Task<void> await_approval();
  // frontend_flow_approvals.cpp
  bool needs_approval(const JudgedText& judged) const;
  /// EXECUTE in SQL of what the protocol has prepared and only approvals let be executed: the
  /// refusal. unknown: what its name stands for is not known before what was sent is answered.
  struct Executed {
    bool unknown = false;
    std::optional<session::Refusal> refusal;
  };
  Executed executes_what_asks(const JudgedText& judged);
  Eventually<session::Verdict> ask_gate(const access::Action& action);
  /// What is prepared, and asks for approvals when it is bound.
  session::Verdict admit_prepared(const JudgedText& judged);
  /// nullopt: somebody has to approve this statement with these values.
  std::optional<session::Verdict> admit_bound(const JudgedText& judged,
                                              const PreparedStatement& prepared,
                                              const Bind& message);
  access::Action bound_action(const Statement& statement, const PreparedStatement& prepared,
                              const Bind& message) const;
  /// A string of which more than one statement needs an approval.
  std::optional<session::Refusal> several_that_ask(const JudgedText& judged);
  bool have_names_moved_on(std::uint64_t version) const;
  session::Verdict names_moved_on(const access::Action& action);
  /// An approval that its message did not come to use.
  Result<void> drop_pending();
  Result<void> withdraw_admission();
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
  /// behind the protocol's back. False: not before what was sent is answered.
  bool forget_names(const JudgedText& judged);
  /// What a forwarded statement does to the meaning of names.
  void apply_effects(const JudgedText& judged);

  /// Waits until nothing sent is unanswered.
  Task<void> settle();
  /// Whether the catalog is as new as what has run; behind: it cannot be inside this pipeline.
  enum class Names { current, stale, behind };
  Names names_now() const;
  Task<void> refresh_names();
  Task<void> read_catalog();
  bool adopt_catalog();

  ExpectedReply& expect(ReplyKind kind);
  void expect_catalog(std::string_view sql, std::shared_ptr<CatalogAnswers> collected,
                      std::size_t index);
  void poison_query(Report report);
  void poison_extended(Report report);
  void send_execute(const Frame& frame, const std::shared_ptr<Portal>& portal,
                    std::vector<RunningStatement> running);

  /// How far the statements of one message have come through the gate.
  struct Admission {
    JudgedPtr judged;
    std::vector<RunningStatement> running;
    std::uint64_t names_version = 0;  // StatementReader::version() when it was judged
  };

  Conversation& conversation_;
  net::Stream& upstream_;
  Need need_ = Need::nothing;     // of the message that take() could not finish
  bool names_refreshed_ = false;  // for that message
  std::optional<Admission> admission_;
  std::optional<Eventually<session::Verdict>> pending_;  // that the message waits for
  std::uint64_t pending_names_ = 0;  // StatementReader::version() when it was asked for
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
  bool gives_pieces_ = false;  // of COPY data that comes in pieces
};

}  // namespace hoop::postgres
