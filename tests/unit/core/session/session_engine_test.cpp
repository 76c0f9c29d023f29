// SPDX-License-Identifier: Apache-2.0
// The one composition: what it hands to a handler, how it numbers connections, and the log that it
// leaves behind.
#include "core/session/session_engine.h"

#include "core/record/session_log_reader.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_log.h"
#include "tests/support/run_task.h"

using namespace hoop;
using namespace hoop::session;

namespace {

/// What a handler was asked to do.
struct Heard {
  std::vector<std::uint64_t> connections;
  std::vector<std::string> reasons;
  const access::Grant* grant = nullptr;
  bool has_detectors = false;
};

class HeardHandler final : public ProtocolHandler {
 public:
  HeardHandler(SessionContext context, std::shared_ptr<Heard> heard) : heard_(std::move(heard)) {
    heard_->grant = &context.grant;
    heard_->has_detectors = context.masker.has_detectors();
  }
  Task<void> serve(std::uint64_t connection, net::StreamPtr, Opening) override {
    heard_->connections.push_back(connection);
    co_return Result<void>{};
  }
  void end_all(std::string reason) override { heard_->reasons.push_back(std::move(reason)); }
  void announce(std::string words) override { heard_->reasons.push_back(std::move(words)); }
  bool can_judge_by(const access::PolicyDocument&) const override { return false; }

 private:
  std::shared_ptr<Heard> heard_;
};

struct EngineUnderTest {
  SessionParts parts() {
    SessionParts parts{{},
                       std::make_unique<test::MemorySink>(log),
                       crypto::Ed25519Key::generate(),
                       std::make_unique<net::DirectDialer>(context.get_executor()),
                       [this](SessionContext given) -> Result<std::unique_ptr<ProtocolHandler>> {
                         return std::make_unique<HeardHandler>(given, heard);
                       },
                       {{"psql", "-c", "select 1"}, true},
                       "ticket 7"};
    parts.grant.session = "s_engine";
    parts.grant.target.name = "pg-demo";
    parts.grant.identity.subject = "ann";
    parts.grant.mask_key = SecretBytes(Bytes(32, 1));
    return parts;
  }
  Result<std::unique_ptr<SessionEngine>> create(SessionParts given) {
    return SessionEngine::create(std::move(given), clock, random, operator_log);
  }

  asio::io_context context;
  test::FakeClock clock;
  crypto::SystemRandom random;
  NullLog operator_log;
  std::shared_ptr<test::MemoryLog> log = std::make_shared<test::MemoryLog>();
  std::shared_ptr<Heard> heard = std::make_shared<Heard>();
};

}  // namespace

TEST_CASE("engine leaves a sealed log that names who opened what, and why") {
  EngineUnderTest test;
  auto engine = test.create(test.parts());
  REQUIRE(engine);
  REQUIRE((*engine)->finish("program_exit", 0));
  record::LogReader reader;
  reader.feed(test.log->bytes);
  std::string text;
  for (;;) {
    const auto next = reader.next();
    REQUIRE(next);
    if (!*next) break;
    text += to_text((*next)->payload);
  }
  const auto summary = reader.finish();
  REQUIRE(summary);
  CHECK(summary->sealed);
  CHECK(summary->header.session == "s_engine");
  CHECK(summary->header.subject == "ann");
  CHECK(summary->header.json.find(R"("confinement":"isolated")") != std::string::npos);
  CHECK(summary->digest == (*engine)->gate().log_digest());
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("program_exit"));
  CHECK_THAT(to_text(test.log->bytes), Catch::Matchers::ContainsSubstring("ticket 7"));
}

TEST_CASE("engine numbers connections from one and passes the end on") {
  EngineUnderTest test;
  auto engine = test.create(test.parts());
  REQUIRE(engine);
  for (int i = 0; i < 2; ++i) {
    auto [ours, theirs] = net::stream_pair(test.context.get_executor());
    const auto served = test::run(test.context, (*engine)->serve(std::move(ours), {}));
    CHECK(served);
  }
  (*engine)->end_all("revoked");
  CHECK(test.heard->connections == std::vector<std::uint64_t>{1, 2});
  CHECK(test.heard->reasons == std::vector<std::string>{"revoked"});
  CHECK(test.heard->grant == &(*engine)->grant());
}

TEST_CASE("engine gives the handler a masker of the grant's masks, and takes no unknown detector") {
  EngineUnderTest test;
  access::Mask mask;
  mask.name = "cards";
  mask.detectors = {"payment_card"};
  auto parts = test.parts();
  parts.grant.policy.masks = {mask};
  REQUIRE(test.create(std::move(parts)));
  CHECK(test.heard->has_detectors);
  mask.detectors = {"tea_leaves"};
  parts = test.parts();
  parts.grant.policy.masks = {mask};
  const auto refused = test.create(std::move(parts));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::config);
}

TEST_CASE("engine does not begin without a log") {
  EngineUnderTest test;
  test.log->fails = true;
  const auto refused = test.create(test.parts());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::storage);
}
