// SPDX-License-Identifier: Apache-2.0
// Conditions of a rule that ask for the session's circumstances and not for the action: what it
// has done so far, who runs it, which labels its target has, what time it is.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/access/pattern.h"
#include "core/access/policy.h"

namespace hoop::access {

struct Circumstances {
  const Identity& identity;
  const Target& target;
  const SessionFacts& facts;
};

/// Minutes after midnight, UTC. The end is not part of the span, and comes on the next day if it
/// is not later than the start.
struct TimeOfDay {
  unsigned begin = 0;
  unsigned end = 0;

  /// "22:00-06:30"; "24:00" is an end. Fails with config.
  static Result<TimeOfDay> parse(std::string_view text);
  bool holds(unsigned minute) const {
    return begin < end ? minute >= begin && minute < end : minute >= begin || minute < end;
  }
};

/// Monday first.
using Weekdays = std::array<bool, 7>;
/// "mon", "sat-sun", "fri-mon". Fails with config.
Result<Weekdays> parse_weekdays(std::string_view text);

/// Value of the condition `label`: "env=prod", or "env" for any value; either half may hold '*'.
bool fits_label(const Pattern& pattern, const Target& target);

/// True for the keys that CircumstanceMatcher knows.
bool is_circumstance_key(std::string_view key);
/// True for those of them whose values are numbers.
bool is_counter_key(std::string_view key);

/// One such condition, prepared. A value that says nothing sensible (no parser lets it through)
/// holds in a deny and not in an allow.
class CircumstanceMatcher {
 public:
  CircumstanceMatcher(std::string_view key, const std::vector<std::string>& values, Effect effect);
  bool holds(const Circumstances& now) const;

 private:
  enum class Subject { statements, rows, bytes, denials, client, label, time, weekday };
  bool fits(std::string_view value) const;
  bool counter_fits(std::uint64_t value) const;
  bool client_holds(const Identity& identity) const;

  Subject subject_;
  Effect effect_;
  bool senseless_ = false;
  std::vector<Pattern> patterns_;
  std::vector<TimeOfDay> times_;
  Weekdays weekdays_{};
};

}  // namespace hoop::access
