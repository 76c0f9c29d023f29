// SPDX-License-Identifier: Apache-2.0
// The only code that orders decide → record → forward and mask → record → deliver. One a session.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/access/action.h"
#include "core/access/grant.h"
#include "core/access/policy.h"
#include "core/base/clock.h"
#include "core/net/stream.h"
#include "core/record/session_log.h"
#include "core/session/approvals.h"
#include "core/session/disk_sync.h"

namespace hoop::session {

/// Proof that an action was allowed and is in the log's buffer. Only Gate makes one. Copyable: a
/// prepared statement is executed many times, and each execution is admitted anew and recorded.
class Admitted {
 public:
  std::uint64_t id() const { return id_; }
  /// What the rule that has let it pass wants to be run in its place; null, nearly always: nothing.
  const std::string* forced_command() const { return forced_.get(); }

 private:
  friend class Gate;
  explicit Admitted(std::uint64_t id) : id_(id) {}
  std::uint64_t id_;
  std::shared_ptr<const std::string> forced_;
};

/// The answer of policy when it is not "allow", in the words for the program's user.
struct Refusal {
  access::Decision decision;
  std::uint64_t action = 0;
};
using Verdict = std::variant<Admitted, Refusal>;

/// What goes upstream in one write. Bytes enter only with proof, or as protocol bytes that can
/// carry no text of the user's (Sync, Flush, Terminate, our own Describe, a poison statement),
/// which the caller vouches for by name.
class UpstreamBatch {
 public:
  void add(const Admitted&, ByteSpan bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void add_control(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }

 private:
  friend class Gate;
  Bytes bytes_;
  Bytes spare_;  // the room of the batch before
};

/// What goes to the program in one write; handlers append masked bytes, then announce what they
/// hold by the gate's reply calls.
class DownstreamBatch {
 public:
  Bytes& bytes() { return bytes_; }
  bool empty() const { return bytes_.empty(); }

 private:
  friend class Gate;
  Bytes bytes_;
  Bytes spare_;
};

/// Counts for the result document (--result-fd).
struct SessionTotals {
  std::uint64_t allowed = 0;
  std::uint64_t denied = 0;
  std::uint64_t approved = 0;             // of allowed: by a person
  std::uint64_t rejected = 0;             // of denied: a person has said no, or nobody anything
  std::vector<std::string> pending = {};  // requests that nobody has decided; the first 64
  std::uint64_t masked_values = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
};

/// Where the time of an action goes: to the policy's decision and its record; to a commit of the
/// log; from its admission to the end of its reply, the target and the program included.
enum class Stage { decide, commit, answer };

/// Counts what a gate does. Called on the session's thread; outlives the gate's last action.
class GateObserver {
 public:
  virtual ~GateObserver() = default;
  /// What an action met, also when the log could not take it.
  virtual void decided(const access::Decision& decision) = 0;
  /// More values of a reply that has ended were masked.
  virtual void masked(std::uint64_t values) = 0;
  virtual void took(Stage stage, std::chrono::nanoseconds span) = 0;
};

/// Whether somebody still stands behind a session whose gate is not the gateway's own.
class Lease {
 public:
  virtual ~Lease() = default;
  /// Asked before every release: cheap.
  virtual bool holds() const = 0;
  /// True once it holds again; false: it never will.
  virtual asio::awaitable<bool> renewed() = 0;
};

/// Of an action that may have to wait for somebody.
struct ApprovalWait {
  /// Called when it must, with words for whoever has asked for it.
  std::function<void(const std::string& words)> tell = {};
  std::uint32_t part = 0;  // of the connection: a channel of it, say
  std::string place = {};  // at the target: see ApprovalQuestion
};

class Gate {
 public:
  /// Called once a refusal, for the stderr line of agents; never with a literal or a row's value.
  using DenialListener = std::function<void(const access::Action&, const access::Decision&)>;
  /// Called with a decision that has an approval: when somebody must be waited for, and then, with
  /// waits false, with what has become of it.
  using ApprovalListener =
      std::function<void(const access::Action&, const access::Decision&, bool waits)>;
  using Wait = ApprovalWait;

  Gate(std::shared_ptr<const access::PolicyEngine> policy, access::Identity identity,
       access::Target target, record::SessionLog log, const Clock& clock);
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  /// Decides and appends the action's record. connection numbers the program's connection in the
  /// session. A log that cannot take the record is a refusal by rule "record". Where a rule wants
  /// an approval, people are asked, if they can be (ask_by), and the answer comes when they have
  /// decided, or have been waited for: then it is a refusal whose decision has the approval.
  Eventually<Verdict> admit(std::uint64_t connection, const access::Action& action, Wait wait = {});
  /// What could be executed later, and is not by this: an action that a rule wants an approval for
  /// passes, recorded as one that waits for it. Whatever executes it is admitted anew.
  Verdict admit_prepared(std::uint64_t connection, const access::Action& action);
  /// What of this connection, or this part of it, waits for an approval is refused now: its program
  /// waits no more. The requests stay.
  void give_up_waiting(std::uint64_t connection, std::optional<std::uint32_t> part = {});
  /// The same for all of them, and from now on.
  void ask_no_more();
  /// What admit() would be answered now. Nothing is counted, recorded or admitted by it.
  access::Decision judge(const access::Action& action) const {
    return policy_->decide(identity_, target_, action, facts());
  }
  /// For a refusal that policy does not make (masked column in a predicate, statement not parsed):
  /// recorded as a denial with the given decision, whose effect must be deny.
  Refusal refuse(std::uint64_t connection, const access::Action& action, access::Decision decision);

