// SPDX-License-Identifier: Apache-2.0
// The gate's promises about order: nothing is released before the log has it, and nothing at all
// once the log cannot.
#include "core/session/gate.h"

#include <atomic>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/run_task.h"

using namespace hoop;
using session::Gate;

namespace {

/// What reached the log and the wire, in order.
using Journal = std::shared_ptr<std::vector<std::string>>;

/// A disk that takes its time, or fails: syncs run beside the test.
struct Disk {
  std::atomic<bool> held = false;  // a sync that begins does not end while this is set
  std::atomic<bool> fails = false;
  std::atomic<int> syncs = 0;
  std::atomic<int> under_way = 0;
};

class JournalSink final : public record::LogSink {
 public:
  JournalSink(Journal journal, std::shared_ptr<bool> full, std::shared_ptr<Disk> disk)
      : journal_(std::move(journal)), full_(std::move(full)), disk_(std::move(disk)) {}
  Result<void> write(ByteSpan bytes) override {
    if (*full_) return fail(ErrorCode::storage, "no space left");
    journal_->push_back("log: " + to_text(bytes));
    return {};
  }
  Result<void> sync() override {
    ++disk_->under_way;
    for (int i = 0; disk_->held && i < 5000; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --disk_->under_way;
    ++disk_->syncs;
    if (disk_->fails) return fail(ErrorCode::storage, "I/O error");
    return {};
  }
  void release_reserve() override {}

 private:
  Journal journal_;
  std::shared_ptr<bool> full_;
  std::shared_ptr<Disk> disk_;
};

class JournalStream final : public net::Stream {
 public:
  JournalStream(asio::any_io_executor executor, Journal journal)
      : executor_(std::move(executor)), journal_(std::move(journal)) {}
  Task<std::size_t> read_some(MutableByteSpan) override { co_return std::size_t{0}; }
  Task<void> write_all(ByteSpan in) override {
    journal_->push_back("wire: " + to_text(in));
    co_return Result<void>{};
  }
  Task<void> shutdown_write() override { co_return Result<void>{}; }
  void close() override {}
  void set_deadline(Deadline) override {}
  asio::any_io_executor executor() override { return executor_; }
  std::string peer_name() const override { return "journal"; }

 private:
  asio::any_io_executor executor_;
  Journal journal_;
};

access::Action action(std::string verb) {
  access::Action made;
  made.protocol = "postgres";
  made.verb = std::move(verb);
  made.text = "the text of " + made.verb;
  return made;
}

access::PolicyDocument allow_select(access::Durability durability = access::Durability::os) {
  access::PolicyDocument document;
  document.durability = durability;
  access::Rule allow;
  allow.name = "reading";
  allow.when = {{"verb", {"select"}}};
  allow.effect = access::Effect::allow;
  access::Rule ask;
  ask.name = "ask-first";
  ask.when = {{"verb", {"delete"}}};
  ask.effect = access::Effect::require_approval;
  document.rules = {allow, ask};
  return document;
}

struct GateUnderTest {
  explicit GateUnderTest(access::Durability durability = access::Durability::os)
      : stream(context.get_executor(), journal) {
    auto log = record::SessionLog::create(std::make_unique<JournalSink>(journal, full, disk),
                                          crypto::Ed25519Key::generate(), {});
    REQUIRE(log);
    gate.emplace(std::make_shared<const access::PolicyEngine>(allow_select(durability)),
                 access::Identity{}, access::Target{}, std::move(*log), clock);
    journal->clear();
  }
  session::Verdict admit(std::string verb) {
    auto verdict = gate->admit(1, action(std::move(verb)));
    REQUIRE(verdict.ready());
    return verdict.take();
  }
  Result<void> forward(std::string_view bytes, const session::Verdict& verdict) {
    session::UpstreamBatch batch;
    batch.add(std::get<session::Admitted>(verdict), as_bytes(bytes));
    return test::run(context, finished(gate->forward(batch, stream)));
  }
  Result<void> deliver(std::string_view bytes) {
    session::DownstreamBatch batch;
    batch.bytes() = to_bytes(bytes);
    return test::run(context, finished(gate->deliver(batch, stream)));
  }
  bool nothing_on_the_wire() const {
    return std::none_of(journal->begin(), journal->end(),
                        [](const std::string& entry) { return entry.starts_with("wire"); });
  }

