// SPDX-License-Identifier: Apache-2.0
// What a rule wants an approval for passes once for each approval, and never without one.
#include "core/session/gate.h"
#include "tests/support/catch.h"
#include "tests/support/run_task.h"
#include "tests/support/scripted_people.h"

using namespace hoop;
using access::Approval;
using access::ApprovalState;
using session::Admitted;
using session::Gate;
using session::Refusal;
using session::Verdict;

namespace {

class MemorySink final : public record::LogSink {
 public:
  explicit MemorySink(std::shared_ptr<std::string> text) : text_(std::move(text)) {}
  Result<void> write(ByteSpan bytes) override {
    *text_ += to_text(bytes);
    return {};
  }
  Result<void> sync() override { return {}; }
  void release_reserve() override {}

 private:
  std::shared_ptr<std::string> text_;
};

access::Rule rule(std::string name, std::string verb, access::Effect effect) {
  access::Rule out;
  out.name = std::move(name);
  out.when = {{"verb", {std::move(verb)}}};
  out.effect = effect;
  out.message = effect == access::Effect::require_approval ? "deleting needs a reviewer" : "";
  return out;
}

std::shared_ptr<const access::PolicyEngine> policy_of(std::vector<access::Rule> rules) {
  access::PolicyDocument document;
  document.rules = std::move(rules);
  return std::make_shared<const access::PolicyEngine>(std::move(document));
}

/// Asio wants an answer that is something before it is there.
asio::awaitable<std::optional<Verdict>> kept(Eventually<Verdict> admitting) {
  Verdict verdict = co_await finished(std::move(admitting));
  co_return std::optional<Verdict>(std::move(verdict));
}

struct Asking {
  explicit Asking(std::chrono::seconds patience = std::chrono::seconds(30)) {
    auto session_log = record::SessionLog::create(std::make_unique<MemorySink>(log),
                                                  crypto::Ed25519Key::generate(), {});
    REQUIRE(session_log);
    gate.emplace(policy_of({rule("reading", "select", access::Effect::allow),
                            rule("ask-first", "delete", access::Effect::require_approval)}),
                 access::Identity{}, access::Target{}, std::move(*session_log), clock);
    gate->ask_by(people, patience);
    gate->on_approval([this](const access::Action&, const access::Decision& decision, bool waits) {
      heard.push_back(std::string(to_string(decision.approval->state)) + (waits ? " waits" : ""));
    });
    gate->on_denial([this](const access::Action&, const access::Decision&) { ++denials; });
    action.protocol = "postgres";
    action.verb = "delete";
    action.text = "DELETE FROM orders";
    action.digest = crypto::sha256(as_bytes(action.text));
    action.resources = {{"table", "public.orders", access::Access::write}};
  }

  /// What comes of it, while the script runs beside.
  Verdict admit(std::function<asio::awaitable<void>()> script) {
    if (script) asio::co_spawn(context, script(), [](const std::exception_ptr&) {});
    Gate::Wait wait{[this](const std::string& words) { told.push_back(words); }, 7};
    return *test::run(context, kept(gate->admit(1, action, std::move(wait))));
  }

  asio::io_context context;
  SystemClock clock;
  std::shared_ptr<std::string> log = std::make_shared<std::string>();
  test::ScriptedPeople people{context.get_executor()};
  std::vector<std::string> heard;
  std::vector<std::string> told;
  int denials = 0;
  access::Action action;
  std::optional<Gate> gate;
};

asio::awaitable<void> after(std::chrono::milliseconds span, std::function<void()> then) {
  co_await test::pause(span);
  then();
}

constexpr std::chrono::milliseconds kMoment{20};

}  // namespace

