// SPDX-License-Identifier: Apache-2.0
#include "gateway/approvals/approval_desk.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/encoding.h"
#include "gateway/api.h"
#include "gateway/ids.h"

namespace hoop::gateway {
namespace {

using access::ApprovalState;

constexpr std::size_t kMaxQuestionText = 64U << 10;  // what a person reads, and then some
constexpr std::size_t kMaxQuestionWord = 512;        // of protocol, verb and rule
constexpr std::size_t kMaxQuestionPlace = 256;
constexpr std::size_t kMaxQuestionMessage = 4U << 10;
constexpr std::size_t kMostOpen = 20;  // of one subject: more would not be read
// Who asks again and again until somebody gives way is answered what was said.
constexpr std::chrono::minutes kRejectionStands{5};
constexpr std::chrono::minutes kSpendWithin{15};  // of the decision
constexpr std::chrono::minutes kFreshSignIn{5};
constexpr std::chrono::seconds kSignInLeeway{30};  // for clocks, and for who reads slowly
// Below what proxies and clients wait for an answer.
constexpr std::chrono::milliseconds kMostPatience{25'000};
constexpr std::chrono::milliseconds kNoPatience{0};
constexpr std::chrono::minutes kTidyEvery{1};
constexpr std::chrono::days kRemembered{30};
constexpr std::size_t kMostListed = 100;
// Escaped as JSON it is below what our client takes for an answer.
constexpr std::size_t kMostListedText = 1U << 20;

const access::Rule* approval_rule(const access::PolicyDocument& policy, std::string_view name) {
  const auto found = std::ranges::find(policy.rules, name, &access::Rule::name);
  const bool asks =
      found != policy.rules.end() && found->effect == access::Effect::require_approval;
  return asks ? &*found : nullptr;
}

bool concerns(const access::Rule& rule, const Asker& asker) {
  const auto names = [&](const std::string& pattern) {
    return access::glob_matches(pattern, asker.target);
  };
  return (rule.targets.empty() || std::ranges::any_of(rule.targets, names)) &&
         (rule.roles.empty() || std::ranges::find(rule.roles, asker.role) != rule.roles.end());
}

bool is_open(ApprovalState state) {
  return state == ApprovalState::pending || state == ApprovalState::approved;
}

/// What is so now of what was written: time and another policy end a request without writing.
ApprovalState state_at(SystemTime now, const access::PolicyDocument& policy, ApprovalState written,
                       SystemTime expires_at, std::string_view rule) {
  const bool over = expires_at <= now || approval_rule(policy, rule) == nullptr;
  return is_open(written) && over ? ApprovalState::expired : written;
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kMaxQuestionWord && is_utf8(text);
}

Result<void> check_question(const access::ApprovalQuestion& question) {
  if (question.text.empty() || question.text.size() > kMaxQuestionText || !is_utf8(question.text))
    return fail(ErrorCode::malformed, "'text' must be 1 byte to 64 KiB of UTF-8");
  if (!is_word(question.protocol) || !is_word(question.verb) || !is_word(question.rule))
    return fail(ErrorCode::malformed, "'protocol', 'verb' and 'rule' must be words");
  if (question.place.size() > kMaxQuestionPlace || !is_utf8(question.place))
    return fail(ErrorCode::malformed, "'place' must be up to 256 bytes of UTF-8");
  if (question.message.size() > kMaxQuestionMessage || !is_utf8(question.message))
    return fail(ErrorCode::malformed, "'message' must be up to 4 KiB of UTF-8");
  return {};
}

/// What a person has asked for is not for the agent beside them; what an agent has asked for is for
/// the person too.
bool may_use(const ApprovalRequest& request, std::string_view claimed_agent) {
  return claimed_agent.empty() || claimed_agent == request.claimed_agent;
}

bool is_seen_by(const access::Identity& viewer, const std::string& subject,
                const std::vector<std::string>& approvers) {
  return viewer.subject == subject || is_auditor(viewer) || access::is_one_of(approvers, viewer);
}

bool is_person(const access::Identity& identity) {
  return identity.kind == access::IdentityKind::person && identity.claimed_agent.empty();
}

std::string words_of_outcome(const ApprovalRequest& request) {
  switch (request.state) {
    case ApprovalState::pending: break;
    case ApprovalState::approved:
    case ApprovalState::spent:
      return fmt::format("'{}' has approved it already", request.decided_by);
    case ApprovalState::rejected:
      return fmt::format("'{}' has rejected it already", request.decided_by);
    case ApprovalState::expired: break;
  }
  return "it has expired";
}

std::unexpected<Error> no_such_request() { return fail(ErrorCode::not_found, "no such request"); }

}  // namespace

ApprovalDesk::ApprovalDesk(Parts parts)
    : parts_(std::move(parts)),
      waiters_(std::make_shared<ApprovalWaiters>()),
      tasks_(parts_.executor) {}

ApprovalDesk::~ApprovalDesk() { waiters_->close(); }

asio::awaitable<void> ApprovalDesk::stop() {
  waiters_->close();
  co_await tasks_.join();
}

void ApprovalDesk::tidy() {
  const SteadyTime now = parts_.clock.steady_now();
  if (tidied_ && now - *tidied_ < kTidyEvery) return;
  tidied_ = now;
  const SystemTime today = parts_.clock.system_now();
  if (const auto swept = parts_.store.sweep(today, today - kRemembered); !swept)
    parts_.log.warning("request.sweep_failed", {{"error", swept.error().message}});
}

Result<ApprovalDesk::Requested> ApprovalDesk::request(const Asker& asker,
                                                      access::ApprovalQuestion question) {
  HOOP_CHECK(check_question(question));
  const PolicyPtr policy = parts_.policy();
  const access::Rule* rule = approval_rule(policy->document(), question.rule);
  if (rule == nullptr || !concerns(*rule, asker))
    return fail(ErrorCode::denied, "no rule here wants an approval for that",
                "policy may have changed: try again");
  tidy();
  const SystemTime now = parts_.clock.system_now();
  ApprovalRequest made;
  made.subject = asker.subject;
  made.kind = asker.kind;
  made.claimed_agent = asker.claimed_agent;
  made.session = asker.session;
  made.target = asker.target;
  made.question = std::move(question);
  HOOP_TRY(const auto before, parts_.store.same(made));
  for (const ApprovalRequest& one : before) {
    if (is_open(one.state) && one.expires_at > now)
      return Requested{to_approval(one), Made::joined};
  }
  for (const ApprovalRequest& one : before) {
    if (one.state == ApprovalState::rejected && now < *one.decided_at + kRejectionStands)
      return Requested{to_approval(one), Made::joined};
  }
  HOOP_TRY(const std::size_t open, parts_.store.count_open(asker.subject, now));
  if (open >= kMostOpen)
    return fail(ErrorCode::too_large, fmt::format("{} of your requests wait already", open),
                "wait until some are decided");
  // The policy's words, not the asker's.
  if (!rule->message.empty()) made.question.message = rule->message;
  made.id = new_id("apr_", parts_.random);
  made.exact = crypto::sha256(as_bytes(made.question.text)) == made.question.digest;
  made.reason = asker.reason;
  made.approvers = rule->approvers;
  made.policy_version = policy->document().version;
  made.requested_at = now;
  made.expires_at = now + parts_.lifetime;
  HOOP_CHECK(parts_.store.add(made));
  parts_.log.info("request.made", {{"request", made.id},
                                   {"session", made.session},
                                   {"target", made.target},
                                   {"subject", made.subject},
                                   {"rule", made.question.rule}});
  return Requested{to_approval(made), Made::anew};
}

Result<std::optional<ApprovalRequest>> ApprovalDesk::look_up(const std::string& id,
                                                             const PolicyPtr& policy) {
  if (!is_approval_id(id)) return std::nullopt;
  HOOP_TRY(auto found, parts_.store.find(id));
  if (!found) return std::nullopt;
  const ApprovalState now = state_at(parts_.clock.system_now(), policy->document(), found->state,
                                     found->expires_at, found->question.rule);
  // Written, so that a rule that comes back does not bring back what ended with it.
  if (now != found->state) HOOP_CHECK(parts_.store.expire(id));
  found->state = now;
  return found;
}

Result<ApprovalRequest> ApprovalDesk::find(const std::string& id) {
  HOOP_TRY(auto found, look_up(id, parts_.policy()));
  if (!found) return no_such_request();
  return std::move(*found);
}

Task<access::Approval> ApprovalDesk::wait(std::string id, std::chrono::milliseconds patience) {
  const auto waiters = waiters_;
  const auto stopping = [] { return fail(ErrorCode::cancelled, "the gateway is stopping"); };
  if (waiters->closed()) co_return stopping();
  HOOP_CO_TRY(const ApprovalRequest request, find(id));
  if (request.state != ApprovalState::pending) co_return to_approval(request);
  const auto left = request.expires_at - parts_.clock.system_now();
  co_await ApprovalWaiters::wait(waiters, id,
                                 std::clamp(std::min(patience, left), kNoPatience, kMostPatience));
  if (waiters->closed()) co_return stopping();
  HOOP_CO_TRY(const ApprovalRequest later, find(id));
  co_return to_approval(later);
}

asio::awaitable<void> ApprovalDesk::answer(std::string id, std::chrono::milliseconds patience,
                                           net::Answer<access::Approval> answer) {
  auto approval = co_await wait(std::move(id), patience);
  answer(std::move(approval));
}

void ApprovalDesk::answer_later(std::string id, std::chrono::milliseconds patience,
                                net::Answer<access::Approval> answer) {
  tasks_.spawn(this->answer(std::move(id), patience, std::move(answer)));
}

Result<bool> ApprovalDesk::spend(const std::string& id, const Asker& asker) {
  HOOP_TRY(const auto request, look_up(id, parts_.policy()));
  if (!request || request->state != ApprovalState::approved || request->subject != asker.subject ||
      request->target != asker.target || !may_use(*request, asker.claimed_agent))
    return false;
  HOOP_TRY(const bool spent, parts_.store.spend(id, asker.session, parts_.clock.system_now()));
  if (spent)
    parts_.log.info("request.spent", {{"request", id},
                                      {"session", asker.session},
                                      {"target", asker.target},
                                      {"subject", asker.subject}});
  return spent;
}

Result<ApprovalRequest> ApprovalDesk::usable(const std::string& id,
                                             const access::Identity& identity,
                                             const std::string& target) {
  HOOP_TRY(auto request, look_up(id, parts_.policy()));
  if (!request || request->subject != identity.subject || request->target != target ||
      !may_use(*request, identity.claimed_agent))
    return fail(ErrorCode::denied, "there is no such request of yours at this target");
  switch (request->state) {
    case ApprovalState::approved: return std::move(*request);
    case ApprovalState::pending: return fail(ErrorCode::denied, "nobody has decided it yet");
    case ApprovalState::rejected:
      return fail(ErrorCode::denied, fmt::format("'{}' has rejected it", request->decided_by));
    case ApprovalState::expired: return fail(ErrorCode::denied, "it has expired");
    case ApprovalState::spent: return fail(ErrorCode::denied, "it was used before");
  }
  return fail(ErrorCode::internal, "a request without a state");
}

std::optional<NotDecided> ApprovalDesk::obstacle(const ApprovalRequest& request,
                                                 const PolicyPtr& policy,
                                                 const access::Identity& approver,
                                                 const Decided& decided) const {
  const auto because = [](Undecided why, ErrorCode code, std::string words,
                          std::string hint = {}) -> std::optional<NotDecided> {
    return NotDecided{why, Error{code, std::move(words), std::move(hint), {}}};
  };
  const access::Rule* rule = approval_rule(policy->document(), request.question.rule);
  if (!is_seen_by(approver, request.subject, rule != nullptr ? rule->approvers : request.approvers))
    return because(Undecided::unknown, ErrorCode::not_found, "no such request");
  if (!is_person(approver))
    return because(Undecided::not_a_person, ErrorCode::denied, "requests are decided by people");
  if (approver.subject == request.subject)
    return because(Undecided::own_request, ErrorCode::denied, "nobody decides their own request");
  if (rule == nullptr)
    return because(Undecided::policy_changed, ErrorCode::denied,
                   "policy has changed: the rule of this request wants no approval any more");
  if (!access::is_one_of(rule->approvers, approver))
    return because(Undecided::not_an_approver, ErrorCode::denied,
                   fmt::format("rule '{}' does not name you as an approver", rule->name));
  const SystemTime now = parts_.clock.system_now();
  if (!approver.is_for_approving || approver.signed_in_at > now + kSignInLeeway ||
      now - approver.signed_in_at > kFreshSignIn + kSignInLeeway)
    return because(Undecided::stale_sign_in, ErrorCode::unauthenticated,
                   "deciding needs a sign-in of the last five minutes, for this alone");
  if (decided.digest != request.question.digest)
    return because(Undecided::other_bytes, ErrorCode::malformed,
                   "'digest' is not that of what the request is for");
  if (request.state != ApprovalState::pending)
    return because(Undecided::decided, ErrorCode::denied, words_of_outcome(request));
  return std::nullopt;
}

std::expected<ApprovalView, NotDecided> ApprovalDesk::decide(const std::string& id,
                                                             const access::Identity& approver,
                                                             const Decided& decided) {
  const auto failed = [](Error error) {
    const bool unknown = error.code == ErrorCode::not_found;
    return std::unexpected(
        NotDecided{unknown ? Undecided::unknown : Undecided::failed, std::move(error)});
  };
  const PolicyPtr policy = parts_.policy();
  auto request = find(id);
  if (!request) return failed(std::move(request).error());
  if (auto why = obstacle(*request, policy, approver, decided)) return std::unexpected(*why);

  const bool approves = decided.choice == Choice::approve;
  const SystemTime now = parts_.clock.system_now();
  ApprovalStore::Verdict verdict;
  verdict.state = approves ? ApprovalState::approved : ApprovalState::rejected;
  verdict.by = approver.subject;
  verdict.words = decided.words;
  verdict.at = now;
  verdict.expires_at = approves ? now + kSpendWithin : request->expires_at;
  const auto kept =
      parts_.audit.add({0, now, approver.subject, approves ? "request.approve" : "request.reject",
                        id, decided.words});
  if (!kept) return failed(kept.error());
  const auto done = parts_.store.decide(id, verdict);
  if (!done) return failed(done.error());
  waiters_->wake(id);
  auto after = find(id);
  if (!after) return failed(std::move(after).error());
  if (!*done)
    return std::unexpected(
        NotDecided{Undecided::decided, Error{ErrorCode::denied, words_of_outcome(*after), {}, {}}});
  parts_.log.info(approves ? "request.approved" : "request.rejected",
                  {{"request", id},
                   {"target", after->target},
                   {"subject", after->subject},
                   {"rule", after->question.rule},
                   {"by", approver.subject}});
  return view_of(std::move(*after), policy, approver);
}

ApprovalView ApprovalDesk::view_of(ApprovalRequest request, const PolicyPtr& policy,
                                   const access::Identity& viewer) const {
  ApprovalView out;
  const access::Rule* rule = approval_rule(policy->document(), request.question.rule);
  out.approvers = rule != nullptr ? rule->approvers : request.approvers;
  out.may_decide = rule != nullptr && request.state == ApprovalState::pending &&
                   is_person(viewer) && viewer.subject != request.subject &&
                   access::is_one_of(rule->approvers, viewer);
  out.request = std::move(request);
  return out;
}

Result<ApprovalView> ApprovalDesk::show(const std::string& id, const access::Identity& viewer) {
  const PolicyPtr policy = parts_.policy();
  HOOP_TRY(auto request, find(id));
  ApprovalView view = view_of(std::move(request), policy, viewer);
  if (!is_seen_by(viewer, view.request.subject, view.approvers)) return no_such_request();
  return view;
}

Result<ApprovalList> ApprovalDesk::list(const access::Identity& viewer,
                                        const ApprovalFilter& filter) {
  tidy();
  const PolicyPtr policy = parts_.policy();
  const SystemTime now = parts_.clock.system_now();
  // Without what is long over, which may be much.
  const bool open = !filter.states.empty() && std::ranges::all_of(filter.states, is_open);
  HOOP_TRY(const auto entries,
           parts_.store.entries(filter.mine ? viewer.subject : "",
                                open ? ApprovalStore::Which::open : ApprovalStore::Which::all));
  ApprovalList out;
  std::size_t bytes = 0;
  for (const ApprovalStore::Entry& entry : entries) {
    const access::Rule* rule = approval_rule(policy->document(), entry.rule);
    if (!is_seen_by(viewer, entry.subject, rule != nullptr ? rule->approvers : entry.approvers))
      continue;
    const ApprovalState state =
        state_at(now, policy->document(), entry.state, entry.expires_at, entry.rule);
    if (!filter.states.empty() && std::ranges::find(filter.states, state) == filter.states.end())
      continue;
    out.more = out.requests.size() >= kMostListed || bytes >= kMostListedText;
    if (out.more) break;
    HOOP_TRY(auto request, look_up(entry.id, policy));
    if (!request) continue;
    bytes += request->question.text.size();
    out.requests.push_back(view_of(std::move(*request), policy, viewer));
  }
  return out;
}

access::Approval to_approval(const ApprovalRequest& request) {
  return {request.id, request.state, request.decided_by, request.words, request.expires_at};
}

bool is_approval_id(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); };
  return text.size() == 30 && text.starts_with("apr_") && std::ranges::all_of(text.substr(4), fits);
}

}  // namespace hoop::gateway
