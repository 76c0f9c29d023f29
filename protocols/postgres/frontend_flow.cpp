// SPDX-License-Identifier: Apache-2.0
#include "protocols/postgres/frontend_flow.h"

#include <algorithm>

#include <fmt/format.h>

#include "protocols/postgres/message_reader.h"
#include "protocols/postgres/refusal.h"
#include "protocols/postgres/refusals.h"

namespace hoop::postgres {
namespace {

using Kind = ReplyKind;

/// Entries of what is expected; a pipeline above it waits for answers. Bounds what a program that
/// never reads can make us hold.
constexpr std::size_t kMaxUnanswered = 16'384;

/// When a message may come.
enum class During : std::uint8_t { nothing = 0, copy = 1, skipping = 2 };
constexpr std::uint8_t operator|(During a, During b) {
  return static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b);
}

bool allows(std::uint8_t during, During what) {
  return (during & static_cast<std::uint8_t>(what)) != 0;
}

}  // namespace

struct FrontendFlow::Rule {
  char tag;
  std::uint8_t during;
  Step step;
};

const FrontendFlow::Rule* FrontendFlow::rule_for(char tag) {
  constexpr auto kNever = static_cast<std::uint8_t>(During::nothing);
  constexpr auto kInCopy = static_cast<std::uint8_t>(During::copy);
  static constexpr Rule kRules[] = {
      {'Q', kNever, &FrontendFlow::query},
      {'P', kNever, &FrontendFlow::parse},
      {'B', kNever, &FrontendFlow::bind},
      {'D', kNever, &FrontendFlow::describe},
      {'E', kNever, &FrontendFlow::execute},
      {'C', kNever, &FrontendFlow::close},
      {'F', kNever, &FrontendFlow::function_call},
      {'H', kInCopy, &FrontendFlow::flush},
      {'d', kInCopy, &FrontendFlow::copy},
      {'c', kInCopy, &FrontendFlow::copy},
      {'f', kInCopy, &FrontendFlow::copy},
      {'S', During::copy | During::skipping, &FrontendFlow::sync},
      {'X', During::copy | During::skipping, &FrontendFlow::terminate},
      // PasswordMessage and its kin ('p'): the door is past.
  };
  for (const Rule& rule : kRules) {
    if (rule.tag == tag) return &rule;
  }
  return nullptr;
}

Result<bool> FrontendFlow::take(const Frame& frame) {
  names_refreshed_ = false;
  if (pending_) HOOP_CHECK(drop_pending());
  HOOP_TRY(need_, step(frame));
  return need_ == Need::nothing;
}

Task<void> FrontendFlow::take_waiting(Frame frame) {
  while (need_ != Need::nothing) {
    if (need_ == Need::names) HOOP_CO_CHECK(co_await refresh_names());
    if (need_ == Need::answers) HOOP_CO_CHECK(co_await settle());
    if (need_ == Need::approval) HOOP_CO_CHECK(co_await await_approval());
    // From the beginning: what was waited for may have changed anything.
    HOOP_CO_TRY(need_, step(frame));
  }
  co_return Result<void>{};
}

Result<FrontendFlow::Need> FrontendFlow::step(const Frame& frame) {
  const Rule* rule = rule_for(frame.tag);
  if (rule == nullptr)
    return fail(ErrorCode::malformed,
                fmt::format("message '{}' is not one that a program may send now", frame.tag));
  if (conversation_.skip_until_sync && !allows(rule->during, During::skipping)) {
    HOOP_CHECK(withdraw_admission());
    return Need::nothing;
  }
  if (conversation_.copy_in == CopyIn::streaming && !allows(rule->during, During::copy)) {
    return fail(ErrorCode::malformed, fmt::format("message '{}' came during a COPY", frame.tag));
  }
  if (conversation_.expected.size() >= kMaxUnanswered) return Need::answers;
  return (this->*rule->step)(frame);
}

ExpectedReply& FrontendFlow::expect(ReplyKind kind) {
  described_ = nullptr;
  ExpectedReply& reply = conversation_.expected.emplace_back();
  reply.kind = kind;
  return reply;
}

// ---- Simple query ----

Result<FrontendFlow::Need> FrontendFlow::query(const Frame& frame) {
  HOOP_TRY(const Query message, decode_query(frame.body));
  const Names names = names_now();
  if (names == Names::stale) return Need::names;
  if (names == Names::behind) {
    poison_query(behind_report());
    return Need::nothing;
  }
  const JudgedPtr judged = read_text(message.text);
  if (judged->statements.empty()) {
    Bytes canonical;  // whatever the text was, a comment perhaps, none of it is sent
    append_query(canonical, "");
    batch_.add_control(canonical);
    expect(Kind::query).judged = judged;
    return Need::nothing;
  }
  if (!forget_names(*judged)) return Need::answers;
  const Executed executed = executes_what_asks(*judged);
  if (executed.unknown) return Need::answers;
  if (executed.refusal) {
    poison_query(report_of(*executed.refusal));
    return Need::nothing;
  }
  HOOP_TRY(std::optional<Verdicts> verdicts, admit(judged));
  if (!verdicts) return Need::approval;
  if (const auto* refusal = std::get_if<session::Refusal>(&*verdicts)) {
    poison_query(report_of(*refusal));
    return Need::nothing;
  }
  auto& running = std::get<std::vector<RunningStatement>>(*verdicts);
  batch_.add(running.front().admitted, frame.whole);
  begin_copies(running.front());
  ExpectedReply& reply = expect(Kind::query);
  reply.judged = judged;
  reply.running = std::move(running);
  apply_effects(*judged);
  return Need::nothing;
}

void FrontendFlow::poison_query(Report report) {
  Bytes poison;
  append_query(poison, kPoisonText);
  batch_.add_control(poison);
  ExpectedReply& reply = expect(Kind::query);
  reply.audience = ReplyFor::refusal;
  reply.refusal = std::make_shared<const Report>(std::move(report));
}

Result<FrontendFlow::Need> FrontendFlow::function_call(const Frame&) {
  access::Action action;
  action.protocol = "postgres";
  action.verb = "function_call";
  action.text = "FunctionCall";
  const auto refusal = conversation_.shared.context.gate.refuse(
      conversation_.number, action,
      fixed_denial("protocol",
                   "the FunctionCall message is not allowed: it has no SQL that could be judged",
                   "use SELECT function(...)"));
  poison_query(report_of(refusal));
  return Need::nothing;
}

}  // namespace hoop::postgres
