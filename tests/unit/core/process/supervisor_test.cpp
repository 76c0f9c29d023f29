// SPDX-License-Identifier: Apache-2.0
#include "core/process/supervisor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::process;
using namespace std::chrono_literals;

namespace {

Program program(std::vector<std::string> words) {
  return {std::move(words), {"PATH=/usr/bin:/bin"}, {}};
}
Program shell(const std::string& script) { return program({"sh", "-c", script}); }

/// The supervisor goes on watching signals after the program's end, so the context would never run
/// dry.
Result<ProgramEnd> wait_for(asio::io_context& context, Supervisor& supervisor) {
  Result<ProgramEnd> out = fail(ErrorCode::timeout, "the program has not ended");
  asio::co_spawn(context, supervisor.wait(), [&](std::exception_ptr, Result<ProgramEnd> end) {
    out = std::move(end);
    context.stop();
  });
  context.run_for(30s);
  return out;
}

Result<ProgramEnd> run(const Program& what, SupervisorSettings settings = {}) {
  asio::io_context context;
  Supervisor supervisor(context.get_executor(), settings);
  HOOP_CHECK(supervisor.start(what));
  return wait_for(context, supervisor);
}

bool is_gone(pid_t pid) {
  for (int i = 0; i < 100; ++i) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    if (!std::getline(stat, text) || text.find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

}  // namespace

TEST_CASE("every exit status passes through") {
  asio::io_context context;
  std::vector<std::unique_ptr<Supervisor>> all;
  int done = 0;
  for (int status = 0; status < 256; ++status) {
    auto& supervisor = all.emplace_back(
        std::make_unique<Supervisor>(context.get_executor(), SupervisorSettings{}));
    REQUIRE(supervisor->start(shell("exit " + std::to_string(status))));
    asio::co_spawn(context, supervisor->wait(),
                   [&done, &context, status](std::exception_ptr, Result<ProgramEnd> end) {
                     CHECK(end);
                     CHECK(end->status == status);
                     CHECK(!end->signal);
                     if (++done == 256) context.stop();
                   });
  }
  context.run_for(60s);
  CHECK(done == 256);
}

TEST_CASE("a program that a signal ended has status 128+N") {
  for (const int signal : {SIGTERM, SIGKILL, SIGSEGV, SIGINT, SIGPIPE, SIGHUP}) {
    const auto end = run(shell("kill -" + std::to_string(signal) + " $$"));
    REQUIRE(end);
    CHECK(end->status == 128 + signal);
    CHECK(end->signal == signal);
  }
}

TEST_CASE("a program that cannot run says why") {
  const test::TempDir folder;
  CHECK(run(program({"no-such-program-anywhere"})).error().code == ErrorCode::not_found);
  CHECK(run(program({folder / "nothing"})).error().code == ErrorCode::not_found);
  CHECK(run(program({folder.path()})).error().code == ErrorCode::unsupported);
  std::ofstream(folder / "plain") << "data";
  CHECK(run(program({folder / "plain"})).error().code == ErrorCode::unsupported);
  // In PATH, a file that cannot be executed does not hide a later one that can.
  std::filesystem::create_directory(folder / "a");
  std::filesystem::create_directory(folder / "b");
  std::ofstream(folder / "a/tool") << "exit 1";
  std::ofstream(folder / "b/tool") << "exit 7";  // no "#!": a shell runs it, as execvp would
  ::chmod((folder / "b/tool").c_str(), 0755);
  const auto end = run({{"tool"}, {"PATH=" + (folder / "a") + ":" + (folder / "b")}, {}});
  REQUIRE(end);
  CHECK(end->status == 7);
}

TEST_CASE("a background child of the program does not keep hoopctl") {
  const auto before = std::chrono::steady_clock::now();
  const auto end = run(shell("sleep 3 & exit 3"), {.orphans = SupervisorSettings::Orphans::ours});
  REQUIRE(end);
  CHECK(end->status == 3);
  CHECK(std::chrono::steady_clock::now() - before < 2s);
}

TEST_CASE("fifty programs at once") {
  asio::io_context context;
  std::vector<std::unique_ptr<Supervisor>> all;
  int done = 0;
  for (int i = 0; i < 50; ++i) {
    auto& supervisor = all.emplace_back(
        std::make_unique<Supervisor>(context.get_executor(), SupervisorSettings{}));
    REQUIRE(supervisor->start(shell("sleep 0.2; kill -9 $$")));
    asio::co_spawn(context, supervisor->wait(), [&](std::exception_ptr, Result<ProgramEnd> end) {
      CHECK(end->status == 137);
      if (++done == 50) context.stop();
    });
  }
  context.run_for(30s);
  CHECK(done == 50);
}

TEST_CASE("SIGTERM, SIGHUP, SIGINT and SIGQUIT to hoopctl reach the program") {
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGQUIT}) {
    const test::TempDir folder;
    asio::io_context context;
    Supervisor supervisor(context.get_executor(), {});
    const std::string ready = folder / "ready";
    REQUIRE(supervisor.start(shell("trap 'exit 42' TERM HUP INT QUIT; : >'" + ready +
                                   "'; while :; do sleep 0.05; done")));
    while (::access(ready.c_str(), F_OK) != 0) std::this_thread::sleep_for(5ms);
    ::kill(::getpid(), signal);
    const auto end = wait_for(context, supervisor);
    REQUIRE(end);
    CHECK(end->status == 42);
    CHECK(end->forwarded == signal);
  }
}

