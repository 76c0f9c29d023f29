// SPDX-License-Identifier: Apache-2.0
// Who may ask, who may decide, and that an approval is good for one thing once.
#include "gateway/approvals/approval_desk.h"

#include <algorithm>

#include "tests/unit/gateway/approval_support.h"

using namespace hoop;
using namespace hoop::gateway;
using namespace hoop::gateway::test_support;
using Made = ApprovalDesk::Made;

TEST_CASE("desk: a request holds who asks, for what, and whether all of it is shown") {
  DeskFixture f;
  const auto requested = f.desk->request(f.alice(), f.question());
  REQUIRE(requested);
  CHECK(requested->made == Made::anew);
  const access::Approval& approval = requested->approval;
  CHECK(is_approval_id(approval.id));
  CHECK(approval.state == ApprovalState::pending);
  CHECK(approval.expires_at == f.clock.system_now() + std::chrono::hours(1));
  const ApprovalRequest kept = f.desk->find(approval.id).value();
  CHECK(kept.subject == "alice");
  CHECK(kept.session == "s_alice");
  CHECK(kept.target == "pg-1");
  CHECK(kept.reason == "ticket 7");
  CHECK(kept.question.place == "app");
  CHECK(kept.exact);
  CHECK(kept.policy_version == "v1");
  CHECK(kept.approvers == std::vector<std::string>{"group:dba", "user:bob"});
  // The policy's words, where it has any.
  CHECK(kept.question.message == "two people read this");
  access::ApprovalQuestion hidden = f.question("delete from t where ssn = '[redacted]'", "other");
  hidden.digest = crypto::sha256(as_bytes(std::string("what is sent")));
  const ApprovalRequest masked = f.desk->find(f.ask(hidden)).value();
  CHECK_FALSE(masked.exact);
  CHECK(masked.question == hidden);
  for (const char* bad : {"", "apr_", "apr_nothing", "'; DROP TABLE approval_request; --"})
    CHECK(f.desk->find(bad).error().code == ErrorCode::not_found);
}

TEST_CASE("desk: who asks for the same again joins the request") {
  DeskFixture f;
  const std::string id = f.ask();
  const auto again = f.desk->request(f.alice(), f.question());
  CHECK(again->approval.id == id);
  CHECK(again->made == Made::joined);
  Asker elsewhere = f.alice();
  elsewhere.session = "s_another";
  CHECK(f.ask(f.question(), elsewhere) == id);

  std::vector<std::string> others;
  const auto differs = [&](const access::ApprovalQuestion& what, const Asker& asker) {
    const std::string other = f.ask(what, asker);
    CHECK(other != id);
    CHECK(std::ranges::find(others, other) == others.end());
    others.push_back(other);
  };
  differs(f.question("delete from u"), f.alice());
  differs(f.question("delete from t", "other"), f.alice());
  access::ApprovalQuestion one = f.question();
  one.verb = "truncate";
  differs(one, f.alice());
  for (const char* place : {"app2", "APP", ""}) {
    one = f.question();
    one.place = place;
    differs(one, f.alice());
  }
  one = f.question();
  one.digest[0] ^= 1;
  differs(one, f.alice());
  // Other words for the same bytes are something that nobody was shown.
  one = f.question("select 1");
  one.digest = f.question().digest;
  differs(one, f.alice());
  Asker asker = f.alice();
  asker.target = "pg-2";
  differs(f.question(), asker);
  asker = f.alice();
  asker.claimed_agent = "helper";
  differs(f.question(), asker);
  asker = f.alice();
  asker.subject = "dora";
  differs(f.question(), asker);

  REQUIRE(f.decide(id, f.person("bob")));
  const auto approved = f.desk->request(f.alice(), f.question());
  CHECK(approved->approval.id == id);
  CHECK(approved->approval.state == ApprovalState::approved);
  REQUIRE(f.spend(id));
  CHECK(f.ask() != id);
}

TEST_CASE("desk: what was rejected stays so for five minutes") {
  DeskFixture f;
  const std::string id = f.ask();
  REQUIRE(f.decide(id, f.person("bob"), Choice::reject));
  f.clock.advance(std::chrono::minutes(4));
  const auto again = f.desk->request(f.alice(), f.question());
  REQUIRE(again);
  CHECK(again->made == Made::joined);
  CHECK(again->approval.id == id);
  CHECK(again->approval.state == ApprovalState::rejected);
  CHECK(again->approval.by == "bob");
  CHECK(again->approval.words == "why not");
  CHECK_FALSE(f.spend(id));
  f.clock.advance(std::chrono::minutes(1));
  CHECK(f.desk->request(f.alice(), f.question())->made == Made::anew);
}

