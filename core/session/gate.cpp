// SPDX-License-Identifier: Apache-2.0
#include "core/session/gate.h"

#include <algorithm>

namespace hoop::session {

using access::Decision;
using access::Effect;
using record::RecordType;

namespace {

// As many as a session has connections; what a program pipelines beyond that is not measured.
constexpr std::size_t kMostUnanswered = 256;
// Room that a batch keeps for the next: short messages come by the thousand, and an idle session
// holds it.
constexpr std::size_t kKeptBytes = 2048;

}  // namespace

/// Tells the observer how long a stage took. Without one no clock is looked at.
class Gate::Timed {
 public:
  Timed(const Gate& gate, Stage stage) : gate_(gate), stage_(stage) {
    if (gate_.observer_ != nullptr) begun_ = gate_.clock_.steady_now();
  }
  ~Timed() {
    if (gate_.observer_ != nullptr)
      gate_.observer_->took(stage_, gate_.clock_.steady_now() - begun_);
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  const Gate& gate_;
  Stage stage_;
  SteadyTime begun_{};
};

Gate::Gate(std::shared_ptr<const access::PolicyEngine> policy, access::Identity identity,
           access::Target target, record::SessionLog log, const Clock& clock)
    : policy_(std::move(policy)),
      identity_(std::move(identity)),
      target_(std::move(target)),
      log_(std::move(log)),
      disk_(log_.sink()),
      clock_(clock) {}

access::SessionFacts Gate::facts() const {
  return {totals_.allowed + totals_.denied, totals_.rows, totals_.bytes, totals_.denied,
          clock_.system_now() + clock_error_};
}

template <class Record>
Result<void> Gate::append(RecordType type, const Record& record) {
  room_ = record::to_json(record, std::move(room_));
  Result<void> appended = log_.append(type, room_);
  if (room_.capacity() > kKeptBytes) room_ = {};
  return appended;
}

Eventually<Verdict> Gate::admit(std::uint64_t connection, const access::Action& action, Wait wait) {
  const Timed timed(*this, Stage::decide);
  Decision decision = judge(action);
  if (decision.effect == Effect::require_approval && approvals_ != nullptr && !asks_no_more_)
    return ask(connection, action, std::move(decision), std::move(wait));
  if (decision.effect != Effect::allow)
    return Eventually<Verdict>(Verdict(refuse(connection, action, std::move(decision))));
  return Eventually<Verdict>(let_pass(connection, action, std::move(decision)));
}

Verdict Gate::admit_prepared(std::uint64_t connection, const access::Action& action) {
  const Timed timed(*this, Stage::decide);
  Decision decision = judge(action);
  if (decision.effect == Effect::deny ||
      (decision.effect == Effect::require_approval && approvals_ == nullptr))
    return refuse(connection, action, std::move(decision));
  return let_pass(connection, action, std::move(decision));
}

/// Recorded first.
Verdict Gate::let_pass(std::uint64_t connection, const access::Action& action, Decision decision) {
  const std::uint64_t id = next_action_++;
  const record::ActionRecord entry{id, connection, clock_.system_now(), &action, &decision};
  if (const auto appended = append(RecordType::action, entry); !appended) {
    // Not recorded means not done: the statement is refused, and the next commit will end the
    // session.
    ++totals_.denied;
    Refusal refusal{{Effect::deny, "record",
                     "the session log could not take the record: " + appended.error().message,
                     appended.error().hint},
                    id};
    if (observer_ != nullptr) observer_->decided(refusal.decision);
    return refusal;
  }
  ++totals_.allowed;
  if (observer_ != nullptr) observer_->decided(decision);
  await_answer(id);
  Admitted admitted(id);
  if (!decision.force_command.empty())
    admitted.forced_ = std::make_shared<const std::string>(std::move(decision.force_command));
  return admitted;
}

Refusal Gate::refuse(std::uint64_t connection, const access::Action& action, Decision decision) {
  // A rule that wants approval refuses until somebody approves: there is no path on which it allows
  // by itself.
  const std::uint64_t id = next_action_++;
  ++totals_.denied;
  const record::ActionRecord entry{id, connection, clock_.system_now(), &action, &decision};
  // A refusal that cannot be recorded stays a refusal; commit() reports the broken log before
  // anything else is released.
  static_cast<void>(append(RecordType::action, entry));
  if (decision.approval) {
    if (on_approval_) on_approval_(action, decision, false);
  } else if (on_denial_) {
    on_denial_(action, decision);
  }
  if (observer_ != nullptr) observer_->decided(decision);
  return Refusal{std::move(decision), id};
}

Result<void> Gate::reply_begin(const Admitted&, const record::ReplyBegin& begin) {
  return append(RecordType::reply_begin, begin);
}

Result<void> Gate::reply_progress(const Admitted&, const record::Progress& progress) {
  return append(RecordType::progress, progress);
}

void Gate::await_answer(std::uint64_t action) {
  if (observer_ == nullptr || unanswered_.size() >= kMostUnanswered) return;
  unanswered_.emplace_back(action, clock_.steady_now());
}

void Gate::note_answer(std::uint64_t action) {
  const auto found =
      std::ranges::find(unanswered_, action, &std::pair<std::uint64_t, SteadyTime>::first);
  if (found == unanswered_.end()) return;
  observer_->took(Stage::answer, clock_.steady_now() - found->second);
  // Older ones that never were answered went with their connections, or will be found behind it.
  *found = unanswered_.back();
  unanswered_.pop_back();
}

Result<void> Gate::reply_end(const Admitted& action, record::ReplyEnd end) {
  end.at = clock_.system_now();
  note_answer(action.id());
  totals_.rows += end.rows;
  totals_.bytes += end.bytes;
  totals_.masked_values += end.masked_values;
  if (observer_ != nullptr && end.masked_values > 0) observer_->masked(end.masked_values);
  return append(RecordType::reply_end, end);
}

Result<void> Gate::reply_data(const Admitted& action, ByteSpan masked) {
  return log_.append_reply_data(action.id(), masked);
}

Result<void> Gate::output(const Admitted& action, std::chrono::milliseconds after, bool is_error,
                          ByteSpan masked) {
  return log_.append_output({action.id(), after, is_error}, masked);
}

Result<void> Gate::note(const record::Note& note) {
  return log_.append(RecordType::note, record::to_json(note));
}

void Gate::set_policy(std::shared_ptr<const access::PolicyEngine> policy) {
  policy_ = std::move(policy);
  // A log that cannot take the record takes no action's either: nothing is admitted any more.
  static_cast<void>(note({"policy", {{"version", policy_->document().version}}}));
}

Result<void> Gate::settle() {
  if (!log_.has_uncommitted()) return {};
  const Timed timed(*this, Stage::commit);
  return log_.commit();
}

/// Whether the log's bytes are where policy wants them before anything is released.
bool Gate::is_durable() const {
  return policy_->document().durability == access::Durability::os ||
         disk_.has(log_.bytes_written());
}

Task<void> Gate::wait_for_disk() {
  const Timed timed(*this, Stage::commit);
  Result<void> synced = co_await disk_.wait_for(log_.bytes_written());
  if (!synced) log_.give_up(synced.error());
  co_return synced;
}

Task<void> Gate::wait_for_lease() {
  Result<void> outcome;
  const bool holds = co_await lease_->renewed();
  if (!holds) outcome = fail(ErrorCode::cancelled, "access has ended");
  co_return outcome;
}

namespace {

/// Where the bytes of a batch are while they are written: more may be added to it meanwhile.
class Released {
 public:
  Released(Bytes& batch, Bytes& spare)
      : bytes_(std::exchange(batch, std::move(spare))), spare_(spare) {}
  ByteSpan bytes() const { return bytes_; }
  /// The room is the next batch's.
  void done() {
    bytes_.clear();
    spare_ = bytes_.capacity() <= kKeptBytes ? std::move(bytes_) : Bytes();
  }

