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
FeatureFinder::Masks FeatureFinder::classify(const char* block, const Wanted& wanted) {
  __m128i parts[4];
  std::memcpy(parts, block, sizeof(parts));
  const auto mask = [&](auto matches) {
    const auto bits = [&](unsigned part) {
      return static_cast<std::uint64_t>(
                 static_cast<std::uint32_t>(_mm_movemask_epi8(matches(parts[part]))))
             << (16 * part);
    };
    return bits(0) | bits(1) | bits(2) | bits(3);
  };
  const auto is = [&](char c) {
    const __m128i wide = _mm_set1_epi8(c);
    return mask([wide](__m128i bytes) { return _mm_cmpeq_epi8(bytes, wide); });
  };
  const auto within = [&](char first, char last) {
    const __m128i base = _mm_set1_epi8(first);
    const __m128i most = _mm_set1_epi8(static_cast<char>(last - first));
    return mask([base, most](__m128i bytes) {
      const __m128i from_first = _mm_sub_epi8(bytes, base);
      return _mm_cmpeq_epi8(_mm_min_epu8(from_first, most), from_first);
    });
  };
  Masks masks;
  masks.digit = within('0', '9');
  if (wanted.at_signs) masks.at = is('@');
  if (wanted.digits) masks.blank = is(' ');
  if (wanted.digits || wanted.phones) masks.dash = is('-');
  if (wanted.accounts) masks.upper = within('A', 'Z');
  if (wanted.phones) masks.plus = is('+');
  if (wanted.phones) masks.close = is(')');
  if (wanted.phones || wanted.addresses) masks.dot = is('.');
  if (wanted.addresses) masks.colon = is(':');
  return masks;
}
#else
FeatureFinder::Masks FeatureFinder::classify(const char* block, const Wanted& wanted) {
  Masks masks;
  for (unsigned i = 0; i < kBlock; ++i) {
    const auto within = [&](char first, char last) {
      return static_cast<std::uint64_t>(block[i] >= first && block[i] <= last) << i;
    };
    masks.digit |= within('0', '9');
    masks.dash |= within('-', '-');
    masks.blank |= within(' ', ' ');
    masks.dot |= within('.', '.');
    if (wanted.at_signs) masks.at |= within('@', '@');
    if (wanted.accounts) masks.upper |= within('A', 'Z');
    if (wanted.phones) masks.plus |= within('+', '+');
    if (wanted.phones) masks.close |= within(')', ')');
    if (wanted.addresses) masks.colon |= within(':', ':');
  }
  return masks;
}
#endif

/// A block between its neighbours. What it answers are bits of the block: where a candidate stands.
class FeatureFinder::Block {
 public:
  Block(const Masks& before, const Masks& here, const Masks& next)
      : before_(before), here_(here), next_(next) {}

  std::uint64_t long_digits() const {
    // Digits, and separators between two digits. The next block's first separator may need its own
    // neighbours: next_joined takes the digit before it from here, and what stands beyond it on
    // trust, which costs at most a needless look.
    std::uint64_t low =
        here_.digit | ((here_.dash | here_.blank) & behind(&Masks::digit) & digits<1>());
    std::uint64_t high =
        next_.digit | ((next_.dash | next_.blank) & (next_.digit << 1 | here_.digit >> 63));
    for (const unsigned count : {1U, 2U, 4U, 4U}) {  // 2, 4, 8, then 12 in a row
      low &= ahead(low, high, count);
      high &= high >> count;  // only its first bits are asked for, and they are right
    }
    return low & here_.digit & ~behind(&Masks::digit);  // a number starts a group
  }
  std::uint64_t dashed_digits() const {
    const std::uint64_t dashes = at(&Masks::dash, 3) & at(&Masks::dash, 6);
    if (dashes == 0) return 0;
    return here_.digit & dashes & digits<1, 2, 4, 5, 7, 8, 9, 10>();
  }
  std::uint64_t accounts() const {
    return here_.upper & at(&Masks::upper, 1) & digits<2, 3>() &
           ~(behind(&Masks::upper) | behind(&Masks::digit));
  }
  std::uint64_t pluses() const { return here_.plus & digits<1>(); }
  std::uint64_t american_phones() const {
    const std::uint64_t area = here_.digit & digits<1, 2>() & ~behind(&Masks::digit);
    if (area == 0) return 0;
    const std::uint64_t same =
        (at(&Masks::dash, 3) & at(&Masks::dash, 7)) | (at(&Masks::dot, 3) & at(&Masks::dot, 7));
    return area & (at(&Masks::close, 3) | (same & digits<4, 5, 6, 8, 9, 10, 11>()));
  }
  std::uint64_t dotted() const {
    const std::uint64_t second = at(&Masks::dot, 2) | (digits<2>() & at(&Masks::dot, 3)) |
                                 (digits<2, 3>() & at(&Masks::dot, 4));
    return here_.dot & behind(&Masks::digit) & digits<1>() & second;
  }
  std::uint64_t colons() const {
    // An address leaves something out or has seven of them, and is at most 45 characters long: a
    // time of day is neither.
    const bool doubled =
        (here_.colon & at(&Masks::colon, 1)) != 0 || (next_.colon & next_.colon >> 1) != 0;
    const bool seven = std::popcount(here_.colon) + std::popcount(next_.colon) >= 7;
    return doubled || seven ? here_.colon : 0;
  }

 private:
  std::uint64_t at(std::uint64_t Masks::* mask, unsigned count) const {
    return ahead(here_.*mask, next_.*mask, count);
  }
  std::uint64_t behind(std::uint64_t Masks::* mask) const {
    return here_.*mask << 1 | before_.*mask >> 63;
  }
  template <unsigned... kCounts>
  std::uint64_t digits() const {
    return (at(&Masks::digit, kCounts) & ...);
  }
  const Masks& before_;
  const Masks& here_;
  const Masks& next_;
};

void FeatureFinder::find(std::string_view text, const Wanted& wanted,
                         std::vector<Candidate>& candidates) {
  const std::size_t whole = text.size() / kBlock;
  const auto classify_at = [&](std::size_t block) {
    if (block < whole) return classify(text.data() + block * kBlock, wanted);
    if (block > whole) return Masks{};
    std::array<char, kBlock> tail{};
    std::ranges::copy(text.substr(whole * kBlock), tail.begin());
    return classify(tail.data(), wanted);
  };
  // Empty before the first and after the last, so that looking aside needs no test.
  Masks before, here = classify_at(0), next;
  for (std::size_t i = 0; i <= whole; ++i, before = here, here = next) {
    next = classify_at(i + 1);
    const auto report = [&](std::uint64_t bits, Feature feature) {
      for (; bits != 0; bits &= bits - 1) {
        candidates.push_back(
            {static_cast<std::uint32_t>(i * kBlock + static_cast<unsigned>(std::countr_zero(bits))),
             feature});
      }
    };
    const Block block(before, here, next);
    if (here.at != 0) report(here.at, Feature::at_sign);
    if (here.plus != 0) report(block.pluses(), Feature::plus);
    if (here.upper != 0) report(block.accounts(), Feature::account);
    if (here.colon != 0) report(block.colons(), Feature::colon);
    if (wanted.addresses && here.dot != 0) report(block.dotted(), Feature::dotted);
    if (here.digit == 0) continue;
    if (wanted.digits) {
      report(block.long_digits(), Feature::long_digits);
      report(block.dashed_digits(), Feature::dashed_digits);
    }
    if (wanted.phones) report(block.american_phones(), Feature::american_phone);
  }
}

}  // namespace hoop::mask
