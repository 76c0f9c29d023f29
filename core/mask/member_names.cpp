// SPDX-License-Identifier: Apache-2.0
#include "core/mask/member_names.h"

#include <cstring>

#include "core/mask/secret_names.h"

namespace hoop::mask {
namespace {

/// Of its length and of what stands at its begin, its middle and its end.
std::size_t slot_of(std::string_view name, std::size_t slots) {
  std::uint64_t begin = 0, end = 0;
  if (name.size() >= sizeof(begin)) {
    std::memcpy(&begin, name.data(), sizeof(begin));
    std::memcpy(&end, name.data() + name.size() - sizeof(end), sizeof(end));
  } else {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name[at]); };
    begin = std::uint64_t{byte(0)} << 16 | std::uint64_t{byte(name.size() / 2)} << 8 |
            byte(name.size() - 1);
  }
  const std::uint64_t mixed = (begin * 3 ^ end ^ name.size()) * 0x9e3779b97f4a7c15U;
  return static_cast<std::size_t>(mixed >> 40) % slots;
}

}  // namespace

const MemberNames::Facts& MemberNames::of(std::string_view name) {
  ++calls_;
  const bool is_kept = !name.empty() && name.size() <= kLongest;
  last_ = is_kept ? slot_of(name, kSlots) : kSlots;
  Slot& slot = is_kept ? slots_[last_] : long_;
  if (is_kept && slot.filled != 0 && slot.name == name) return slot.facts;
  if (is_kept) slot.name = name;
  slot.filled = calls_;
  slot.facts = {fields_.name_id(name), may_name_secret(name), false};
  return slot.facts;
}

void MemberNames::is_looked_at(std::size_t number) {
  if (last_ != kSlots) looks_.push_back({last_, slots_[last_].filled, number});
}

void MemberNames::learn(const TextBatch& batch) {
  for (const Look& look : looks_) {
    Slot& slot = slots_[look.slot];
    if (slot.filled == look.filled && !batch.has_changed(look.number)) slot.facts.is_clean = true;
  }
  looks_.clear();
}

}  // namespace hoop::mask
