// SPDX-License-Identifier: Apache-2.0
#include "core/mask/field_matcher.h"

#include <algorithm>

#include "core/mask/strictness.h"

namespace hoop::mask {
namespace {

using access::FieldStep;
constexpr std::size_t kBits = 64;

void set_bit(std::span<std::uint64_t> words, std::size_t bit) {
  words[bit / kBits] |= std::uint64_t{1} << bit % kBits;
}

bool has_bit(std::span<const std::uint64_t> words, std::size_t bit) {
  return (words[bit / kBits] >> bit % kBits & 1) != 0;
}

}  // namespace

Result<FieldMatcher> FieldMatcher::create(const std::vector<access::Mask>& masks) {
  FieldMatcher out;
  std::vector<std::vector<FieldStep>> paths;
  std::size_t bits = 0;
  for (const access::Mask& mask : masks) {
    for (const std::string& field : mask.fields) {
      auto steps = access::parse_field_path(field);
      if (!steps) return std::unexpected(steps.error().within("mask '" + mask.name + "'"));
      bits += steps->size() + 1;
      out.endings_.push_back({bits - 1, mask.with});
      for (const FieldStep& step : *steps) {
        if (step.kind == FieldStep::Kind::name)
          out.ids_.emplace(step.name, static_cast<std::uint32_t>(out.ids_.size() + 1));
      }
      paths.push_back(std::move(*steps));
    }
  }
  out.words_ = (bits + kBits - 1) / kBits;
  for (Words* words : {&out.begins_, &out.any_, &out.stays_, &out.ends_}) words->resize(out.words_);
  out.named_.resize(out.words_ * (out.ids_.size() + 1));
  std::size_t first_bit = 0;
  for (const auto& steps : paths) {
    out.add(steps, first_bit);
    first_bit += steps.size() + 1;
  }
  std::ranges::stable_sort(out.endings_, std::ranges::greater(),
                           [](const Ending& ending) { return strictness(ending.with); });
  return out;
}

void FieldMatcher::add(const std::vector<FieldStep>& steps, std::size_t first_bit) {
  set_bit(begins_, first_bit);
  set_bit(ends_, first_bit + steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const FieldStep& step = steps[i];
    if (step.descends) set_bit(stays_, first_bit + i);
    if (step.kind == FieldStep::Kind::any) {
      set_bit(any_, first_bit + i);
    } else {
      const std::size_t id = ids_.find(step.name)->second;
      set_bit(std::span(named_).subspan(id * words_, words_), first_bit + i);
    }
  }
}

std::uint32_t FieldMatcher::name_id(std::string_view name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? kUnnamed : found->second;
}

void FieldMatcher::document(States to) const { std::ranges::copy(begins_, to.begin()); }

void FieldMatcher::member(ConstStates from, std::uint32_t name_id, States to) const {
  const std::size_t named = name_id * words_;
  std::uint64_t carried = 0;
  for (std::size_t i = 0; i < words_; ++i) {
    // A path's last bit takes no step, so none runs over into the next path.
    const std::uint64_t steps = from[i] & (any_[i] | named_[named + i]);
    to[i] = steps << 1 | carried | (from[i] & stays_[i]);
    carried = steps >> (kBits - 1);
  }
}

bool FieldMatcher::goes_on(ConstStates states) {
  return std::ranges::any_of(states, [](std::uint64_t word) { return word != 0; });
}

std::optional<access::MaskStrategy> FieldMatcher::strategy(ConstStates states) const {
  bool ends = false;
  for (std::size_t i = 0; i < words_; ++i) ends = ends || (states[i] & ends_[i]) != 0;
  if (!ends) return std::nullopt;
  for (const Ending& ending : endings_) {
    if (has_bit(states, ending.bit)) return ending.with;
  }
  return std::nullopt;
}

}  // namespace hoop::mask
