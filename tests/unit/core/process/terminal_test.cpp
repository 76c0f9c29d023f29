// SPDX-License-Identifier: Apache-2.0
// The supervisor on a real terminal: a pseudo-terminal whose other end is the test.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>

#include "core/process/supervisor.h"
#include "tests/support/catch.h"

using namespace hoop;
using namespace hoop::process;

namespace {

/// The keyboard and the screen.
struct Screen {
  int master = -1;
  pid_t leader = 0;
  std::string seen;

  ~Screen() {
    if (leader > 0) {
      ::kill(leader, SIGKILL);
      ::waitpid(leader, nullptr, 0);
    }
    ::close(master);
  }
  /// Reads until text appears; false after ten seconds.
  bool shows(const std::string& text) {
    for (int i = 0; i < 1000; ++i) {
      if (seen.find(text) != std::string::npos) {
        seen.erase(0, seen.find(text) + text.size());
        return true;
      }
      pollfd wait{master, POLLIN, 0};
      if (::poll(&wait, 1, 10) <= 0) continue;
      char chunk[1024];
      const ssize_t count = ::read(master, chunk, sizeof chunk);
      if (count > 0) seen.append(chunk, static_cast<std::size_t>(count));
      if (count <= 0) ::usleep(10000);
    }
    UNSCOPED_INFO("on the screen: " << seen);
    return false;
  }
  void type(const std::string& keys) const {
    CHECK(::write(master, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }
};

void say(const std::string& line) {
  const std::string text = line + "\r\n";
  if (::write(1, text.data(), text.size()) < 0) ::_exit(9);
}

/// What hoopctl does, told on the screen.
int supervise(const std::string& script) {
  asio::io_context context;
  Supervisor supervisor(context.get_executor(), {});
  if (!supervisor.start({{"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, {}})) return 99;
  int status = -1;
  asio::co_spawn(context, supervisor.wait(), [&](std::exception_ptr, Result<ProgramEnd> end) {
    status = end->status;
    context.stop();
  });
  context.run();
  say(::tcgetpgrp(0) == ::getpgrp() ? "terminal is ours" : "terminal is lost");
  termios modes{};
  ::tcgetattr(0, &modes);
  say((modes.c_lflag & ICANON) != 0 ? "modes are good" : "modes are raw");
  say("status " + std::to_string(status));
  return status;
}

/// hoopctl as a session leader: its group is orphaned, nobody does job control.
void open(Screen& screen, const std::string& script) {
  screen.leader = ::forkpty(&screen.master, nullptr, nullptr, nullptr);
  REQUIRE(screen.leader >= 0);
  if (screen.leader == 0) ::_exit(supervise(script));
}

/// hoopctl as a job of a shell that waits for it, tells of its stop, and brings it back when the
/// test types a line.
void open_under_shell(Screen& screen, const std::string& script) {
  screen.leader = ::forkpty(&screen.master, nullptr, nullptr, nullptr);
  REQUIRE(screen.leader >= 0);
  if (screen.leader != 0) return;
  std::signal(SIGTTOU, SIG_IGN);
  const pid_t job = ::fork();
  if (job == 0) {
    std::signal(SIGTTOU, SIG_DFL);
    ::setpgid(0, 0);
    while (::tcgetpgrp(0) != ::getpgrp()) ::usleep(1000);
    ::_exit(supervise(script));
  }
  ::setpgid(job, job);
  ::tcsetpgrp(0, job);
  int status = 0;
  while (::waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status)) {
    ::tcsetpgrp(0, ::getpgrp());
    say("job stopped");
    char key = 0;
    if (::read(0, &key, 1) != 1) ::_exit(9);
    ::tcsetpgrp(0, job);
    ::kill(-job, SIGCONT);
  }
  ::tcsetpgrp(0, ::getpgrp());
  say("job ended");
  ::_exit(0);
}

}  // namespace

TEST_CASE("the program leads the group in front of the terminal") {
  Screen screen;
  open(screen,
       "ps -o pgid=,tpgid= -p $$ | { read a b; [ $a = $b ] && echo in front; }; read word; echo "
       "got $word");
  CHECK(screen.shows("in front"));
  screen.type("hello\n");
  CHECK(screen.shows("got hello"));
  CHECK(screen.shows("terminal is ours"));
  CHECK(screen.shows("status 0"));
}

TEST_CASE("Ctrl-C reaches the program and not hoopctl") {
  Screen screen;
  open(screen,
       "trap 'echo cancelled' INT; echo ready; for i in 1 2 3 4 5 6; do sleep 0.5; done; trap - "
       "INT; echo again; exec sleep 50");
  REQUIRE(screen.shows("ready"));
  screen.type("\x03");
  CHECK(screen.shows("cancelled"));
  REQUIRE(screen.shows("again"));
  ::usleep(200000);  // dash loses a SIGINT that comes while it starts a command
  screen.type("\x03");
  CHECK(screen.shows("terminal is ours"));
  CHECK(screen.shows("status 130"));
}

TEST_CASE("a program that is killed in raw mode leaves a usable terminal") {
  Screen screen;
  open(screen, "stty raw -echo; kill -9 $$");
  CHECK(screen.shows("terminal is ours"));
  CHECK(screen.shows("modes are good"));
  CHECK(screen.shows("status 137"));
}

TEST_CASE("Ctrl-Z stops hoopctl too, and fg continues both") {
  Screen screen;
  open_under_shell(screen, "echo ready; read word; echo got $word; exit 5");
  REQUIRE(screen.shows("ready"));
  screen.type("\x1a");
  REQUIRE(screen.shows("job stopped"));
  screen.type("\n");
  ::usleep(300000);
  screen.type("more\n");
  CHECK(screen.shows("got more"));
  CHECK(screen.shows("status 5"));
  CHECK(screen.shows("job ended"));
}

TEST_CASE("Ctrl-Z where nobody does job control does not hang the session") {
  Screen screen;
  open(screen, "echo ready; read word; echo got $word");
  REQUIRE(screen.shows("ready"));
  screen.type("\x1a");
  ::usleep(600000);
  screen.type("more\n");
  CHECK(screen.shows("got more"));
  CHECK(screen.shows("status 0"));
}

TEST_CASE("a change of the window's size reaches the program") {
  Screen screen;
  open(screen, "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.1; done");
  REQUIRE(screen.shows("ready"));
  const winsize size{33, 77, 0, 0};
  REQUIRE(::ioctl(screen.master, TIOCSWINSZ, &size) == 0);
  CHECK(screen.shows("33 77"));
  CHECK(screen.shows("status 0"));
}