TEST_CASE("desk: an approval lets one action pass, and once") {
  DeskFixture f;
  const std::string id = f.ask();
  CHECK_FALSE(f.spend(id));
  const auto view = f.decide(id, f.person("bob"));
  REQUIRE(view);
  CHECK(view->request.state == ApprovalState::approved);
  CHECK(view->request.decided_by == "bob");
  CHECK(view->request.decided_at == f.clock.system_now());
  CHECK(view->request.expires_at == f.clock.system_now() + std::chrono::minutes(15));
  CHECK_FALSE(view->may_decide);

  Asker asker = f.alice();
  asker.subject = "mallory";
  CHECK_FALSE(f.spend(id, asker));
  asker = f.alice();
  asker.target = "pg-2";
  CHECK_FALSE(f.spend(id, asker));
  // What a person has asked for is not for the agent beside them.
  asker = f.alice();
  asker.claimed_agent = "helper";
  CHECK_FALSE(f.spend(id, asker));
  CHECK_FALSE(f.spend("apr_abcdefghijklmnopqrstuvwxyz"));
  CHECK(f.state(id) == ApprovalState::approved);

  asker = f.alice();
  asker.session = "s_later";
  CHECK(f.spend(id, asker));
  CHECK_FALSE(f.spend(id, asker));
  const ApprovalRequest spent = f.desk->find(id).value();
  CHECK(spent.state == ApprovalState::spent);
  CHECK(spent.spent_by == "s_later");
  CHECK(spent.spent_at == f.clock.system_now());
}

TEST_CASE("desk: what nobody decides expires, and so does an approval that nobody uses") {
  DeskFixture f;
  const std::string id = f.ask();
  f.clock.advance(std::chrono::hours(1) - std::chrono::milliseconds(1));
  CHECK(f.state(id) == ApprovalState::pending);
  f.clock.advance(std::chrono::milliseconds(1));
  CHECK(f.obstacle(id, f.person("bob")) == Undecided::decided);
  CHECK(f.state(id) == ApprovalState::expired);
  const std::string second = f.ask();
  CHECK(second != id);
  REQUIRE(f.decide(second, f.person("bob")));
  f.clock.advance(std::chrono::minutes(15));
  CHECK_FALSE(f.spend(second));
  CHECK(f.state(second) == ApprovalState::expired);
}

TEST_CASE("desk: requests are forgotten after thirty days") {
  DeskFixture f;
  const std::string id = f.ask();
  f.clock.advance(std::chrono::days(30));
  CHECK(f.listed(f.person("alice"), {}) == 1);
  f.clock.advance(std::chrono::minutes(1));
  CHECK(f.listed(f.person("alice"), {}) == 0);
  CHECK(f.desk->find(id).error().code == ErrorCode::not_found);
}

TEST_CASE("desk: who may decide") {
  DeskFixture f;
  const std::string id = f.ask();
  const auto obstacle = [&](const access::Identity& by) { return f.obstacle(id, by); };
  // The asker, whatever their groups.
  CHECK(obstacle(f.person("alice", {"dba", "admins"})) == Undecided::own_request);
  CHECK(obstacle(f.person("mallory")) == Undecided::unknown);
  // Who may see it need not be who may decide it.
  CHECK(obstacle(f.person("eve", {"auditors"})) == Undecided::not_an_approver);
  access::Identity agent = f.person("robot", {"dba"});
  agent.kind = access::IdentityKind::agent;
  CHECK(obstacle(agent) == Undecided::not_a_person);
  agent.kind = access::IdentityKind::ci;
  CHECK(obstacle(agent) == Undecided::not_a_person);
  access::Identity claimed = f.person("bob");
  claimed.claimed_agent = "helper";
  CHECK(obstacle(claimed) == Undecided::not_a_person);

  access::Identity bob = f.person("bob");
  bob.is_for_approving = false;
  CHECK(obstacle(bob) == Undecided::stale_sign_in);
  bob = f.person("bob");
  bob.signed_in_at = {};
  CHECK(obstacle(bob) == Undecided::stale_sign_in);
  bob = f.person("bob");
  f.clock.advance(std::chrono::minutes(6));
  CHECK(obstacle(bob) == Undecided::stale_sign_in);
  bob.signed_in_at = f.clock.system_now() + std::chrono::minutes(2);
  CHECK(obstacle(bob) == Undecided::stale_sign_in);
  const auto other = f.desk->decide(id, f.person("bob"), f.decision(Choice::approve, "other"));
  REQUIRE_FALSE(other);
  CHECK(other.error().why == Undecided::other_bytes);
  CHECK(other.error().error.code == ErrorCode::malformed);
  CHECK(f.obstacle("apr_abcdefghijklmnopqrstuvwxyz", f.person("bob")) == Undecided::unknown);
  // Nothing of this has come to anything.
  CHECK(f.state(id) == ApprovalState::pending);
  CHECK(f.audit.newest(10)->empty());

  CHECK_FALSE(obstacle(f.person("dora", {"dba"})));
  const auto late = f.decide(id, f.person("bob"), Choice::reject);
  REQUIRE_FALSE(late);
  CHECK(late.error().why == Undecided::decided);
  CHECK(late.error().error.message == "'dora' has approved it already");
  CHECK(f.state(id) == ApprovalState::approved);
}

