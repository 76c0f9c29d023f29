// SPDX-License-Identifier: Apache-2.0
// What the names of prepared statements or portals stand for, while messages that change them are
// still unanswered.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace hoop::postgres {

/// A program may send Parse S1, Sync, Bind S1 in one write. Until the server has answered, S1 is
/// what the newest message made of it if that message stands in the same segment (messages up to a
/// Sync): should it fail, the server skips the rest of the segment too. Across a Sync nobody can
/// know, and the caller waits for the answer.
template <class Thing>
class NameTable {
 public:
  using Ptr = std::shared_ptr<Thing>;
  struct Found {
    enum class Certainty { known, unanswered };
    Certainty certainty = Certainty::known;
    Ptr thing;  // nullptr: there is none of that name
    bool unanswered() const { return certainty == Certainty::unanswered; }
  };

  Found find(std::string_view name, std::uint64_t segment) const {
    const auto slot = slots_.find(name);
    if (slot == slots_.end()) return {};
    if (slot->second.unanswered == 0) return {Found::Certainty::known, slot->second.confirmed};
    if (slot->second.segment != segment) return {Found::Certainty::unanswered, nullptr};
    return {Found::Certainty::known, slot->second.newest};
  }

  /// A message was sent that makes name stand for thing (nullptr: closes it). Exactly one confirm
  /// or withdraw answers it, in order.
  void propose(const std::string& name, Ptr thing, std::uint64_t segment) {
    Slot& slot = slots_[name];
    slot.newest = std::move(thing);
    slot.segment = segment;
    ++slot.unanswered;
  }
  void confirm(const std::string& name, Ptr thing) {
    Slot& slot = slots_[name];
    slot.confirmed = std::move(thing);
    answered(name, slot);
  }
  void withdraw(const std::string& name) { answered(name, slots_[name]); }

  /// The server has forgotten this one.
  void forget(std::string_view name) {
    const auto slot = slots_.find(name);
    if (slot == slots_.end()) return;
    slot->second.confirmed = nullptr;
    if (slot->second.unanswered == 0) slots_.erase(slot);
  }
  /// The server has forgotten (portals, at the end of a transaction), or SQL may have given the
  /// names another meaning.
  void forget_confirmed() {
    for (auto slot = slots_.begin(); slot != slots_.end();) {
      slot->second.confirmed = nullptr;
      slot = slot->second.unanswered == 0 ? slots_.erase(slot) : std::next(slot);
    }
  }
  std::size_t size() const { return slots_.size(); }

 private:
  struct Slot {
    Ptr confirmed;
    Ptr newest;
    std::uint64_t segment = 0;
    std::uint64_t unanswered = 0;
  };
  void answered(const std::string& name, Slot& slot) {
    if (--slot.unanswered != 0) return;
    slot.newest = nullptr;
    if (!slot.confirmed) slots_.erase(slots_.find(name));
  }
  std::map<std::string, Slot, std::less<>> slots_;
};

}  // namespace hoop::postgres
