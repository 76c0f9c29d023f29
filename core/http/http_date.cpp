// SPDX-License-Identifier: Apache-2.0
#include "core/http/http_date.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace hoop::http {

namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::string_view kShape = "DDD, 00 MMM 0000 00:00:00 GMT";

/// Whether text has digits where the shape has 0, letters where it has D and M, and its own signs.
bool has_shape(std::string_view text) {
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool any = kShape[i] == 'D' || kShape[i] == 'M';
    if (kShape[i] == '0' ? !digit : !any && text[i] != kShape[i]) return false;
  }
  return text.ends_with("GMT");
}

unsigned number_at(std::string_view text, std::size_t at, std::size_t length) {
  unsigned out = 0;
  for (const char digit : text.substr(at, length))
    out = out * 10 + static_cast<unsigned>(digit - '0');
  return out;
}

}  // namespace

std::optional<SystemTime> parse_http_date(std::string_view text) {
  if (!has_shape(text)) return std::nullopt;
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day date(
      std::chrono::year(static_cast<int>(number_at(text, 12, 4))),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(number_at(text, 5, 2)));
  const unsigned hours = number_at(text, 17, 2), minutes = number_at(text, 20, 2),
                 seconds = number_at(text, 23, 2);
  if (!date.ok() || hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;
  const std::chrono::sys_days day(date);
  if (kDays[std::chrono::weekday(day).c_encoding()] != text.substr(0, 3)) return std::nullopt;
  return day + std::chrono::hours(hours) + std::chrono::minutes(minutes) +
         std::chrono::seconds(seconds);
}

std::string http_date(SystemTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

}  // namespace hoop::http
