// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/protocols/ssh/handler_world.h"

namespace hoop::ssh {
namespace {

access::Rule rule(std::string name, access::Effect effect,
                  std::map<std::string, std::vector<std::string>> when) {
  access::Rule out;
  out.name = std::move(name);
  out.effect = effect;
  out.when = std::move(when);
  out.message = out.name + " says so";
  return out;
}

std::string where() { return test::SshServer::user() + "@127.0.0.1"; }

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("ssh session: a command is judged, masked and recorded") {
  HandlerWorld world;
  const auto ran = world.run({where(), "echo card 4111111111111111; echo done >&2; exit 3"});
  CHECK(ran.status == 3);
  CHECK(ran.out == "card [redacted]\n");
  CHECK(ran.err == "done\n");
  CHECK(world.served);
  const std::string record = world.record();
  INFO(record);
  CHECK(has(record, R"("verb":"exec")"));
  CHECK(has(record, R"("rule":"all")"));
  // The number stands nowhere: not in the command, not in what it said.
  CHECK_FALSE(has(record, "4111111111111111"));
  CHECK(has(record, R"("status":"exit 3")"));
  CHECK(has(record, R"("masked_values":1)"));
  CHECK(has(record, "card [redacted]"));
  CHECK(has(record, "ssh_target"));
}

TEST_CASE("ssh session: what policy denies does not run, and stands in the log") {
  HandlerWorld world;
  const auto file = world.folder / "file";
  const auto ran = world.run({where(), "rm -f x; touch " + file});
  CHECK(ran.status == 77);
  CHECK(has(ran.err, "hoopctl: no-rm says so (rule 'no-rm')"));
  CHECK_FALSE(std::filesystem::exists(file));
  const auto other = world.run({where(), "touch " + file});
  CHECK(other.status == 0);
  CHECK(std::filesystem::exists(file));
  CHECK(world.engine->gate().totals().denied == 1);
  CHECK(world.engine->gate().totals().allowed == 1);
  const std::string record = world.record();
  CHECK(has(record, R"("effect":"deny")"));
}

TEST_CASE("ssh session: without a rule nothing is allowed") {
  HandlerWorld world;
  world.policy.rules.pop_back();
  CHECK(world.run({where(), "true"}).status == 77);
  CHECK(world.run({where()}, "exit\n").status == 77);
}

TEST_CASE("ssh session: an agent has a shell only where a rule says so of agents") {
  HandlerWorld world;
  world.identity.claimed_agent = "robot";
  const auto refused = world.run({where()}, "echo in\nexit\n");
  CHECK(refused.status == 77);
  CHECK(refused.out.empty());
  CHECK(has(refused.err, "hoopctl: no rule allows 'shell' to agents"));
  CHECK(world.run({where(), "echo in"}).out == "in\n");
  // Nor is what nobody can read a way to one.
  CHECK(world.run({where(), "bash -s"}, "echo in\n").status == 77);
  CHECK(has(world.record(), R"("rule":"default")"));

  HandlerWorld allowed;
  // What an environment claims allows nothing: of an allow's kinds both must be named.
  allowed.identity.claimed_agent = "robot";
  allowed.identity.kind = access::IdentityKind::agent;
  allowed.policy.rules.push_back(
      rule("shells", access::Effect::allow, {{"verb", {"shell"}}, {"client", {"agent"}}}));
  std::swap(allowed.policy.rules[1], allowed.policy.rules[2]);
  const auto ran = allowed.run({where()}, "echo in\nexit\n");
  CHECK(ran.status == 0);
  CHECK(has(ran.out, "in"));
}

TEST_CASE("ssh session: access that has ended meanwhile lets nobody in") {
  HandlerWorld world;
  world.open();
  world.engine->end_all("access was revoked by ops");
  const auto file = world.folder / "file";
  const auto ran = world.run({where(), "touch " + file});
  CHECK(ran.status == 255);
  CHECK(has(ran.err, "hoopctl: access was revoked by ops"));
  CHECK_FALSE(std::filesystem::exists(file));
  CHECK(world.engine->gate().totals().allowed == 0);
  CHECK(world.server.log().find("Accepted") == std::string::npos);
}

TEST_CASE("ssh session: where masks look at content, files are brought, and none is read") {
  HandlerWorld world;
  const auto from = world.folder / "from", to = world.folder / "to";
  std::ofstream(from) << "4111111111111111\n";
  const auto brought = world.run({from, where() + ":" + to}, {}, {}, "/usr/bin/scp");
  INFO(brought.err);
  CHECK(brought.status == 0);
  CHECK(std::filesystem::file_size(to) == 17);
  const auto back = world.folder / "back";
  const auto taken = world.run({where() + ":" + to, back}, {}, {}, "/usr/bin/scp");
  CHECK(taken.status != 0);
  CHECK(has(taken.err, "masked-transfer"));
  CHECK_FALSE(std::filesystem::exists(back));
}

TEST_CASE("ssh session: an agent reads what nobody sees, and the log has it as it was") {
  const std::string command = "printf 'a\\342\\200\\213b\\033[8mc\\n'";
  HandlerWorld person;
  CHECK(person.run({where(), command}).out ==
        "a\xe2\x80\x8b"
        "b\x1b[8mc\n");
  HandlerWorld agent;
  agent.identity.claimed_agent = "robot";
  const auto ran = agent.run({where(), command});
  CHECK(ran.out == "a\\u200bb\\u001b[8mc\n");
  CHECK(has(ran.err, "hoopctl: 2 characters that cannot be seen"));
  CHECK(has(to_text(agent.log->bytes),
            "a\xe2\x80\x8b"
            "b\x1b[8mc\n"));
  // What is for a program stays as it is.
  const auto file = agent.folder / "file";
  std::ofstream(file) << "a\xe2\x80\x8b"
                         "b\x1b[8mc\n";
  const auto to = agent.folder / "to";
  HandlerWorld copier;
  copier.policy.masks.clear();
  copier.identity.claimed_agent = "robot";
  const auto copied = copier.run({"-O", where() + ":" + file, to}, {}, {}, "/usr/bin/scp");
  CHECK(copied.status == 0);
  CHECK(std::filesystem::file_size(to) == std::filesystem::file_size(file));
}

TEST_CASE("ssh session: what a command says is kept up to a length, and the log says so") {
  HandlerWorld world;
  const auto ran = world.run({where(), "head -c 100000 /dev/zero | tr '\\0' a"});
  CHECK(ran.out.size() == 100000);
  CHECK(has(to_text(world.log->bytes), R"("event":"output_cut","action":"1","kept":"65536")"));
}

TEST_CASE("ssh session: a limit holds for all programs of a session together") {
  HandlerWorld world;
  world.policy.limits.bytes_per_session = 50'000;
  const auto ran = world.run({where(), "head -c 100000 /dev/zero | tr '\\0' a"});
  CHECK(ran.status == 77);
  CHECK(ran.out.size() <= 50'000);
  CHECK(has(ran.err, "the session's limit of 50000 bytes is reached"));
}

TEST_CASE("ssh session: where the record has no replies, it has no output and nothing typed") {
  for (const auto level : {access::RecordLevel::full, access::RecordLevel::summary}) {
    HandlerWorld world;
    world.policy.record = level;
    const auto ran = world.run({"-tt", where(), "head -n 1"}, "words\n");
    CHECK(ran.status == 0);
    const bool is_full = level == access::RecordLevel::full;
    CHECK(has(to_text(world.log->bytes), "words") == is_full);
    CHECK(has(to_text(world.log->bytes), R"("event":"typed")") == is_full);
  }
}

TEST_CASE("ssh session: a rule may say what runs, whatever is asked for") {
  const auto forced = [](HandlerWorld& world) {
    access::Rule menu = rule("menu", access::Effect::allow, {{"verb", {"shell", "exec"}}});
    menu.force_command = "echo menu; cat; exit 4";
    world.policy.rules = {
        menu, rule("rest", access::Effect::allow, {{"verb", {"env", "pty", "subsystem"}}})};
  };
  HandlerWorld shell;
  forced(shell);
  const auto ran = shell.run({where()}, "typed\n");
  CHECK(ran.status == 4);
  CHECK(ran.out == "menu\ntyped\n");
  CHECK(has(to_text(shell.log->bytes), R"("event":"forced_command")"));
  HandlerWorld exec;
  forced(exec);
  const auto file = exec.folder / "file";
  const auto other = exec.run({where(), "touch " + file});
  CHECK(other.status == 4);
  CHECK(other.out == "menu\n");
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("ssh session: a prompt comes through, and what is typed reaches the shell") {
  HandlerWorld world;
  const auto ran = world.run({where()}, "printf 'no end of line'; sleep 0.3; echo; exit 6\n");
  CHECK(ran.status == 6);
  CHECK(has(ran.out, "no end of line\n"));
}

TEST_CASE("ssh session: many bytes, with masks and without") {
  HandlerWorld world;
  const auto ran = world.run({where(), "yes 0123456789abcdef | head -c 4000000"});
  CHECK(ran.status == 0);
  CHECK(ran.out.size() == 4'000'000);
  const std::string record = world.record();
  CHECK(has(record, R"("bytes":4000000)"));
  // Of what was said the log keeps its part.
  CHECK(world.log->bytes.size() < 300'000);
}

TEST_CASE("ssh session: its end from outside reaches the user in words") {
  HandlerWorld world;
  const auto begun = std::chrono::steady_clock::now();
  const auto ran =
      world.run({where(), "echo begun; sleep 30"}, {}, std::chrono::milliseconds(1500));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(10));
  CHECK(ran.status == 255);
  CHECK(ran.out == "begun\n");
  CHECK(has(ran.err, "access was revoked by ops"));
  CHECK(has(world.record(), R"("status":"lost")"));
}

TEST_CASE("ssh session: a client that ignores the window is cut off, and little of it is held") {
  HandlerWorld world;
  // The command reads nothing: what is sent to it must not pile up anywhere.
  const auto ran =
      world.run({where(), "sleep 20"}, {}, {}, HOOP_SOURCE_DIR "/tests/support/ssh_flooder.py");
  INFO(ran.err);
  REQUIRE(ran.out != "all\n");
  // Sockets hold some of it, and the relay 4 MiB.
  CHECK(std::stoul(ran.out) < (32U << 20));
  CHECK(std::stoul(ran.out) > (1U << 20));
}

TEST_CASE("ssh session: a record that cannot be kept ends it before anything runs") {
  HandlerWorld world;
  world.open();
  world.log->fails = true;
  const auto file = world.folder / "file";
  const auto ran = world.run({where(), "touch " + file});
  CHECK(ran.status == 255);
  CHECK_FALSE(world.served);
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("ssh session: a host that is not the pinned one") {
  HandlerWorld world;
  test::SshServer other(to_line(public_key(world.authority.public_key())));
  world.open(&other);
  const auto ran = world.run({where(), "true"});
  CHECK(ran.status == 255);
  REQUIRE_FALSE(world.served);
  CHECK(world.served.error().code == ErrorCode::integrity);
}

}  // namespace hoop::ssh
