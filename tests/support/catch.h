// SPDX-License-Identifier: Apache-2.0
// One include for tests that builds with Catch2 2.13 and 3.
#pragma once
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
namespace Catch::Matchers {
inline auto ContainsSubstring(const std::string& text) { return Contains(text); }
}  // namespace Catch::Matchers
#endif

namespace hoop::test {

/// The code of a Result that must have failed.
auto code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

}  // namespace hoop::test
