// SPDX-License-Identifier: Apache-2.0
#include "gateway/grants.h"

#include <set>

#include "core/base/encoding.h"
#include "core/crypto/digest.h"
#include "gateway/rate_limit.h"
#include "gateway/reaper.h"
#include "gateway/sqlite_store.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_task.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::gateway;

namespace {

/// What exists at a pretended target, and what goes wrong there.
struct World {
  std::set<std::string> roles;
  std::optional<Error> issue_fails;
  std::optional<Error> revoke_fails;
  std::optional<Error> extend_fails;
  SystemTime until{};  // of what was extended last
  bool list_fails = false;
  std::function<void()> before_issue;
  std::optional<ApprovedAction> approved;  // of what was issued last
};

class WorldIssuer final : public CredentialIssuer {
 public:
  explicit WorldIssuer(World& world) : world_(world) {}
  std::string name_for(const std::string& session) const override {
    return "hoop_" + session.substr(2);
  }
  Result<access::Credential> issue(const access::Authorization& authorization,
                                   const std::string& name) override {
    if (world_.before_issue) world_.before_issue();
    if (world_.issue_fails) return std::unexpected(*world_.issue_fails);
    world_.roles.insert(name);
    return access::PostgresCredential{name, SecretText(std::string("p")),
                                      authorization.valid_until()};
  }
  Result<access::Credential> issue_for(const access::Authorization& authorization,
                                       const std::string& name,
                                       const ApprovedAction& approved) override {
    world_.approved = approved;
    return issue(authorization, name);
  }
  Result<void> extend(const access::Authorization& authorization,
                      const std::string& name) override {
    if (world_.extend_fails) return std::unexpected(*world_.extend_fails);
    if (!world_.roles.contains(name)) return fail(ErrorCode::not_found, "no such role");
    world_.until = authorization.valid_until();
    return {};
  }
  Result<void> revoke(const std::string& name) override {
    if (world_.revoke_fails) return std::unexpected(*world_.revoke_fails);
    world_.roles.erase(name);
    return {};
  }
  Result<std::vector<Issued>> list() override {
    if (world_.list_fails) return fail(ErrorCode::upstream_unreachable, "down");
    std::vector<Issued> out;
    for (const std::string& role : world_.roles) out.push_back({role, false});
    return out;
  }

 private:
  World& world_;
};

std::string user_of(const access::Grant& grant) {
  return grant.credential_as<access::PostgresCredential>()->username;
}

struct Fixture {
  test::TempDir dir;
  World world;
  test::FakeClock clock;
  crypto::SystemRandom random;
  NullLog log;
  asio::io_context context;
  std::unique_ptr<SqliteStore> store = std::move(*SqliteStore::open(dir / "gateway.db"));
  WorkerPool workers{2};
  std::optional<GrantService> grants;
  std::optional<crypto::Ed25519Key> seal_key;  // of the last grant
  access::DataPath path = access::DataPath::local;
  std::chrono::seconds renew_for{0};
  std::string approval;  // with which grants are asked for
  Result<ApprovalRequest> asked_for = fail(ErrorCode::denied, "nobody has decided it yet");