  asio::io_context context;
  test::FakeClock clock;
  Journal journal = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<bool> full = std::make_shared<bool>(false);
  std::shared_ptr<Disk> disk = std::make_shared<Disk>();
  JournalStream stream;
  std::optional<Gate> gate;
};

}  // namespace

TEST_CASE("gate records a statement before it is forwarded") {
  GateUnderTest test;
  const auto verdict = test.admit("select");
  REQUIRE(std::holds_alternative<session::Admitted>(verdict));
  CHECK(test.nothing_on_the_wire());
  REQUIRE(test.forward("SELECT", verdict));
  REQUIRE(test.journal->size() == 2);
  CHECK_THAT(test.journal->at(0), Catch::Matchers::ContainsSubstring("the text of select"));
  CHECK(test.journal->at(1) == "wire: SELECT");
}

TEST_CASE("gate records the end of a reply before its completion is delivered") {
  GateUnderTest test;
  const auto verdict = test.admit("select");
  REQUIRE(test.forward("SELECT", verdict));
  test.journal->clear();
  record::ReplyEnd end;
  end.action = std::get<session::Admitted>(verdict).id();
  end.rows = 7;
  end.masked_values = 3;
  end.status = "SELECT 7";
  REQUIRE(test.gate->reply_end(std::get<session::Admitted>(verdict), end));
  REQUIRE(test.deliver("rows"));
  REQUIRE(test.journal->size() == 2);
  CHECK_THAT(test.journal->at(0), Catch::Matchers::ContainsSubstring("SELECT 7"));
  // How long it took is the difference to the action's own time.
  CHECK_THAT(test.journal->at(0), Catch::Matchers::ContainsSubstring(R"("action":1,"at":")"));
  CHECK(test.journal->at(1) == "wire: rows");
  CHECK(test.gate->totals().rows == 7);
  CHECK(test.gate->totals().masked_values == 3);
}

TEST_CASE("gate writes to the log only when there is something to record") {
  GateUnderTest test;
  REQUIRE(test.deliver("a notice"));
  CHECK(*test.journal == std::vector<std::string>{"wire: a notice"});
}

TEST_CASE("gate empties a batch that it has written") {
  GateUnderTest test;
  session::DownstreamBatch batch;
  batch.bytes() = to_bytes("once");
  REQUIRE(test::run(test.context, finished(test.gate->deliver(batch, test.stream))));
  REQUIRE(test::run(test.context, finished(test.gate->deliver(batch, test.stream))));
  CHECK(test.journal->size() == 1);
}

TEST_CASE("gate releases nothing once the log cannot be written") {
  GateUnderTest test;
  const auto verdict = test.admit("select");
  *test.full = true;
  const auto forwarded = test.forward("SELECT", verdict);
  REQUIRE_FALSE(forwarded);
  CHECK(forwarded.error().code == ErrorCode::storage);
  *test.full = false;  // a log with a hole stays shut
  CHECK_FALSE(test.deliver("rows"));
  CHECK(test.nothing_on_the_wire());
  const auto next = test.admit("select");
  REQUIRE(std::holds_alternative<session::Refusal>(next));
  CHECK(std::get<session::Refusal>(next).decision.rule == "record");
}

TEST_CASE("gate counts, records and reports a refusal by policy") {
  GateUnderTest test;
  std::vector<std::string> heard;
  test.gate->on_denial([&](const access::Action& refused, const access::Decision& decision) {
    heard.push_back(refused.verb + " by " + decision.rule);
  });
  const auto verdict = test.admit("drop");
  REQUIRE(std::holds_alternative<session::Refusal>(verdict));
  CHECK(std::get<session::Refusal>(verdict).decision.effect == access::Effect::deny);
  CHECK(heard == std::vector<std::string>{"drop by default"});
  CHECK(test.gate->totals().denied == 1);
  CHECK(test.gate->totals().allowed == 0);
  REQUIRE(test.deliver("refused"));
  REQUIRE(test.journal->size() == 2);
  CHECK_THAT(test.journal->at(0), Catch::Matchers::ContainsSubstring("the text of drop"));
}

TEST_CASE("gate never takes a rule that asks for approval as leave") {
  GateUnderTest test;
  const auto verdict = test.admit("delete");
  REQUIRE(std::holds_alternative<session::Refusal>(verdict));
  CHECK(std::get<session::Refusal>(verdict).decision.effect == access::Effect::require_approval);
  CHECK(std::get<session::Refusal>(verdict).decision.rule == "ask-first");
}

TEST_CASE("gate records a refusal that a handler makes") {
  GateUnderTest test;
  const auto refusal =
      test.gate->refuse(4, action("select"), {access::Effect::deny, "masks", "not so", ""});
  CHECK(refusal.decision.rule == "masks");
  CHECK(test.gate->facts().denials == 1);
  REQUIRE(test.deliver("refused"));
  CHECK_THAT(test.journal->at(0), Catch::Matchers::ContainsSubstring("not so"));
}

TEST_CASE("gate numbers actions without gaps, refused ones too") {
  GateUnderTest test;
  CHECK(std::get<session::Admitted>(test.admit("select")).id() == 1);
  CHECK(std::get<session::Refusal>(test.admit("drop")).action == 2);
  CHECK(std::get<session::Admitted>(test.admit("select")).id() == 3);
}

namespace {

/// Holds until it is told not to; what becomes of it then is set beforehand.
class ScriptedLease final : public session::Lease {
 public:
  bool holds() const override { return holding; }
  asio::awaitable<bool> renewed() override {
    ++asked;
    holding = renews;
    co_return renews;
  }
  bool holding = true;
  bool renews = true;
  int asked = 0;
};

}  // namespace

TEST_CASE("gate: nothing passes while its lease does not hold") {
  GateUnderTest test;
  ScriptedLease lease;
  test.gate->hold_by(lease);
  const auto verdict = test.admit("select");
  REQUIRE(test.forward("SELECT", verdict));
  CHECK(lease.asked == 0);
  lease.holding = false;
  REQUIRE(test.deliver("rows"));
  CHECK(lease.asked == 1);
  CHECK(test.journal->back() == "wire: rows");
  lease.holding = lease.renews = false;
  const std::size_t before = test.journal->size();
  const auto forwarded = test.forward("SELECT", verdict);
  REQUIRE_FALSE(forwarded);
  CHECK(forwarded.error().code == ErrorCode::cancelled);
  CHECK_FALSE(test.deliver("rows"));
  CHECK(test.journal->size() == before);
}

TEST_CASE("gate: with durability disk nothing is released before the disk has its record") {
  GateUnderTest test(access::Durability::disk);
  const auto verdict = test.admit("select");
  REQUIRE(test.forward("SELECT", verdict));
  CHECK(test.disk->syncs == 1);
  CHECK(test.journal->back() == "wire: SELECT");
  // The disk has all of it already.
  REQUIRE(test.deliver("a notice"));
  CHECK(test.disk->syncs == 1);

  static_cast<void>(test.admit("drop"));
  test.disk->held = true;
  session::DownstreamBatch batch;
  batch.bytes() = to_bytes("refused");
  bool delivered = false;
  asio::co_spawn(
      test.context,
      [&]() -> asio::awaitable<void> {
        auto delivery = test.gate->deliver(batch, test.stream);
        const auto outcome = co_await finished(std::move(delivery));
        delivered = outcome.has_value();
      },
      [](const std::exception_ptr&) {});
  // The loop serves others meanwhile.
  test.context.restart();
  test.context.run_for(std::chrono::milliseconds(50));
  CHECK(test.disk->under_way == 1);
  CHECK_FALSE(delivered);
  CHECK(test.journal->back().starts_with("log: "));
  test.disk->held = false;
  test.context.restart();
  test.context.run_for(std::chrono::seconds(5));
  CHECK(delivered);
  CHECK(test.journal->back() == "wire: refused");
}

TEST_CASE("gate: who waits for the disk at once shares a sync") {
  GateUnderTest test(access::Durability::disk);
  test.disk->held = true;
  constexpr int kConnections = 20;
  std::vector<session::UpstreamBatch> batches(kConnections);
  int forwarded = 0;
  const auto forward_one = [&](session::UpstreamBatch& batch) -> asio::awaitable<void> {
    const auto verdict = test.admit("select");
    batch.add(std::get<session::Admitted>(verdict), as_bytes("SELECT"));
    auto forwarding = test.gate->forward(batch, test.stream);
    const auto outcome = co_await finished(std::move(forwarding));
    if (outcome) ++forwarded;
  };
  for (auto& batch : batches)
    asio::co_spawn(test.context, forward_one(batch), [](const std::exception_ptr&) {});
  test.context.run_for(std::chrono::milliseconds(50));
  CHECK(forwarded == 0);
  test.disk->held = false;
  test.context.restart();
  test.context.run_for(std::chrono::seconds(5));
  CHECK(forwarded == kConnections);
  // One was under way when the others came.
  CHECK(test.disk->syncs == 2);
}

TEST_CASE("gate releases nothing once the disk has failed") {
  GateUnderTest test(access::Durability::disk);
  const auto verdict = test.admit("select");
  test.disk->fails = true;
  const auto forwarded = test.forward("SELECT", verdict);
  REQUIRE_FALSE(forwarded);
  CHECK(forwarded.error().code == ErrorCode::storage);
  test.disk->fails = false;  // what it has lost does not come back
  CHECK_FALSE(test.deliver("rows"));
  CHECK(test.nothing_on_the_wire());
  const auto next = test.admit("select");
  REQUIRE(std::holds_alternative<session::Refusal>(next));
  CHECK(std::get<session::Refusal>(next).decision.rule == "record");
}

TEST_CASE("gate: a policy that is put in force later decides where records have to be") {
  GateUnderTest test;
  REQUIRE(test.forward("SELECT", test.admit("select")));
  CHECK(test.disk->syncs == 0);
  test.gate->set_policy(
      std::make_shared<const access::PolicyEngine>(allow_select(access::Durability::disk)));
  REQUIRE(test.deliver("a notice"));
  CHECK(test.disk->syncs == 1);
}

TEST_CASE("gate: the end of a session waits for a sync that is under way") {
  GateUnderTest test(access::Durability::disk);
  test.disk->held = true;
  const auto verdict = test.admit("select");
  session::UpstreamBatch batch;
  batch.add(std::get<session::Admitted>(verdict), as_bytes("SELECT"));
  asio::co_spawn(
      test.context,
      [&]() -> asio::awaitable<void> {
        auto forwarding = test.gate->forward(batch, test.stream);
        static_cast<void>(co_await finished(std::move(forwarding)));
      },
      [](const std::exception_ptr&) {});
  test.context.run_for(std::chrono::milliseconds(20));
  REQUIRE(test.disk->under_way == 1);
  std::thread release([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    test.disk->held = false;
  });
  test.gate.reset();
  CHECK(test.disk->under_way == 0);
  release.join();
  CHECK(test.nothing_on_the_wire());
}