TEST_CASE("the program has default signals, no descriptor of ours, and those it was given") {
  const test::TempDir folder;
  std::ofstream(folder / "given") << "";
  std::signal(SIGPIPE, SIG_IGN);
  const int ours =
      ::open(folder.path().c_str(), O_RDONLY);  // no O_CLOEXEC: like a socket that a library made
  const int given = ::open((folder / "given").c_str(), O_RDONLY);
  auto what = shell("ls -l /proc/self/fd | sed -n 's/.* -> //p' >" + (folder / "list") +
                    "; grep SigIgn /proc/self/status >" + (folder / "signals"));
  what.descriptors = {given};
  REQUIRE(run(what)->status == 0);
  ::close(ours);
  ::close(given);
  std::ifstream list(folder / "list");
  const std::string text((std::istreambuf_iterator<char>(list)), {});
  CHECK(text.find(folder / "given") != std::string::npos);
  CHECK(text.find(folder.path() + "\n") == std::string::npos);
  std::ifstream signals(folder / "signals");
  std::string name, ignored;
  signals >> name >> ignored;
  const auto mask = std::stoull(ignored, nullptr, 16);
  CHECK((mask & (1ULL << (SIGPIPE - 1))) == 0);
  CHECK((mask & (1ULL << (SIGTTOU - 1))) == 0);
}

TEST_CASE("the program dies with hoopctl") {
  int report[2];
  REQUIRE(::pipe(report) == 0);
  const pid_t hoopctl = ::fork();
  if (hoopctl == 0) {
    asio::io_context context;
    Supervisor supervisor(context.get_executor(), {});
    if (!supervisor.start(program({"sleep", "100"}))) ::_exit(1);
    const pid_t pid = *supervisor.pid();
    if (::write(report[1], &pid, sizeof pid) != sizeof pid) ::_exit(1);
    ::kill(::getpid(), SIGKILL);
  }
  pid_t pid = 0;
  REQUIRE(::read(report[0], &pid, sizeof pid) == sizeof pid);
  ::waitpid(hoopctl, nullptr, 0);
  CHECK(is_gone(pid));
  ::close(report[0]);
  ::close(report[1]);
}

TEST_CASE("off a terminal the program is ended when our parent dies") {
  int report[2];
  REQUIRE(::pipe(report) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    if (::fork() != 0) {
      std::this_thread::sleep_for(300ms);
      ::_exit(0);
    }
    const auto end = run(program({"sleep", "100"}),
                         {.parent_death = SupervisorSettings::ParentDeath::ends_program});
    const int answer[2] = {end ? end->status : -1, end ? static_cast<int>(end->cause) : -1};
    ::_exit(::write(report[1], answer, sizeof answer) == sizeof answer ? 0 : 1);
  }
  int answer[2] = {0, 0};
  REQUIRE(::read(report[0], answer, sizeof answer) == sizeof answer);
  ::waitpid(parent, nullptr, 0);
  CHECK(answer[0] == 128 + SIGTERM);
  CHECK(answer[1] == static_cast<int>(ProgramEnd::Cause::parent_died));
  ::close(report[0]);
  ::close(report[1]);
}

TEST_CASE("end() ends the program") {
  asio::io_context context;
  Supervisor supervisor(context.get_executor(), {});
  REQUIRE(supervisor.start(program({"sleep", "100"})));
  supervisor.end();
  const auto end = wait_for(context, supervisor);
  REQUIRE(end);
  CHECK(end->status == 143);
  CHECK(end->cause == ProgramEnd::Cause::ended);
  CHECK(!supervisor.pid());
}
