// SPDX-License-Identifier: Apache-2.0
// Commands and files that wait for an approver: what the stock clients show meanwhile, and what the
// host hears of it.
#include "tests/support/scripted_people.h"
#include "tests/unit/protocols/ssh/handler_world.h"

namespace hoop::ssh {
namespace {

using access::ApprovalState;
using std::chrono::milliseconds;

struct AskingWorld : HandlerWorld {
  explicit AskingWorld(std::chrono::seconds patience = std::chrono::seconds(20)) {
    policy.masks.clear();
    policy.rules.push_back(
        rule("asks", access::Effect::require_approval, {{"command", {"touch **"}}}));
    policy.rules.push_back(
        rule("asks-files", access::Effect::require_approval, {{"verb", {"write_file"}}}));
    open();
    engine->gate().ask_by(people, patience);
  }
  std::string place() { return test::SshServer::user() + "@127.0.0.1"; }
  /// After a moment, when nothing may have happened yet.
  void later(ApprovalState state, milliseconds span = milliseconds(700)) {
    timer.expires_after(span);
    timer.async_wait([this, state](std::error_code stopped) {
      if (stopped) return;
      existed_before = std::filesystem::exists(file);
      people.say(state, "not today");
    });
  }

  test::ScriptedPeople people{context.get_executor()};
  asio::steady_timer timer{context};
  std::string file = folder / "file";
  bool existed_before = false;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("ssh approvals: a command waits, says so, and runs when it is approved") {
  AskingWorld world;
  world.later(ApprovalState::approved);
  const auto ran = world.run({world.place(), "touch " + world.file + "; echo made; exit 4"});
  INFO(ran.err);
  CHECK(ran.status == 4);
  CHECK(ran.out == "made\n");
  CHECK(contains(ran.err, "hoopctl: waiting for an approver: request apr_1 (rule 'asks')"));
  CHECK_FALSE(world.existed_before);
  CHECK(std::filesystem::exists(world.file));
  REQUIRE(world.people.asked.size() == 1);
  CHECK(world.people.asked[0].text == "touch " + world.file + "; echo made; exit 4");
  CHECK(world.people.asked[0].digest == crypto::sha256(as_bytes(world.people.asked[0].text)));
  CHECK(world.people.asked[0].place == test::SshServer::user());
  CHECK(contains(world.record(), R"("decided_by":"bob")"));
}

TEST_CASE("ssh approvals: a command that is rejected does not run, and ends with 76") {
  AskingWorld world;
  world.later(ApprovalState::rejected);
  const auto ran = world.run({world.place(), "touch " + world.file});
  CHECK(ran.status == 76);
  CHECK(contains(ran.err, "bob has rejected request apr_1: not today"));
  CHECK_FALSE(std::filesystem::exists(world.file));
}

TEST_CASE("ssh approvals: a command that nobody decides in time ends with 75") {
  AskingWorld world(std::chrono::seconds(0));
  const auto ran = world.run({world.place(), "touch " + world.file});
  CHECK(ran.status == 75);
  CHECK(contains(ran.err, "hoopctl resume apr_1"));
  CHECK_FALSE(std::filesystem::exists(world.file));
}

TEST_CASE("ssh approvals: access that ends while a command waits ends the wait") {
  AskingWorld world;
  const auto begun = std::chrono::steady_clock::now();
  const auto ran = world.run({world.place(), "touch " + world.file}, {}, milliseconds(700));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  CHECK(ran.status != 0);
  CHECK_FALSE(std::filesystem::exists(world.file));
  CHECK(world.people.spends == 0);
}

TEST_CASE("ssh approvals: a command whose client has gone does not run, whoever approves it") {
  AskingWorld world;
  world.later(ApprovalState::approved, milliseconds(2500));
  const auto ran = world.run({"-o", "ServerAliveInterval=1", world.place(), "touch " + world.file},
                             {}, {}, "/usr/bin/ssh", milliseconds(900));
  CHECK(ran.status != 0);
  CHECK_FALSE(std::filesystem::exists(world.file));
  CHECK(world.people.spends == 0);
  CHECK(contains(world.record(), "was not waited for"));
}

TEST_CASE("ssh approvals: a file of sftp waits, and is brought when it is approved") {
  AskingWorld world;
  const auto from = world.folder / "from";
  std::ofstream(from) << "some words\n";
  SECTION("approved") {
    world.later(ApprovalState::approved);
    const auto ran = world.run({from, world.place() + ":" + world.file}, {}, {}, "/usr/bin/scp");
    INFO(ran.err);
    CHECK(ran.status == 0);
    CHECK_FALSE(world.existed_before);
    REQUIRE(std::filesystem::exists(world.file));
    CHECK(std::filesystem::file_size(world.file) == 11);
    CHECK(contains(ran.err, "waiting for an approver"));
  }
  SECTION("rejected") {
    world.later(ApprovalState::rejected);
    const auto ran = world.run({from, world.place() + ":" + world.file}, {}, {}, "/usr/bin/scp");
    CHECK(ran.status != 0);
    CHECK(contains(ran.err, "bob has rejected request apr_1"));
    CHECK_FALSE(std::filesystem::exists(world.file));
  }
}

TEST_CASE("ssh approvals: a session for one approved command runs nothing else") {
  AskingWorld world;
  const std::string command = "touch " + world.file;
  world.only = crypto::sha256(as_bytes(command));
  world.open();
  world.engine->gate().ask_by(world.people, std::chrono::seconds(0));
  world.people.say(ApprovalState::approved);
  const auto other = world.run({world.place(), "echo harmless"});
  CHECK(other.status == 77);
  CHECK(contains(other.err, "for the command that was approved"));
  CHECK(world.run({world.place()}, "exit\n").status == 77);
  // By its name a subsystem is the same bytes, and the host would run the command for it.
  const auto named = world.run({"-s", world.place(), command});
  CHECK(named.status == 77);
  CHECK(contains(named.err, "for the command that was approved"));
  CHECK_FALSE(std::filesystem::exists(world.file));
  const auto ran = world.run({world.place(), command});
  CHECK(ran.status == 0);
  CHECK(std::filesystem::exists(world.file));
  CHECK(world.people.spends == 1);
}

}  // namespace hoop::ssh