TEST_CASE("desk: a decision is recorded, and one that cannot be is none") {
  DeskFixture f;
  const std::string id = f.ask(), second = f.ask(f.question("delete from u"));
  REQUIRE(f.decide(id, f.person("bob"), Choice::reject));
  const auto records = f.audit.newest(10).value();
  REQUIRE(records.size() == 1);
  CHECK(records[0].act == "request.reject");
  CHECK(records[0].by == "bob");
  CHECK(records[0].what == id);
  CHECK(records[0].words == "why not");
  REQUIRE(f.database.run("DROP TABLE audit"));
  const auto failed =
      f.desk->decide(second, f.person("bob"), f.decision(Choice::approve, "delete from u"));
  REQUIRE_FALSE(failed);
  CHECK(failed.error().why == Undecided::failed);
  CHECK(failed.error().error.code == ErrorCode::storage);
  CHECK(f.state(second) == ApprovalState::pending);
}

TEST_CASE(
    "desk: the policy of the moment says who decides, and a rule that goes ends its requests") {
  DeskFixture f;
  const std::string id = f.ask();
  f.policy.rules[0].approvers = {"user:dora"};
  CHECK(f.obstacle(id, f.person("bob")) == Undecided::unknown);
  REQUIRE(f.decide(id, f.person("dora")));
  SECTION("approved") {
    f.policy.rules.erase(f.policy.rules.begin());
    CHECK_FALSE(f.spend(id));
    CHECK(f.state(id) == ApprovalState::expired);
    // A rule of the same name brings nothing back.
    f.policy.rules.push_back(asking_rule("ask"));
    CHECK_FALSE(f.spend(id));
    CHECK(f.ask() != id);
  }
  SECTION("pending") {
    const std::string second = f.ask(f.question("delete from u"));
    f.policy.rules[0].effect = access::Effect::deny;
    const auto refused =
        f.desk->decide(second, f.person("dora"), f.decision(Choice::approve, "delete from u"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().why == Undecided::policy_changed);
    CHECK(f.state(second) == ApprovalState::expired);
    CHECK(f.desk->request(f.alice(), f.question()).error().code == ErrorCode::denied);
  }
}

TEST_CASE("desk: what is no question for people") {
  DeskFixture f;
  const auto refused = [&](const access::ApprovalQuestion& what, const Asker& asker) {
    const auto requested = f.desk->request(asker, what);
    REQUIRE_FALSE(requested);
    return requested.error().code;
  };
  for (const std::string& text :
       {std::string(), std::string((64U << 10) + 1, 'a'), std::string("\xff")})
    CHECK(refused(f.question(text), f.alice()) == ErrorCode::malformed);
  access::ApprovalQuestion wordless = f.question();
  wordless.verb = "";
  CHECK(refused(wordless, f.alice()) == ErrorCode::malformed);
  for (const std::string& place : {std::string(257, 'a'), std::string("\xff")}) {
    access::ApprovalQuestion nowhere = f.question();
    nowhere.place = place;
    CHECK(refused(nowhere, f.alice()) == ErrorCode::malformed);
  }
  CHECK(refused(f.question("x", "nothing"), f.alice()) == ErrorCode::denied);
  f.policy.rules[1].effect = access::Effect::allow;
  CHECK(refused(f.question("x", "other"), f.alice()) == ErrorCode::denied);
  f.policy.rules[0].targets = {"web-*"};
  CHECK(refused(f.question(), f.alice()) == ErrorCode::denied);
  f.policy.rules[0].targets = {"pg-*"};
  f.policy.rules[0].roles = {"operators"};
  CHECK(refused(f.question(), f.alice()) == ErrorCode::denied);
  f.policy.rules[0].roles = {"operators", "developers"};
  CHECK(f.desk->request(f.alice(), f.question(std::string(64U << 10, 'a'))));
}

TEST_CASE("desk: twenty requests of one person, and no more") {
  DeskFixture f;
  const std::string first = f.ask();
  for (int i = 1; i < 20; ++i) f.ask(f.question("delete from t" + std::to_string(i)));
  const auto refused = f.desk->request(f.alice(), f.question("delete from more"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::too_large);
  CHECK(refused.error().message == "20 of your requests wait already");
  CHECK(f.ask() == first);
  Asker dora = f.alice();
  dora.subject = "dora";
  f.ask(f.question("delete from more"), dora);
  REQUIRE(f.decide(first, f.person("bob"), Choice::reject));
  f.ask(f.question("delete from more"));
}

TEST_CASE("desk: requests are seen by who asks, who may decide, and auditors") {
  DeskFixture f;
  const std::string id = f.ask(), second = f.ask(f.question("delete from u", "other"));
  const auto sees = [&](const std::string& request, const access::Identity& viewer) {
    return f.desk->show(request, viewer).has_value();
  };
  CHECK(sees(id, f.person("alice")));
  CHECK(sees(id, f.person("bob")));
  CHECK(sees(id, f.person("eve", {"auditors"})));
  CHECK(f.desk->show(id, f.person("mallory")).error().code == ErrorCode::not_found);
  CHECK_FALSE(sees(second, f.person("bob")));
  CHECK(f.desk->show(id, f.person("bob"))->may_decide);
  CHECK_FALSE(f.desk->show(id, f.person("alice", {"dba"}))->may_decide);
  CHECK_FALSE(f.desk->show(id, f.person("eve", {"auditors"}))->may_decide);

  CHECK(f.listed(f.person("alice"), {}) == 2);
  CHECK(f.listed(f.person("bob"), {}) == 1);
  CHECK(f.listed(f.person("bob"), {}, true) == 0);
  CHECK(f.listed(f.person("eve", {"admins"}), {ApprovalState::pending}) == 2);
  CHECK(f.listed(f.person("mallory"), {}) == 0);
  REQUIRE(f.decide(id, f.person("bob")));
  CHECK(f.listed(f.person("alice"), {ApprovalState::pending}) == 1);
  CHECK(f.listed(f.person("alice"), {ApprovalState::approved}) == 1);
  CHECK(f.listed(f.person("alice"), {ApprovalState::spent, ApprovalState::approved}) == 1);
  // Who saw it still does when its rule has gone.
  f.policy.rules.clear();
  CHECK(f.listed(f.person("bob"), {ApprovalState::expired}) == 1);
  CHECK(f.listed(f.person("bob"), {ApprovalState::approved}) == 0);
  const auto all = f.desk->list(f.person("alice"), {}).value();
  CHECK_FALSE(all.more);
  CHECK(all.requests.front().request.id == second);
}

TEST_CASE("desk: a long list says that it goes on") {
  DeskFixture f;
  for (int i = 0; i < 101; ++i) {
    Asker asker = f.alice();
    asker.subject = "user" + std::to_string(i);
    f.ask(f.question(), asker);
  }
  auto list = f.desk->list(f.person("bob"), {}).value();
  CHECK(list.requests.size() == 100);
  CHECK(list.more);
  CHECK(list.requests.front().request.subject == "user100");
  for (int i = 0; i < 17; ++i) {
    Asker asker = f.alice();
    asker.subject = "user" + std::to_string(i);
    f.ask(f.question(std::string(64U << 10, 'a')), asker);
  }
  list = f.desk->list(f.person("bob"), {}).value();
  CHECK(list.requests.size() == 16);
  CHECK(list.more);
}

TEST_CASE("desk: a request that a grant is asked with must let something pass") {
  DeskFixture f;
  const std::string id = f.ask();
  const auto why = [&](const access::Identity& identity, const std::string& target) {
    const auto found = f.desk->usable(id, identity, target);
    return found ? std::string() : found.error().message;
  };
  CHECK(why(f.person("alice"), "pg-1") == "nobody has decided it yet");
  CHECK(why(f.person("bob"), "pg-1") == "there is no such request of yours at this target");
  CHECK(why(f.person("alice"), "pg-2") == "there is no such request of yours at this target");
  REQUIRE(f.decide(id, f.person("bob")));
  CHECK(why(f.person("alice"), "pg-1").empty());
  access::Identity agent = f.person("alice");
  agent.claimed_agent = "helper";
  CHECK(why(agent, "pg-1") == "there is no such request of yours at this target");
  REQUIRE(f.spend(id));
  CHECK(why(f.person("alice"), "pg-1") == "it was used before");
}
