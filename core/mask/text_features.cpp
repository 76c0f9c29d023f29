// SPDX-License-Identifier: Apache-2.0
#include "core/mask/text_features.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hoop::mask {
namespace {

constexpr std::size_t kBlock = 64;

/// Bit i of the answer is bit i + count of the text's bit string, of which low is this block's part
/// and high the next one's.
std::uint64_t ahead(std::uint64_t low, std::uint64_t high, unsigned count) {
  return low >> count | high << (64 - count);
}

}  // namespace

#if defined(__SSE2__)
FeatureFinder::Masks FeatureFinder::classify(const char* block) {
  Masks masks;
  for (unsigned part = 0; part < 4; ++part) {
    __m128i bytes;
    std::memcpy(&bytes, block + part * sizeof(bytes), sizeof(bytes));
    const auto bits = [&](__m128i equal) {
      return static_cast<std::uint64_t>(static_cast<std::uint32_t>(_mm_movemask_epi8(equal)))
             << (16 * part);
    };
    const __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    masks.digit |= bits(_mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero));
    masks.at |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('@')));
    masks.dash |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('-')));
    masks.blank |= bits(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')));
  }
  return masks;
}
#else
FeatureFinder::Masks FeatureFinder::classify(const char* block) {
  Masks masks;
  for (unsigned i = 0; i < kBlock; ++i) {
    const char c = block[i];
    masks.digit |= static_cast<std::uint64_t>(c >= '0' && c <= '9') << i;
    masks.at |= static_cast<std::uint64_t>(c == '@') << i;
    masks.dash |= static_cast<std::uint64_t>(c == '-') << i;
    masks.blank |= static_cast<std::uint64_t>(c == ' ') << i;
  }
  return masks;
}
#endif

void FeatureFinder::find(std::string_view text, std::vector<Candidate>& candidates) {
  const std::size_t whole = text.size() / kBlock;
  // One empty block after the last, so that looking ahead needs no test.
  blocks_.resize(whole + 2);
  for (std::size_t i = 0; i < whole; ++i) blocks_[i] = classify(text.data() + i * kBlock);
  std::array<char, kBlock> tail{};
  std::ranges::copy(text.substr(whole * kBlock), tail.begin());
  blocks_[whole] = classify(tail.data());
  blocks_[whole + 1] = {};

  std::uint64_t digit_before = 0;  // bit 0: the character before the block is a digit
  for (std::size_t i = 0; i <= whole; ++i) {
    const Masks& here = blocks_[i];
    const Masks& next = blocks_[i + 1];
    const auto report = [&](std::uint64_t bits, Feature feature) {
      for (; bits != 0; bits &= bits - 1) {
        candidates.push_back(
            {static_cast<std::uint32_t>(i * kBlock + static_cast<unsigned>(std::countr_zero(bits))),
             feature});
      }
    };
    if (here.at != 0) report(here.at, Feature::at_sign);
    if (here.digit == 0) {
      digit_before = 0;
      continue;
    }
    // Digits, and separators between two digits. The next block's first separator may need its own
    // neighbours: next_joined takes the digit before it from here, and what stands beyond it on
    // trust, which costs at most a needless look.
    const std::uint64_t joined =
        here.digit | ((here.dash | here.blank) & (here.digit << 1 | digit_before) &
                      ahead(here.digit, next.digit, 1));
    const std::uint64_t next_joined =
        next.digit | ((next.dash | next.blank) & (next.digit << 1 | here.digit >> 63));
    std::uint64_t low = joined;
    std::uint64_t high = next_joined;
    for (const unsigned count : {1U, 2U, 4U, 4U}) {  // 2, 4, 8, then 12 in a row
      low &= ahead(low, high, count);
      high &= high >> count;  // only its first bits are asked for, and they are right
    }
    low &= here.digit & ~(here.digit << 1 | digit_before);  // a number starts a group
    if (low != 0) report(low, Feature::long_digits);
    if ((here.dash | next.dash) != 0) {
      std::uint64_t ssn =
          here.digit & ahead(here.dash, next.dash, 3) & ahead(here.dash, next.dash, 6);
      for (const unsigned count : {1U, 2U, 4U, 5U, 7U, 8U, 9U, 10U})
        ssn &= ahead(here.digit, next.digit, count);
      if (ssn != 0) report(ssn, Feature::dashed_digits);
    }
    digit_before = here.digit >> 63;
  }
}

}  // namespace hoop::mask
