// SPDX-License-Identifier: Apache-2.0
#include "core/process/call_filter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "tests/support/catch.h"

namespace hoop::process {
namespace {

/// What call answers in a process that is confined: its errno, or 0.
int confined(const std::function<bool()>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (!confine_to_open_descriptors()) ::_exit(200);
    errno = 0;
    ::_exit(call() ? 0 : errno);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 201;
}

}  // namespace

TEST_CASE("call filter: a confined process moves bytes, and does nothing else") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  CHECK(confined([&] { return ::write(ends[0], "x", 1) == 1; }) == 0);
  char byte = 0;
  CHECK(confined([&] { return ::read(ends[1], &byte, 1) == 1; }) == 0);
  CHECK(confined([] { return ::malloc(64U << 20) != nullptr; }) == 0);

  CHECK(confined([] { return ::open("/etc/passwd", O_RDONLY) >= 0; }) == EPERM);
  CHECK(confined([] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }) == EPERM);
  CHECK(confined([] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }) == EPERM);
  CHECK(confined([] { return ::fork() >= 0; }) == EPERM);
  CHECK(confined([] { return ::execl("/bin/true", "true", nullptr) == 0; }) == EPERM);
  CHECK(confined([] { return ::kill(::getppid(), 0) == 0; }) == EPERM);
  CHECK(confined([] { return ::unlink("/nothing") == 0; }) == EPERM);
  CHECK(confined([] {
          return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
        }) == EPERM);
  static char page[8192];
  CHECK(confined([] {
          const auto start =
              (reinterpret_cast<std::uintptr_t>(page) + 4095) & ~std::uintptr_t{4095};
          return ::mprotect(reinterpret_cast<void*>(start), 4096, PROT_READ | PROT_EXEC) == 0;
        }) == EPERM);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace hoop::process