  Fixture() { restart(); }
  /// As after a crash: what was in memory is gone.
  void restart() {
    access::PolicyDocument policy;
    access::Role role;
    role.name = "developers";
    role.members = {"group:dev"};
    role.targets = {"pg-*"};
    role.database_role = "app";
    role.max_ttl = std::chrono::minutes(10);
    role.renew_for = renew_for;
    policy.roles = {role};
    policy.version = "v1";
    std::vector<GrantTarget> targets;
    // The first two stand on one server: the issuer of each lists the roles of both.
    for (const std::string name : {"pg-a", "pg-b", "other"}) {
      access::Target target;
      target.name = name;
      target.protocol = "postgres";
      target.path = path;
      targets.push_back({target, name != "other" ? std::make_unique<WorldIssuer>(world) : nullptr});
    }
    grants.emplace(GrantService::Parts{"gw_t", std::make_shared<const access::PolicyEngine>(policy),
                                       SecretBytes(Bytes(32, 7)), *store, workers, clock, random,
                                       log, 100, std::chrono::seconds(60),
                                       [this](const std::string&, const access::Identity&,
                                              const std::string&) { return asked_for; }},
                   std::move(targets));
  }
  Result<SystemTime> renew(const std::string& session, const std::string& group = "dev") {
    access::Identity identity;
    identity.subject = "alice";
    identity.groups = {group};
    auto record = store->find(session);
    REQUIRE(record);
    REQUIRE(*record);
    return test::run(context, grants->renew(**record, std::move(identity)));
  }
  Result<access::Grant> create(const std::string& target = "pg-a",
                               const std::string& group = "dev") {
    GrantRequest request;
    request.identity.subject = "alice";
    request.identity.groups = {group};
    request.identity.expires_at = clock.system_now() + std::chrono::minutes(5);
    request.target = target;
    request.reason = "why";
    request.client_key.fill(9);
    request.approval = approval;
    HOOP_TRY(auto issued, test::run(context, grants->create(std::move(request))));
    seal_key = std::move(issued.seal_key);
    return std::move(issued.grant);
  }
};

const Error kDown{ErrorCode::upstream_unreachable, "down", {}, {}};

}  // namespace

TEST_CASE("grants: what a grant holds") {
  Fixture f;
  auto grant = f.create();
  REQUIRE(grant);
  CHECK(grant->session.size() == 28);
  CHECK(grant->gateway == "gw_t");
  CHECK(grant->role == "developers");
  CHECK(grant->database_role == "app");
  CHECK(user_of(*grant) == "hoop_" + grant->session.substr(2));
  CHECK(grant->expires_at == f.clock.system_now() + std::chrono::minutes(10));
  CHECK(grant->mask_key.reveal().size() == 32);
  CHECK(grant->policy.version == "v1");
  CHECK(f.store->find(grant->session)->value().state == CredentialState::active);
  CHECK(grant->session != f.create()->session);
}

TEST_CASE("grants: on the gateway path the log is sealed by a key of ours") {
  Fixture f;
  auto local = f.create();
  REQUIRE(local);
  CHECK_FALSE(f.seal_key);
  const auto kept = f.store->find(local->session)->value();
  CHECK(kept.path == access::DataPath::local);
  CHECK(kept.seal_key == kept.client_key);
  f.path = access::DataPath::gateway;
  f.restart();
  auto grant = f.create();
  REQUIRE(grant);
  REQUIRE(f.seal_key);
  const auto record = f.store->find(grant->session)->value();
  CHECK(record.path == access::DataPath::gateway);
  CHECK(record.seal_key == to_base64url(f.seal_key->public_key()));
  CHECK(record.seal_key != record.client_key);
  CHECK(user_of(*grant) == "hoop_" + grant->session.substr(2));
  CHECK(grant->mask_key.reveal() != local->mask_key.reveal());
  access::Identity alice;
  alice.groups = {"dev"};
  REQUIRE_FALSE(f.grants->open_to(alice).empty());
  CHECK(f.grants->open_to(alice).front().path == access::DataPath::gateway);
}

