// SPDX-License-Identifier: Apache-2.0
// One pass over text that finds where structured data may stand: every '@', and digits in the shape
// of a card, a telephone number and the like. Sixteen bytes at a time where the processor has SSE2.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hoop::mask {

enum class Feature : std::uint8_t {
  at_sign,
  long_digits,
  dashed_digits,
  account,         // two capital letters and two digits, none before
  plus,            // '+' before a digit
  american_phone,  // ddd-ddd-dddd, ddd.ddd.dddd or ddd)
  dotted,          // a dot between digits, and another after up to three of them
  colon,           // near what makes an address of colons and digits
};

struct Candidate {
  std::uint32_t offset = 0;
  Feature feature = Feature::at_sign;
};

class FeatureFinder {
 public:
  /// What is looked for: what is not wanted costs nothing.
  struct Wanted {
    bool at_signs = false;
    bool digits = false;  // long and dashed ones
    bool accounts = false;
    bool phones = false;
    bool addresses = false;  // dotted, colon
    bool any() const { return at_signs || digits || accounts || phones || addresses; }
  };
  /// Appends candidates by offset within each feature. long_digits: where twelve or more digits
  /// with single separators go on; several candidates may lie in one run. dashed_digits: where
  /// ddd-dd-dddd begins. text is at most 4 GiB - 1.
  static void find(std::string_view text, const Wanted& wanted, std::vector<Candidate>& candidates);

 private:
  struct Masks {
    std::uint64_t at = 0;
    std::uint64_t digit = 0;
    std::uint64_t dash = 0;
    std::uint64_t blank = 0;
    std::uint64_t upper = 0;
    std::uint64_t plus = 0;
    std::uint64_t dot = 0;
    std::uint64_t close = 0;  // ')'
    std::uint64_t colon = 0;
  };
  static Masks classify(const char* block, const Wanted& wanted);
  class Block;
};

}  // namespace hoop::mask
