// SPDX-License-Identifier: Apache-2.0
#include "core/access/circumstances.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace hoop::access {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr unsigned kMinutesPerDay = 24 * 60;

std::optional<unsigned> two_digits(std::string_view text) {
  if (text.size() != 2 || text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
    return std::nullopt;
  return static_cast<unsigned>(text[0] - '0') * 10 + static_cast<unsigned>(text[1] - '0');
}

/// "HH:MM", up to and with 24:00.
std::optional<unsigned> minute_of_day(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = two_digits(text.substr(0, 2));
  const auto minute = two_digits(text.substr(3));
  if (!hour || !minute || *minute > 59) return std::nullopt;
  const unsigned total = *hour * 60 + *minute;
  return total <= kMinutesPerDay ? std::optional(total) : std::nullopt;
}

std::optional<std::size_t> day_of(std::string_view text) {
  const auto found = std::ranges::find(kDays, text);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::size_t>(found - kDays.begin());
}

}  // namespace

Result<TimeOfDay> TimeOfDay::parse(std::string_view text) {
  const auto dash = text.find('-');
  if (dash != std::string_view::npos) {
    const auto begin = minute_of_day(text.substr(0, dash));
    const auto end = minute_of_day(text.substr(dash + 1));
    if (begin && end && *begin < kMinutesPerDay && *begin != *end) return TimeOfDay{*begin, *end};
  }
  return fail(ErrorCode::config, fmt::format("'{}' is no span of the day", text),
              "write it like \"08:00-18:00\" or \"22:00-06:00\", in UTC");
}

Result<Weekdays> parse_weekdays(std::string_view text) {
  const auto dash = text.find('-');
  const auto first = day_of(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : day_of(text.substr(dash + 1));
  if (!first || !last)
    return fail(ErrorCode::config, fmt::format("'{}' is no day of the week", text),
                "write it like \"mon\" or \"sat-sun\"");
  Weekdays days{};
  for (std::size_t day = *first;; day = (day + 1) % days.size()) {
    days[day] = true;
    if (day == *last) return days;
  }
}

bool fits_label(const Pattern& pattern, const Target& target) {
  return std::ranges::any_of(target.labels, [&](const auto& label) {
    return pattern.fit(label.first + "=" + label.second) == Pattern::Fit::yes ||
           pattern.fit(label.first) == Pattern::Fit::yes;
  });
}

bool is_counter_key(std::string_view key) {
  return key == "session_statements" || key == "session_rows" || key == "session_bytes" ||
         key == "session_denials";
}

bool is_circumstance_key(std::string_view key) {
  return is_counter_key(key) || key == "client" || key == "label" || key == "time" ||
         key == "weekday";
}

CircumstanceMatcher::CircumstanceMatcher(std::string_view key,
                                         const std::vector<std::string>& values, Effect effect)
    : effect_(effect) {
  subject_ = key == "session_statements" ? Subject::statements
             : key == "session_rows"     ? Subject::rows
             : key == "session_bytes"    ? Subject::bytes
             : key == "session_denials"  ? Subject::denials
             : key == "client"           ? Subject::client
             : key == "label"            ? Subject::label
             : key == "time"             ? Subject::time
                                         : Subject::weekday;
  for (const std::string& value : values) {
    if (subject_ == Subject::time) {
      const auto span = TimeOfDay::parse(value);
      if (span) times_.push_back(*span);
      senseless_ |= !span;
    } else if (subject_ == Subject::weekday) {
      const auto days = parse_weekdays(value);
      for (std::size_t i = 0; days && i < weekdays_.size(); ++i) weekdays_[i] |= (*days)[i];
      senseless_ |= !days;
    } else {
      patterns_.emplace_back(value);
    }
  }
}

bool CircumstanceMatcher::fits(std::string_view value) const {
  return std::ranges::any_of(
      patterns_, [&](const Pattern& pattern) { return pattern.fit(value) == Pattern::Fit::yes; });
}

bool CircumstanceMatcher::counter_fits(std::uint64_t value) const {
  std::array<char, 20> digits{};
  const auto end = fmt::format_to(digits.data(), "{}", value);
  return fits({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

bool CircumstanceMatcher::client_holds(const Identity& identity) const {
  const bool kind = fits(to_string(identity.kind));
  if (identity.claimed_agent.empty()) return kind;
  // A claim may only restrict: a person who says "agent" is denied as either, and allowed only as
  // both.
  const bool claimed = fits(to_string(IdentityKind::agent));
  return effect_ == Effect::allow ? kind && claimed : kind || claimed;
}

bool CircumstanceMatcher::holds(const Circumstances& now) const {
  if (senseless_) return effect_ != Effect::allow;
  switch (subject_) {
    case Subject::statements: return counter_fits(now.facts.statements);
    case Subject::rows: return counter_fits(now.facts.rows);
    case Subject::bytes: return counter_fits(now.facts.bytes);
    case Subject::denials: return counter_fits(now.facts.denials);
    case Subject::client: return client_holds(now.identity);
    case Subject::label:
      return std::ranges::any_of(patterns_,
                                 [&](const Pattern& p) { return fits_label(p, now.target); });
    case Subject::time:
    case Subject::weekday: break;
  }
  const auto today = std::chrono::floor<std::chrono::days>(now.facts.now);
  if (subject_ == Subject::weekday)
    return weekdays_[std::chrono::weekday(today).iso_encoding() - 1];
  const auto minute =
      std::chrono::duration_cast<std::chrono::minutes>(now.facts.now - today).count();
  return std::ranges::any_of(
      times_, [&](const TimeOfDay& span) { return span.holds(static_cast<unsigned>(minute)); });
}

}  // namespace hoop::access