TEST_CASE("grants: an approval must be there, and holds credential and session to its command") {
  Fixture f;
  f.approval = "apr_x";
  const auto refused = f.create();
  REQUIRE_FALSE(refused);
  CHECK(is_about_approval(refused.error()));
  CHECK(refused.error().message == "approval 'apr_x': nobody has decided it yet");
  CHECK(f.world.roles.empty());
  // Another's target says nothing of approvals.
  CHECK(f.create("pg-nowhere").error() == access::target_unavailable());

  ApprovalRequest request;
  request.id = "apr_x";
  request.question.verb = "exec";
  request.question.text = "uptime";
  request.question.digest = crypto::sha256(as_bytes("uptime"));
  request.exact = true;
  const auto command = [&] {
    f.asked_for = request;
    f.world.approved.reset();
    const auto issued = f.create();
    REQUIRE(issued);
    REQUIRE(f.world.approved);
    CHECK(f.world.approved->approval == "apr_x");
    CHECK(issued->only.has_value() == !f.world.approved->command.empty());
    if (issued->only) CHECK(*issued->only == request.question.digest);
    return f.world.approved->command;
  };
  CHECK(command() == "uptime");
  // It was asked for as a login that the role no longer has.
  request.question.place = "root";
  f.asked_for = request;
  const auto other = f.create();
  REQUIRE_FALSE(other);
  CHECK(is_about_approval(other.error()));
  request.question.place.clear();
  f.path = access::DataPath::gateway;
  f.restart();
  CHECK(command() == "uptime");
  f.path = access::DataPath::local;
  f.restart();
  request.exact = false;
  CHECK(command().empty());
  request.exact = true;
  request.question.verb = "shell";
  CHECK(command().empty());
  request.question.verb = "exec";
  for (const std::string& text : {std::string("a\0b", 3), std::string((32U << 10) + 1, 'a')}) {
    request.question.text = text;
    f.asked_for = request;
    const auto unnamed = f.create();
    REQUIRE_FALSE(unnamed);
    CHECK(is_about_approval(unnamed.error()));
  }
  f.approval.clear();
  f.world.approved.reset();
  REQUIRE(f.create());
  CHECK_FALSE(f.world.approved);
}

TEST_CASE("grants: a session on the gateway path does not outlive the process that ran it") {
  Fixture f;
  f.path = access::DataPath::gateway;
  f.restart();
  REQUIRE(f.create());
  CHECK(f.grants->sweep() == 0);
  f.clock.advance(std::chrono::seconds(1));
  f.restart();
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles.empty());
}

TEST_CASE("grants: an unknown target and a forbidden one get the same answer") {
  Fixture f;
  const auto unknown = f.create("pg-nowhere"), forbidden = f.create("other"),
             stranger = f.create("pg-a", "marketing");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == ErrorCode::denied);
  CHECK(forbidden.error() == unknown.error());
  CHECK(stranger.error() == unknown.error());
  CHECK(f.store->list({})->empty());
}

TEST_CASE(
    "grants: the role's name is stored before the role is made, and a crash in between leaves "
    "nothing") {
  Fixture f;
  f.world.before_issue = [&] {
    REQUIRE(f.store->unrevoked()->size() == 1);
    CHECK(f.store->unrevoked()->front().state == CredentialState::planned);
    CHECK(f.store->unrevoked()->front().credential.starts_with("hoop_"));
  };
  f.world.issue_fails = kDown;  // nobody knows whether the role was made
  CHECK_FALSE(f.create());
  const std::string role = f.store->unrevoked()->front().credential;
  f.world.roles.insert(role);     // it was
  CHECK(f.grants->sweep() == 0);  // this process may still be making it
  CHECK(f.world.roles.contains(role));
  f.clock.advance(std::chrono::seconds(1));
  f.restart();
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles.empty());
  CHECK(f.store->unrevoked()->empty());
}

TEST_CASE("grants: a refusal by the server, or of its certificate, leaves nothing to sweep") {
  Fixture f;
  f.world.issue_fails =
      Error{GENERATE(ErrorCode::upstream_refused, ErrorCode::integrity), "no", {}, {}};
  CHECK_FALSE(f.create());
  CHECK(f.store->unrevoked()->empty());
}

TEST_CASE("grants: revoking is idempotent, and goes on after a failure") {
  Fixture f;
  auto grant = f.create();
  REQUIRE(grant);
  f.world.revoke_fails = kDown;
  CHECK_FALSE(test::run(f.context, f.grants->revoke(grant->session)));
  CHECK(f.world.roles.size() == 1);
  f.restart();
  f.world.revoke_fails.reset();
  CHECK(f.grants->sweep() == 1);  // long before it would have expired
  CHECK(f.world.roles.empty());
  CHECK(test::run(f.context, f.grants->revoke(grant->session)));
  CHECK(test::run(f.context, f.grants->revoke("s_unknown")));
}

