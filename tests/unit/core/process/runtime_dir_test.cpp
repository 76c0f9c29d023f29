// SPDX-License-Identifier: Apache-2.0
#include "core/process/runtime_dir.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace hoop;
using namespace hoop::process;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}
bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

TEST_CASE("the folder is 0700, its secrets 0600, and both go with the object") {
  const test::TempDir base;
  crypto::SystemRandom random;
  std::string path;
  {
    const ::mode_t before = ::umask(0);
    auto folder = RuntimeDir::create({base.path(), ""}, 20, random);
    REQUIRE(folder);
    path = folder->path();
    CHECK(path.starts_with(base.path() + "/hoopctl-"));
    CHECK(mode_of(path) == 0700);
    REQUIRE(folder->write_secret("pgpass", SecretText("secret")));
    CHECK(mode_of(folder->path_of("pgpass")) == 0600);
    CHECK(folder->write_secret("pgpass", SecretText("again")).error().code == ErrorCode::io);
    ::umask(before);
  }
  CHECK(!exists(path));
}

TEST_CASE("a base that others can write to, or that is too long, is passed over") {
  const test::TempDir base;
  crypto::SystemRandom random;
  const std::string open_to_all = base / "open", deep = base / std::string(90, 'd');
  std::filesystem::create_directory(open_to_all);
  std::filesystem::create_directory(deep);
  ::chmod(open_to_all.c_str(), 0777);
  ::chmod(deep.c_str(), 0700);
  for (const std::string& bad : {open_to_all, deep, base / "missing", std::string("relative")}) {
    const auto folder = RuntimeDir::create({bad, ""}, 20, random);
    REQUIRE(folder);
    CHECK(folder->path().starts_with("/tmp/hoopctl-" + std::to_string(::geteuid()) + "-"));
    CHECK(folder->path().size() + 1 + 20 <= 107);
  }
}

TEST_CASE("runs that begin side by side leave each other's folders alone") {
  const test::TempDir base;
  std::vector<pid_t> runs;
  for (int i = 0; i < 6; ++i) {
    const pid_t run = ::fork();
    if (run == 0) {
      crypto::SystemRandom random;
      for (int round = 0; round < 200; ++round) {
        const auto folder = RuntimeDir::create({base.path(), ""}, 20, random);
        if (!folder || !folder->path().starts_with(base.path())) ::_exit(1);
        if (!folder->write_secret("pgpass", SecretText("secret"))) ::_exit(2);
      }
      ::_exit(0);
    }
    runs.push_back(run);
  }
  for (const pid_t run : runs) {
    int status = -1;
    REQUIRE(::waitpid(run, &status, 0) == run);
    CHECK(status == 0);
  }
  CHECK(std::filesystem::is_empty(base.path()));
}

TEST_CASE("what a killed run left is removed, what a living one has is not") {
  const test::TempDir base;
  crypto::SystemRandom random;
  int report[2];
  REQUIRE(::pipe(report) == 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const auto folder = RuntimeDir::create({base.path(), ""}, 20, random);
    if (!folder || !folder->write_secret("pgpass", SecretText("secret"))) ::_exit(1);
    const std::string path = folder->path();
    if (::write(report[1], path.data(), path.size()) < 0) ::_exit(1);
    ::pause();
  }
  char name[256];
  const ssize_t count = ::read(report[0], name, sizeof name);
  REQUIRE(count > 0);
  const std::string left(name, static_cast<std::size_t>(count));
  CHECK(remove_stale_runtime_dirs(base.path()) == 0);
  CHECK(exists(left + "/pgpass"));
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  std::filesystem::create_directory(base /
                                    "hoopctl-notes");  // not one of ours by its name's length
  CHECK(remove_stale_runtime_dirs(base.path()) == 1);
  CHECK(!exists(left));
  CHECK(exists(base / "hoopctl-notes"));
  ::close(report[0]);
  ::close(report[1]);
}
