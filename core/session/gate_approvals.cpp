// SPDX-License-Identifier: Apache-2.0
// Actions that wait until people have decided.
#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "core/net/task_group.h"
#include "core/session/gate.h"

namespace hoop::session {

using access::Approval;
using access::ApprovalState;
using access::Decision;
using access::Effect;

namespace {

constexpr std::chrono::milliseconds kLongestQuestion{25'000};  // of what may be asked at once
constexpr std::chrono::milliseconds kPause{1'000};             // after an answer that said nothing
// What takes an approval before its action does can only be another of the same words.
constexpr int kMostRequests = 3;
constexpr std::size_t kMostPending = 64;
constexpr std::size_t kMostWords = 200;
constexpr std::size_t kMostNames = 400;

/// Whether the gateway may be there again in a moment.
bool may_pass(const Error& error) {
  return error.code == ErrorCode::upstream_unreachable || error.code == ErrorCode::timeout ||
         error.code == ErrorCode::io;
}

/// The verb, and what it is done to as names mean it now: the same words can mean another thing
/// later, and must not pass by what was approved for these.
std::string verb_with_names(const access::Action& action) {
  std::vector<std::string_view> names;
  for (const access::Resource& resource : action.resources) {
    const bool is_name = resource.kind == "table" || resource.kind == "function";
    if (is_name && std::ranges::find(names, resource.name) == names.end())
      names.push_back(resource.name);
  }
  std::string out = action.verb, all;
  std::size_t left = names.size();
  for (const std::string_view name : names) {
    all.append(name).push_back('\n');
    if (out.size() + name.size() > kMostNames) continue;
    out.append(" ").append(name);
    --left;
  }
  // What is not shown is bound all the same.
  if (left > 0)
    out += fmt::format(" and {} more ({})", left,
                       to_hex(ByteSpan(crypto::sha256(as_bytes(all))).first(8)));
  return out;
}

access::ApprovalQuestion question_of(const access::Action& action, const Decision& decision,
                                     std::string place) {
  return {
      action.protocol, verb_with_names(action), std::move(place), std::string(shown_text(action)),
      action.digest,   decision.rule,           decision.message};
}

/// Why an action does not pass, in words for its program's user.
void explain(Decision& decision, const access::Action& action, const Approval& approval,
             bool gave_up) {
  std::string by = neutralise(approval.by, kMostWords, Lines::escape);
  switch (approval.state) {
    case ApprovalState::pending:
    case ApprovalState::approved:
      decision.message = fmt::format(
          "{}request {} {}", decision.message.empty() ? std::string() : decision.message + ": ",
          approval.id, gave_up ? "was not waited for" : "waits for an approver");
      decision.hint =
          can_be_resumed(action)
              ? fmt::format(
                    "once it is approved, hoopctl resume {} runs it; so does running the "
                    "same again",
                    approval.id)
              : "once it is approved, run the same again: that takes the approval up";
      break;
    case ApprovalState::rejected:
      decision.message = fmt::format("{} has rejected request {}", by, approval.id);
      if (!approval.words.empty())
        decision.message += ": " + neutralise(approval.words, kMostWords, Lines::escape);
      decision.hint = "do not try it another way: talk to whoever rejected it";
      break;
    case ApprovalState::expired:
      decision.message =
          fmt::format("request {} has expired, and nobody had decided it in time", approval.id);
      decision.hint = "run it again to ask again";
      break;
    case ApprovalState::spent:
      decision.message = fmt::format("the approval of request {} was taken {}", approval.id,
                                     gave_up ? "when its program had gone" : "by another action");
      decision.hint = "run it again to ask again";
      break;
  }
}

}  // namespace

/// One action, and what is known of its request. It is found by whoever gives it up from the moment
/// that it is admitted, also where nothing waits for it yet.
class Gate::Asking {
 public:
  Asking(std::uint64_t connection_, access::Action action_, Decision decision_, Wait wait_)
      : connection(connection_),
        action(std::move(action_)),
        decision(std::move(decision_)),
        wait(std::move(wait_)) {}

  std::uint64_t connection;
  access::Action action;
  Decision decision;  // before anybody was asked
  Wait wait;
  std::optional<Result<Approval>> answer;
  std::optional<Approval> last;  // what was heard of it
  bool gave_up = false;
  bool spending = false;  // what comes of that must be known
  bool spent = false;
  std::optional<asio::steady_timer> changed;  // never expires; cancelled when the wait is over

  void wake() {
    if (changed) changed->cancel();
  }
  void give_up() {
    gave_up = true;
    wake();
  }
  bool is_over() const { return answer || (gave_up && !spending); }
};

Eventually<Verdict> Gate::ask(std::uint64_t connection, const access::Action& action,
                              Decision decision, Wait wait) {
  if (action.is_cut) {
    decision.message = "it is too long to be shown to an approver whole, so nobody can approve it";
    decision.hint = "make it shorter, or several of it";
    return Eventually<Verdict>(Verdict(refuse(connection, action, std::move(decision))));
  }
  auto asking = std::make_shared<Asking>(connection, action, std::move(decision), std::move(wait));
  std::erase_if(asking_, [](const auto& one) { return one.expired(); });
  asking_.push_back(asking);
  return Eventually<Verdict>(wait_for(std::move(asking)));
}

asio::awaitable<Verdict> Gate::wait_for(std::shared_ptr<Asking> asking) {
  const auto executor = co_await asio::this_coro::executor;
  asking->changed.emplace(executor, SteadyTime::max());
  net::TaskGroup work(executor);
  if (!asking->is_over())
    work.spawn(converse(asking, question_of(asking->action, asking->decision, asking->wait.place)));
  while (!asking->is_over()) co_await asking->changed->async_wait(as_result);
  work.cancel();
  co_await work.join();
  co_return conclude(*asking);
}

void Gate::note_waiting(const Asking& asking, const Approval& approval) {
  // The log names what waits while it does; a log that cannot take it lets nothing pass later.
  static_cast<void>(note({"approval_requested",
                          {{"request", approval.id},
                           {"connection", std::to_string(asking.connection)},
                           {"verb", asking.action.verb},
                           {"rule", asking.decision.rule},
                           {"digest", to_hex(asking.action.digest)}}}));
  static_cast<void>(settle());
  std::vector<std::string>& pending = totals_.pending;
  if (pending.size() < kMostPending && std::ranges::find(pending, approval.id) == pending.end())
    pending.push_back(approval.id);
  Decision decision = asking.decision;
  decision.approval = std::make_shared<const Approval>(approval);
  if (on_approval_) on_approval_(asking.action, decision, true);
  if (asking.wait.tell)
    asking.wait.tell(
        fmt::format("waiting for an approver: request {} (rule '{}')", approval.id, decision.rule));
}

asio::awaitable<void> Gate::converse(std::shared_ptr<Asking> asking,
                                     access::ApprovalQuestion question) {
  const SteadyTime until = clock_.steady_now() + patience_;
  Result<Approval> approval = fail(ErrorCode::internal, "nobody was asked");
  for (int asked = 0; asked < kMostRequests && !asking->spent; ++asked) {
    approval = co_await approvals_->request(question);
    if (!approval) break;
    asking->last = *approval;
    if (approval->state == ApprovalState::pending) {
      note_waiting(*asking, *approval);
      approval = co_await await_decision(*approval, until);
      if (!approval) break;
      asking->last = *approval;
    }
    if (approval->state != ApprovalState::approved) break;
    if (asking->gave_up) break;
    asking->spending = true;
    const Result<bool> spent = co_await approvals_->spend(approval->id);
    asking->spending = false;
    if (!spent) {
      approval = std::unexpected(spent.error());
      break;
    }
    asking->spent = *spent;
    if (!*spent) approval->state = ApprovalState::spent;
  }
  asking->answer = std::move(approval);
  asking->wake();
}

Task<Approval> Gate::await_decision(Approval approval, SteadyTime until) {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (approval.state == ApprovalState::pending) {
    const SteadyTime now = clock_.steady_now();
    if (now >= until) break;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    auto seen = co_await approvals_->wait(approval.id, std::min(left, kLongestQuestion));
    if (!seen && !may_pass(seen.error())) co_return seen;
    if (seen) approval = std::move(*seen);
    // Whoever answers at once and says nothing is not asked without a pause.
    if (approval.state != ApprovalState::pending || clock_.steady_now() - now >= kPause) continue;
    pause.expires_after(std::min(left, kPause));
    co_await pause.async_wait(as_result);
  }
  co_return approval;
}

/// Everything is judged anew: policy may be another one by now.
Verdict Gate::conclude(const Asking& asking) {
  const bool answered = asking.answer && asking.answer->has_value();
  const bool passes = asking.spent && answered && !asking.gave_up;
  std::optional<Approval> approval = asking.last;
  if (answered) approval = **asking.answer;
  if (asking.spent && asking.gave_up && approval) approval->state = ApprovalState::spent;
  Decision decision = asking.decision;
  if (approval && approval->state != ApprovalState::pending)
    std::erase(totals_.pending, approval->id);
  if (passes) {
    Decision again = judge(asking.action);
    if (again.effect == Effect::require_approval && again.rule == decision.rule)
      again.effect = Effect::allow;
    if (again.effect == Effect::allow) {
      again.rule = decision.rule;
      again.approval = std::make_shared<const Approval>(*approval);
      Verdict verdict = let_pass(asking.connection, asking.action, again);
      if (std::holds_alternative<Admitted>(verdict)) {
        ++totals_.approved;
        if (on_approval_) on_approval_(asking.action, again, false);
      }
      return verdict;
    }
    return refuse(asking.connection, asking.action, std::move(again));
  }
  // Who gives up breaks off what was on its way.
  const bool failed = asking.answer && !answered && !asking.gave_up;
  if (!approval || failed) {
    const Error* error = failed ? &asking.answer->error() : nullptr;
    decision.message = error != nullptr ? "nobody could be asked for an approval: " + error->message
                                        : "the program did not wait for an approval";
    if (error != nullptr) decision.hint = error->hint;
    if (approval) decision.approval = std::make_shared<const Approval>(*approval);
    return refuse(asking.connection, asking.action, std::move(decision));
  }
  explain(decision, asking.action, *approval, asking.gave_up);
  if (approval->state != ApprovalState::pending && approval->state != ApprovalState::approved)
    ++totals_.rejected;
  decision.approval = std::make_shared<const Approval>(*approval);
  return refuse(asking.connection, asking.action, std::move(decision));
}

void Gate::give_up_waiting(std::uint64_t connection, std::optional<std::uint32_t> part) {
  for (const auto& one : asking_) {
    const auto asking = one.lock();
    if (asking && asking->connection == connection && (!part || asking->wait.part == *part))
      asking->give_up();
  }
}

void Gate::ask_no_more() {
  asks_no_more_ = true;
  for (const auto& one : asking_) {
    if (const auto asking = one.lock()) asking->give_up();
  }
}

}  // namespace hoop::session