TEST_CASE("grants: a session whose log has come is over, though nobody gave its grant back") {
  Fixture f;
  const auto grant = f.create(), other = f.create();
  REQUIRE(grant);
  REQUIRE(other);
  FinishedLog log;
  log.digest = "00";
  REQUIRE(f.store->set_finished(grant->session, log));
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles == std::set<std::string>{user_of(*other)});
}

TEST_CASE("grants: expiry ends the credential") {
  Fixture f;
  auto grant = f.create();
  REQUIRE(grant);
  CHECK(f.grants->next_expiry() == grant->expires_at);
  f.clock.advance(std::chrono::minutes(9));
  CHECK(f.grants->sweep() == 0);
  CHECK(f.world.roles.size() == 1);
  f.clock.advance(std::chrono::minutes(1));
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles.empty());
  CHECK_FALSE(f.grants->next_expiry().has_value());
}

TEST_CASE("grants: after a restart the timer knows the sessions that go on") {
  Fixture f;
  auto grant = f.create();
  f.clock.advance(std::chrono::seconds(1));
  f.restart();
  CHECK_FALSE(f.grants->next_expiry().has_value());
  CHECK(f.grants->sweep() == 0);
  CHECK(f.grants->next_expiry() == grant->expires_at);
  CHECK(f.world.roles.size() == 1);
}

TEST_CASE("grants: a session is renewed for as long as its role lets it last") {
  Fixture f;
  f.renew_for = std::chrono::minutes(25);
  f.restart();
  const auto grant = f.create();
  REQUIRE(grant);
  CHECK(grant->renewable);
  const SystemTime begun = f.clock.system_now();
  f.clock.advance(std::chrono::minutes(6));
  auto renewed = f.renew(grant->session);
  REQUIRE(renewed);
  CHECK(*renewed == begun + std::chrono::minutes(16));
  CHECK(f.world.until == *renewed);
  CHECK(f.store->find(grant->session)->value().expires_at == *renewed);
  // The old expiry passes, and the sweep leaves it alone.
  f.clock.advance(std::chrono::minutes(5));
  CHECK(f.grants->sweep() == 0);
  CHECK(f.grants->next_expiry() == *renewed);
  f.clock.advance(std::chrono::minutes(4));
  renewed = f.renew(grant->session);
  REQUIRE(renewed);
  CHECK(*renewed == begun + std::chrono::minutes(25));
  f.clock.advance(std::chrono::minutes(9));
  renewed = f.renew(grant->session);
  REQUIRE_FALSE(renewed);
  CHECK(renewed.error().code == ErrorCode::denied);
  f.clock.advance(std::chrono::minutes(2));
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles.empty());
}

TEST_CASE("grants: what is not renewed ends when it would have") {
  Fixture f;
  const auto without = f.create();
  REQUIRE(without);
  CHECK_FALSE(without->renewable);
  CHECK(f.renew(without->session).error().code == ErrorCode::denied);
  f.renew_for = std::chrono::hours(1);
  f.restart();
  const auto grant = f.create();
  REQUIRE(grant);
  // Another group by now: the policy would not open it.
  f.clock.advance(std::chrono::minutes(7));
  CHECK(f.renew(grant->session, "other").error().code == ErrorCode::denied);
  // The target cannot: neither can the store.
  f.world.extend_fails = kDown;
  CHECK(f.renew(grant->session).error().code == ErrorCode::upstream_unreachable);
  CHECK(f.store->find(grant->session)->value().expires_at == grant->expires_at);
  f.world.extend_fails.reset();
  REQUIRE(test::run(f.context, f.grants->revoke(grant->session)));
  CHECK(f.renew(grant->session).error().code == ErrorCode::not_found);
  const auto late = f.create();
  REQUIRE(late);
  f.clock.advance(std::chrono::minutes(10));
  CHECK(f.renew(late->session).error().code == ErrorCode::not_found);
}

