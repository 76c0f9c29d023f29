// SPDX-License-Identifier: Apache-2.0
#include "cmd/approval_wait.h"

#include "core/crypto/digest.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

using namespace hoop;
using namespace hoop::cmd;
using namespace std::chrono_literals;

namespace {

constexpr Terminals kPerson{true, true, true};

Result<std::chrono::seconds> wait_of(std::map<std::string, std::string> variables,
                                     Terminals terminals,
                                     const std::optional<std::string>& option = std::nullopt) {
  const test::FakeClock clock;
  crypto::SystemRandom random;
  const Environment environment(clock, random, std::move(variables), terminals);
  return approval_wait(environment, option);
}

}  // namespace

TEST_CASE("a wait is a duration or a number of seconds, of an hour at most") {
  CHECK(read_wait("--wait", "45s") == 45s);
  CHECK(read_wait("--wait", "10m") == 10min);
  CHECK(read_wait("--wait", "1h") == 1h);
  CHECK(read_wait("--wait", "0") == 0s);
  CHECK(read_wait("--wait", "100") == 100s);
  for (const char* text :
       {"", "soon", "-1", "1.5m", "61m", "3601", "1d", "99999999999999999999", "10m ", "s"}) {
    INFO(text);
    const auto wait = read_wait("HOOPCTL_WAIT", text);
    REQUIRE_FALSE(wait);
    CHECK(wait.error().code == ErrorCode::usage);
    CHECK(wait.error().message.starts_with("HOOPCTL_WAIT "));
  }
}

TEST_CASE("without a word about it an agent waits shortly, people and CI wait long") {
  CHECK(wait_of({}, kPerson) == 15min);
  CHECK(wait_of({}, Terminals{}) == 45s);
  CHECK(wait_of({}, Terminals{false, true, true}) == 45s);
  CHECK(wait_of({{"CI", "true"}}, Terminals{}) == 15min);
  CHECK(wait_of({{"CLAUDECODE", "1"}}, kPerson) == 45s);
  CHECK(wait_of({{"CI", "true"}, {"CLAUDECODE", "1"}}, Terminals{}) == 45s);
}

TEST_CASE("the option counts before the variable") {
  CHECK(wait_of({{"HOOPCTL_WAIT", "2m"}}, kPerson) == 2min);
  CHECK(wait_of({{"HOOPCTL_WAIT", "2m"}, {"CLAUDECODE", "1"}}, kPerson, "0") == 0s);
  CHECK(wait_of({{"HOOPCTL_WAIT", "soon"}}, kPerson, "5s") == 5s);
  CHECK(wait_of({{"HOOPCTL_WAIT", "soon"}}, kPerson).error().code == ErrorCode::usage);
}
