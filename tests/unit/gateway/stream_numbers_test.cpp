// SPDX-License-Identifier: Apache-2.0
#include "gateway/stream_numbers.h"

#include <set>

#include "tests/support/catch.h"

using hoop::gateway::StreamNumbers;

TEST_CASE("stream numbers: each is fresh once") {
  StreamNumbers numbers;
  CHECK_FALSE(numbers.is_fresh(0));
  CHECK_FALSE(numbers.is_fresh(StreamNumbers::kHighest + 1));
  for (const std::uint64_t number : {5UL, 3UL, 4UL, 1UL, 2UL, 1000UL, 6UL}) {
    CHECK(numbers.is_fresh(number));
    numbers.use(number);
    CHECK_FALSE(numbers.is_fresh(number));
  }
  CHECK(numbers.is_fresh(7));
  CHECK(numbers.is_fresh(999));
}

TEST_CASE("stream numbers: what lies behind the window counts as used") {
  constexpr std::uint64_t w = StreamNumbers::kWindow;
  StreamNumbers numbers;
  numbers.use(2);
  numbers.use(w + 1);
  CHECK_FALSE(numbers.is_fresh(1));
  CHECK_FALSE(numbers.is_fresh(2));
  CHECK(numbers.is_fresh(3));
  CHECK(numbers.is_fresh(w + 2));
  numbers.use(StreamNumbers::kHighest);
  CHECK_FALSE(numbers.is_fresh(w + 2));
  CHECK(numbers.is_fresh(StreamNumbers::kHighest - 1));
  CHECK_FALSE(numbers.is_fresh(StreamNumbers::kHighest - w));
}

TEST_CASE("stream numbers: never twice, whatever the order") {
  StreamNumbers numbers;
  std::set<std::uint64_t> used;
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const std::uint64_t number = 1 + static_cast<std::uint64_t>(i) / 4 + (state >> 33) % 1500;
    if (!numbers.is_fresh(number)) continue;
    REQUIRE(used.insert(number).second);
    numbers.use(number);
  }
}