TEST_CASE("grants: a role in the marker group that nobody knows is dropped") {
  Fixture f;
  auto grant = f.create();
  f.world.roles.insert("hoop_orphan");
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles == std::set<std::string>{user_of(*grant)});
  f.world.list_fails = true;
  CHECK(f.grants->sweep() == 0);
}

TEST_CASE("grants: the sweep of one target leaves the sessions of another on the same server") {
  Fixture f;
  const auto here = f.create("pg-a"), there = f.create("pg-b");
  REQUIRE(here);
  REQUIRE(there);
  const std::set<std::string> both{user_of(*here), user_of(*there)};
  CHECK(f.grants->sweep() == 0);
  CHECK(f.world.roles == both);
  f.clock.advance(std::chrono::seconds(1));
  f.restart();
  CHECK(f.grants->sweep() == 0);
  CHECK(f.world.roles == both);
  // Each target's own are still ended, and what neither knows goes too.
  CHECK(test::run(f.context, f.grants->revoke(here->session)));
  f.world.roles.insert("hoop_orphan");
  CHECK(f.grants->sweep() == 1);
  CHECK(f.world.roles == std::set<std::string>{user_of(*there)});
}

TEST_CASE("grants: the reaper ends a session at its expiry without being asked") {
  Fixture f;
  SystemClock real;
  std::vector<GrantTarget> targets;
  access::Target target;
  target.name = "pg-a";
  target.protocol = "postgres";
  targets.push_back({target, std::make_unique<WorldIssuer>(f.world)});
  access::PolicyDocument policy;
  access::Role role;
  role.name = "r";
  role.members = {"*"};
  role.targets = {"*"};
  role.database_role = "app";
  role.max_ttl = std::chrono::seconds(1);
  policy.roles = {role};
  GrantService grants(
      GrantService::Parts{"gw_t", std::make_shared<const access::PolicyEngine>(policy),
                          SecretBytes(Bytes(32, 7)), *f.store, f.workers, real, f.random, f.log},
      std::move(targets));
  Reaper reaper(grants, f.context.get_executor());
  reaper.start();
  const bool ended = test::run(
      f.context, [](GrantService& service, Reaper& timer, World& world) -> asio::awaitable<bool> {
        GrantRequest request;
        request.identity.subject = "alice";
        request.target = "pg-a";
        auto grant = co_await service.create(std::move(request));
        const bool made = grant.has_value();
        asio::steady_timer wait(co_await asio::this_coro::executor,
                                std::chrono::milliseconds(1800));
        co_await wait.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
        co_await timer.stop();
        co_return made&& world.roles.empty();
      }(grants, reaper, f.world));
  CHECK(ended);
}

TEST_CASE("grants: mask keys differ by person and by target, and are stable") {
  const SecretBytes secret(Bytes(32, 1)), other(Bytes(32, 2));
  const Bytes key = derive_mask_key(secret, "alice", "pg").reveal();
  CHECK(key == derive_mask_key(secret, "alice", "pg").reveal());
  CHECK(key != derive_mask_key(secret, "bob", "pg").reveal());
  CHECK(key != derive_mask_key(secret, "alice", "pg2").reveal());
  CHECK(key != derive_mask_key(other, "alice", "pg").reveal());
  CHECK(derive_mask_key(secret, "ab", "c").reveal() != derive_mask_key(secret, "a", "bc").reveal());
}

TEST_CASE("rate limit: so many at once, so many a minute, each by itself") {
  test::FakeClock clock;
  RateLimit limit(60, clock);
  for (int i = 0; i < 60; ++i) CHECK(limit.take("alice").count() == 0);
  CHECK(limit.take("alice").count() > 0);
  CHECK(limit.take("bob").count() == 0);
  clock.advance(std::chrono::milliseconds(1001));
  CHECK(limit.take("alice").count() == 0);
  CHECK(limit.take("alice").count() > 0);
}
