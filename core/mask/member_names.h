// SPDX-License-Identifier: Apache-2.0
// What is known of the names of an object's members: most of a document's are the same few, over
// and over.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/mask/field_matcher.h"
#include "core/mask/text_batch.h"

namespace hoop::mask {

class MemberNames {
 public:
  struct Facts {
    std::uint32_t field_id = FieldMatcher::kUnnamed;
    bool may_name_secret = false;
    bool is_clean = false;  // detectors have found nothing in it
  };
  /// fields outlives it.
  explicit MemberNames(const FieldMatcher& fields) : fields_(fields), slots_(kSlots) {}

  /// Of a decoded name. The next call may overwrite them.
  const Facts& of(std::string_view name);
  /// Detectors look at the last name that was asked for, as the text of that number in a batch.
  void is_looked_at(std::size_t number);
  /// Keeps what the batch's release() has said of them.
  void learn(const TextBatch& batch);

 private:
  static constexpr std::size_t kSlots = 256;
  static constexpr std::size_t kLongest = 64;  // longer ones are seldom the same
  struct Slot {
    std::string name;
    Facts facts;
    std::uint64_t filled = 0;  // by which call
  };
  struct Look {
    std::size_t slot;
    std::uint64_t filled;
    std::size_t number;
  };
  const FieldMatcher& fields_;
  std::vector<Slot> slots_;
  Slot long_;
  std::size_t last_ = kSlots;  // kSlots: in long_
  std::uint64_t calls_ = 0;
  std::vector<Look> looks_;
};

}  // namespace hoop::mask