TEST_CASE("an action that was approved passes, and its record says by whom") {
  Asking test;
  const Verdict verdict =
      test.admit([&] { return after(kMoment, [&] { test.people.say(ApprovalState::approved); }); });
  REQUIRE(std::holds_alternative<Admitted>(verdict));
  REQUIRE(test.people.asked.size() == 1);
  CHECK(test.people.asked[0].text == "DELETE FROM orders");
  CHECK(test.people.asked[0].verb == "delete public.orders");
  CHECK(test.people.asked[0].rule == "ask-first");
  CHECK(test.people.spends == 1);
  CHECK(test.heard == std::vector<std::string>{"pending waits", "approved"});
  CHECK(test.told.size() == 1);
  CHECK(test.gate->totals().allowed == 1);
  CHECK(test.gate->totals().approved == 1);
  CHECK(test.gate->totals().pending.empty());
  REQUIRE(test.gate->seal("program_exit", 0));
  CHECK_THAT(*test.log, Catch::Matchers::ContainsSubstring("approval_requested"));
  CHECK_THAT(*test.log, Catch::Matchers::ContainsSubstring(R"("decided_by":"bob")"));
}

TEST_CASE("what waits for an approver stands in the log before anybody has decided") {
  Asking test;
  std::string seen;
  static_cast<void>(test.admit([&] {
    return after(kMoment, [&] {
      seen = *test.log;
      test.people.say(ApprovalState::rejected);
    });
  }));
  CHECK_THAT(seen, Catch::Matchers::ContainsSubstring("approval_requested"));
  CHECK_THAT(seen, Catch::Matchers::ContainsSubstring("apr_1"));
}

TEST_CASE("an action that was rejected is refused in the words of whoever did it") {
  Asking test;
  const Verdict verdict = test.admit([&] {
    return after(kMoment,
                 [&] { test.people.say(ApprovalState::rejected, "not on\x1b[2J Friday"); });
  });
  const auto* refusal = std::get_if<Refusal>(&verdict);
  REQUIRE(refusal != nullptr);
  CHECK_THAT(refusal->decision.message,
             Catch::Matchers::ContainsSubstring("bob has rejected request apr_1: not on"));
  CHECK(refusal->decision.message.find('\x1b') == std::string::npos);
  CHECK(test.people.spends == 0);
  CHECK(test.gate->totals().rejected == 1);
  CHECK(test.gate->totals().pending.empty());
  CHECK(test.denials == 0);
  CHECK(test.heard == std::vector<std::string>{"pending waits", "rejected"});
}

TEST_CASE("who is not answered in time is told that the request is pending, and it stays so") {
  Asking test(std::chrono::seconds(0));
  const Verdict verdict = test.admit({});
  const auto* refusal = std::get_if<Refusal>(&verdict);
  REQUIRE(refusal != nullptr);
  CHECK(refusal->decision.approval->state == ApprovalState::pending);
  CHECK_THAT(refusal->decision.hint, Catch::Matchers::ContainsSubstring("hoopctl resume apr_1"));
  CHECK(test.gate->totals().pending == std::vector<std::string>{"apr_1"});
  CHECK(test.gate->totals().rejected == 0);
  // Approved since: the same again takes it up, and nothing pends any more.
  test.people.say(ApprovalState::approved);
  CHECK(std::holds_alternative<Admitted>(test.admit({})));
  CHECK(test.gate->totals().pending.empty());
}

TEST_CASE("an approval lets one action pass") {
  Asking test(std::chrono::seconds(0));
  test.people.say(ApprovalState::approved);
  REQUIRE(std::holds_alternative<Admitted>(test.admit({})));
  const Verdict second = test.admit({});
  const auto* refusal = std::get_if<Refusal>(&second);
  REQUIRE(refusal != nullptr);
  CHECK(refusal->decision.approval->state == ApprovalState::spent);
  CHECK(test.gate->totals().allowed == 1);
}

TEST_CASE("an approval that another action takes first is asked for again, and not for ever") {
  Asking test(std::chrono::seconds(0));
  test.people.say(ApprovalState::approved);
  test.people.spent_by_another = true;
  const Verdict verdict = test.admit({});
  REQUIRE(std::holds_alternative<Refusal>(verdict));
  CHECK(test.people.spends == 3);
}

