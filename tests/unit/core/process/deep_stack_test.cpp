// SPDX-License-Identifier: Apache-2.0
#include "core/process/deep_stack.h"

#include <sys/resource.h>

#include <stdexcept>

#include "tests/support/catch.h"

using hoop::process::run_on_deep_stack;

namespace {

// Uses about a kilobyte of stack a level; volatile keeps the compiler from turning it into a loop.
int descend(int levels) {
  volatile char frame[1024];
  frame[0] = static_cast<char>(levels);
  if (levels == 0) return 0;
  return descend(levels - 1) + (frame[0] == static_cast<char>(levels) ? 1 : 0);
}

}  // namespace

TEST_CASE("a deep stack holds a hundred thousand levels that the ordinary one does not") {
  CHECK(run_on_deep_stack([] { return descend(100'000); }) == 100'000);
}

TEST_CASE("a deep stack answers the value and passes an exception on") {
  CHECK(run_on_deep_stack([] { return 77; }) == 77);
  CHECK_THROWS_AS(run_on_deep_stack([]() -> int { throw std::runtime_error("no"); }),
                  std::runtime_error);
}

TEST_CASE("a deep stack commits only what is touched") {
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 20; ++i) CHECK(run_on_deep_stack([] { return descend(8); }) == 8);
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  // An earlier test may have raised the peak already; what must not happen is that it rises by
  // whole stacks (262,144 KiB).
  CHECK(after.ru_maxrss - before.ru_maxrss < 16'384);
}
