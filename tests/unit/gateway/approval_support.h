// SPDX-License-Identifier: Apache-2.0
// A desk with a policy that asks, and people around it.
#pragma once

#include "core/crypto/digest.h"
#include "gateway/approvals/approval_desk.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace hoop::gateway::test_support {

using access::ApprovalState;
using Choice = ApprovalDesk::Choice;

inline access::Rule asking_rule(const std::string& name) {
  access::Rule rule;
  rule.name = name;
  rule.when = {{"verb", {"delete"}}};
  rule.effect = access::Effect::require_approval;
  rule.approvers = {"group:dba", "user:bob"};
  return rule;
}

struct DeskFixture {
  test::FakeClock clock;
  crypto::SystemRandom random;
  NullLog log;
  asio::io_context context;
  Database database = Database::open_in_memory().value();
  Audit audit = Audit::open(database).value();
  ApprovalStore store = ApprovalStore::open(database).value();
  access::PolicyDocument policy;
  std::optional<ApprovalDesk> desk;

  DeskFixture() {
    policy.version = "v1";
    policy.rules = {asking_rule("ask"), asking_rule("other")};
    policy.rules[0].message = "two people read this";
    policy.rules[1].approvers = {"user:carol"};
    desk.emplace(ApprovalDesk::Parts{
        store, audit, [this] { return std::make_shared<const access::PolicyEngine>(policy); },
        clock, random, log, context.get_executor(), std::chrono::hours(1)});
  }

  static Asker alice() {
    return {"alice", access::IdentityKind::person, "", "s_alice", "pg-1", "developers", "ticket 7"};
  }
  static access::ApprovalQuestion question(const std::string& text = "delete from t",
                                           const std::string& rule = "ask") {
    return {"postgres",          "delete", "app", text, crypto::sha256(as_bytes(text)), rule,
            "words of the asker"};
  }
  /// Somebody who has just signed in for this.
  access::Identity person(const std::string& name, std::vector<std::string> groups = {}) const {
    access::Identity out;
    out.subject = name;
    out.groups = std::move(groups);
    out.is_for_approving = true;
    out.signed_in_at = clock.system_now();
    return out;
  }
  std::string ask(const access::ApprovalQuestion& what, const Asker& asker = alice()) {
    const auto requested = desk->request(asker, what);
    INFO((requested ? "" : requested.error().message));
    REQUIRE(requested);
    return requested->approval.id;
  }
  std::string ask() { return ask(question()); }
  static ApprovalDesk::Decided decision(Choice choice, const std::string& text = "delete from t") {
    return {choice, "why not", crypto::sha256(as_bytes(text))};
  }
  auto decide(const std::string& id, const access::Identity& by, Choice choice = Choice::approve) {
    return desk->decide(id, by, decision(choice));
  }
  /// Why by may not; nullopt: it was decided.
  std::optional<Undecided> obstacle(const std::string& id, const access::Identity& by) {
    const auto decided = decide(id, by);
    return decided ? std::nullopt : std::optional(decided.error().why);
  }
  ApprovalState state(const std::string& id) { return desk->find(id).value().state; }
  bool spend(const std::string& id, const Asker& asker = alice()) {
    return desk->spend(id, asker).value();
  }
  std::size_t listed(const access::Identity& viewer, std::vector<ApprovalState> states,
                     bool mine = false) {
    return desk->list(viewer, {std::move(states), mine}).value().requests.size();
  }
};

}  // namespace hoop::gateway::test_support
