// SPDX-License-Identifier: Apache-2.0
// Follows all paths of all masks at once through a document: a set of states for each value, of one
// bit for each step.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/access/field_path.h"
#include "core/access/policy.h"

namespace hoop::mask {

/// Immutable. A path of n steps has n + 1 bits: bit i of a value's states means that the path's
/// first i steps lead to it, so the last bit that the value is masked.
class FieldMatcher {
 public:
  using States = std::span<std::uint64_t>;  // of words() words
  using ConstStates = std::span<const std::uint64_t>;
  static constexpr std::uint32_t kUnnamed = 0;

  /// Fails with config for a path that is none.
  static Result<FieldMatcher> create(const std::vector<access::Mask>& masks);

  bool empty() const { return words_ == 0; }
  std::size_t words() const { return words_; }
  /// By which member() knows a decoded name; kUnnamed for one that no path has.
  std::uint32_t name_id(std::string_view name) const;

  /// Of the document, of a member and of an element of a value with the states from.
  void document(States to) const;
  void member(ConstStates from, std::uint32_t name_id, States to) const;
  void element(ConstStates from, States to) const { member(from, kUnnamed, to); }
  /// Whether anything may be masked in or at a value with these states.
  static bool goes_on(ConstStates states);
  /// How a value with these states is masked, if it is.
  std::optional<access::MaskStrategy> strategy(ConstStates states) const;

 private:
  using Words = std::vector<std::uint64_t>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct Ending {
    std::size_t bit;
    access::MaskStrategy with;
  };
  void add(const std::vector<access::FieldStep>& steps, std::size_t first_bit);

  std::size_t words_ = 0;
  Words begins_;  // bit 0 of each path
  Words any_;     // before a step to whatever is there
  Words stays_;   // before a step that descends
  Words named_;   // words_ words for each id: before a step to that name
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> ids_;
  Words ends_;                   // the last bit of each path
  std::vector<Ending> endings_;  // the strictest first
};

}  // namespace hoop::mask