TEST_CASE("what is asked to wait no more is refused at once, and its request stays") {
  Asking test;
  SECTION("its connection") {
    const Verdict verdict =
        test.admit([&] { return after(kMoment, [&] { test.gate->give_up_waiting(1); }); });
    REQUIRE(std::holds_alternative<Refusal>(verdict));
  }
  SECTION("its channel") {
    const Verdict verdict =
        test.admit([&] { return after(kMoment, [&] { test.gate->give_up_waiting(1, 7); }); });
    REQUIRE(std::holds_alternative<Refusal>(verdict));
  }
  SECTION("everything; and nobody is asked any more") {
    const Verdict verdict =
        test.admit([&] { return after(kMoment, [&] { test.gate->ask_no_more(); }); });
    REQUIRE(std::holds_alternative<Refusal>(verdict));
    const auto asked = test.people.asked.size();
    CHECK(std::holds_alternative<Refusal>(test.admit({})));
    CHECK(test.people.asked.size() == asked);
  }
  CHECK(test.gate->totals().pending == std::vector<std::string>{"apr_1"});
  CHECK(test.people.spends == 0);
}

TEST_CASE("another connection and another channel go on waiting") {
  Asking test;
  const Verdict verdict = test.admit([&] {
    return after(kMoment, [&] {
      test.gate->give_up_waiting(2);
      test.gate->give_up_waiting(1, 8);
      test.people.say(ApprovalState::approved);
    });
  });
  CHECK(std::holds_alternative<Admitted>(verdict));
}

TEST_CASE("an approval is worth nothing where policy has come to deny the action") {
  Asking test;
  const Verdict verdict = test.admit([&] {
    return after(kMoment, [&] {
      test.gate->set_policy(policy_of({rule("never", "delete", access::Effect::deny)}));
      test.people.say(ApprovalState::approved);
    });
  });
  const auto* refusal = std::get_if<Refusal>(&verdict);
  REQUIRE(refusal != nullptr);
  CHECK(refusal->decision.rule == "never");
  CHECK(test.gate->totals().approved == 0);
}

TEST_CASE("an approval for one rule does not do for another") {
  Asking test;
  const Verdict verdict = test.admit([&] {
    return after(kMoment, [&] {
      test.gate->set_policy(policy_of({rule("other", "delete", access::Effect::require_approval)}));
      test.people.say(ApprovalState::approved);
    });
  });
  REQUIRE(std::holds_alternative<Refusal>(verdict));
}

TEST_CASE("a gateway that is out of reach for a moment is asked again") {
  Asking test;
  test.people.lost_waits = 1;
  const Verdict verdict =
      test.admit([&] { return after(kMoment, [&] { test.people.say(ApprovalState::approved); }); });
  CHECK(std::holds_alternative<Admitted>(verdict));
  CHECK(test.people.waits == 2);
}

TEST_CASE("where nobody can be asked, nothing passes") {
  Asking test;
  test.people.out_of_reach = true;
  const Verdict verdict = test.admit({});
  const auto* refusal = std::get_if<Refusal>(&verdict);
  REQUIRE(refusal != nullptr);
  CHECK_THAT(refusal->decision.message,
             Catch::Matchers::ContainsSubstring("nobody could be asked"));
  CHECK(test.denials == 1);
}

TEST_CASE("nobody is asked to approve what they could not read whole") {
  Asking test;
  test.action.is_cut = true;
  const Verdict verdict = test.admit({});
  REQUIRE(std::holds_alternative<Refusal>(verdict));
  CHECK(test.people.asked.empty());
}

TEST_CASE("what is prepared passes, and is recorded as what waits") {
  Asking test;
  const Verdict verdict = test.gate->admit_prepared(1, test.action);
  REQUIRE(std::holds_alternative<Admitted>(verdict));
  CHECK(test.people.asked.empty());
  REQUIRE(test.gate->seal("program_exit", 0));
  CHECK_THAT(*test.log, Catch::Matchers::ContainsSubstring(R"("effect":"require_approval")"));
  test.action.verb = "drop";
  CHECK(std::holds_alternative<Refusal>(test.gate->admit_prepared(1, test.action)));
}