  /// Reply records; each must be appended before the bytes it speaks of are delivered. rows and
  /// bytes are totals of the action.
  Result<void> reply_begin(const Admitted& action, const record::ReplyBegin& begin);
  Result<void> reply_progress(const Admitted& action, const record::Progress& progress);
  Result<void> reply_end(const Admitted& action, record::ReplyEnd end);
  Result<void> reply_data(const Admitted& action, ByteSpan masked);
  /// What a program says: after is since it was admitted.
  Result<void> output(const Admitted& action, std::chrono::milliseconds after, bool is_error,
                      ByteSpan masked);
  Result<void> note(const record::Note& note);

  /// Commits the log, then writes the batch upstream, and empties it. Waits while the lease does
  /// not hold and, where policy asks for it, until the disk has the log; usually there is nothing
  /// to wait for. Fails with storage, io, timeout, cancelled (the lease is gone).
  Eventually<Result<void>> forward(UpstreamBatch& batch, net::Stream& upstream);
  /// Commits the log, then writes the batch to the program, and empties it.
  Eventually<Result<void>> deliver(DownstreamBatch& batch, net::Stream& downstream);

  /// Nothing passes while lease does not hold. It outlives the gate's last action.
  void hold_by(Lease& lease) { lease_ = &lease; }
  void observe(GateObserver& observer) { observer_ = &observer; }
  void on_denial(DenialListener listener) { on_denial_ = std::move(listener); }
  void on_approval(ApprovalListener listener) { on_approval_ = std::move(listener); }
  /// Whom to ask where a rule wants an approval, and how long an action waits for the answer.
  /// approvals outlives the gate's last action.
  void ask_by(Approvals& approvals, std::chrono::seconds patience) {
    approvals_ = &approvals;
    patience_ = patience;
  }
  const SessionTotals& totals() const { return totals_; }
  const access::PolicyEngine& policy() const { return *policy_; }
  /// Judges what is admitted from now on, and records the version first.
  void set_policy(std::shared_ptr<const access::PolicyEngine> policy);
  access::SessionFacts facts() const;
  /// The grant was made at that moment: what rules say of the time is judged by the clock of
  /// whoever made it, since ours may be wrong.
  void set_time(SystemTime granted) { clock_error_ = granted - clock_.system_now(); }
  /// Ends the log. Call once, after every handler has stopped.
  Result<void> seal(std::string cause, int program_status);
  crypto::Digest256 log_digest() const { return log_.head(); }

 private:
  class Timed;
  class Asking;  // gate_approvals.cpp
  Eventually<Verdict> ask(std::uint64_t connection, const access::Action& action,
                          access::Decision decision, Wait wait);
  asio::awaitable<Verdict> wait_for(std::shared_ptr<Asking> asking);
  asio::awaitable<void> converse(std::shared_ptr<Asking> asking, access::ApprovalQuestion question);
  Task<access::Approval> await_decision(access::Approval approval, SteadyTime until);
  void note_waiting(const Asking& asking, const access::Approval& approval);
  Verdict conclude(const Asking& asking);
  Verdict let_pass(std::uint64_t connection, const access::Action& action,
                   access::Decision decision);
  template <class Batch>
  Eventually<Result<void>> release(Batch& batch, net::Stream& stream);
  template <class Batch>
  Task<void> release_later(Batch& batch, net::Stream& stream);
  Result<void> settle();
  bool is_durable() const;
  Task<void> wait_for_disk();
  template <class Record>
  Result<void> append(record::RecordType type, const Record& record);
  void await_answer(std::uint64_t action);
  void note_answer(std::uint64_t action);
  bool may_release() const { return lease_ == nullptr || lease_->holds(); }
  Task<void> wait_for_lease();
  std::shared_ptr<const access::PolicyEngine> policy_;
  access::Identity identity_;
  access::Target target_;
  record::SessionLog log_;
  DiskSync disk_;
  const Clock& clock_;
  SystemTime::duration clock_error_{};
  std::uint64_t next_action_ = 1;
  SessionTotals totals_;
  std::string room_;  // of the record before
  DenialListener on_denial_;
  ApprovalListener on_approval_;
  Approvals* approvals_ = nullptr;
  std::chrono::seconds patience_{0};
  bool asks_no_more_ = false;
  std::vector<std::weak_ptr<Asking>> asking_;
  GateObserver* observer_ = nullptr;
  std::vector<std::pair<std::uint64_t, SteadyTime>> unanswered_;  // only while somebody observes
  Lease* lease_ = nullptr;
};

}  // namespace hoop::session