 private:
  Bytes bytes_;
  Bytes& spare_;
};

// Moving the bytes leaves them where they are: the span that is being written stays good.
Task<void> finish(Released released, Task<void> writing) {
  const Result<void> written = co_await std::move(writing);
  released.done();
  co_return written;
}

}  // namespace

template <class Batch>
Task<void> Gate::release_later(Batch& batch, net::Stream& stream) {
  if (!may_release()) {
    HOOP_CO_CHECK(co_await wait_for_lease());
  }
  HOOP_CO_CHECK(settle());  // what was added meanwhile
  Released released(batch.bytes_, batch.spare_);
  if (!is_durable()) {
    HOOP_CO_CHECK(co_await wait_for_disk());
  }
  // A disk can take longer than a lease lasts.
  if (!may_release()) {
    HOOP_CO_CHECK(co_await wait_for_lease());
  }
  const Result<void> written = co_await stream.write_all(released.bytes());
  released.done();
  co_return written;
}

template <class Batch>
Eventually<Result<void>> Gate::release(Batch& batch, net::Stream& stream) {
  // Record first: if we die between the two, the log already names the statement.
  if (Result<void> settled = settle(); !settled || batch.bytes_.empty())
    return Eventually<Result<void>>(std::move(settled));
  if (!may_release() || !is_durable())
    return Eventually<Result<void>>(release_later(batch, stream));
  Released released(batch.bytes_, batch.spare_);
  auto writing = stream.start_write(released.bytes());
  if (!writing.ready())
    return Eventually<Result<void>>(finish(std::move(released), writing.wait()));
  released.done();
  return writing;
}

Eventually<Result<void>> Gate::forward(UpstreamBatch& batch, net::Stream& upstream) {
  return release(batch, upstream);
}

Eventually<Result<void>> Gate::deliver(DownstreamBatch& batch, net::Stream& downstream) {
  return release(batch, downstream);
}

Result<void> Gate::seal(std::string cause, int program_status) {
  const record::SessionEnd end{
      clock_.system_now(), std::move(cause),      program_status, totals_.allowed + totals_.denied,
      totals_.denied,      totals_.masked_values, totals_.rows};
  return log_.seal(end);
}

}  // namespace hoop::session
