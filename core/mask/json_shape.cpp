// SPDX-License-Identifier: Apache-2.0
#include "core/mask/json_shape.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace hoop::mask {
namespace {

bool is_number_part(char c) {
  return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

}  // namespace

bool looks_like_json(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return false;
  const char c = text[first];
  return c == '{' || c == '[' || c == '"';
}

Span whole_escapes(std::string_view text, Span span) {
  // \uXXXX is the longest escape: its backslash stands at most five characters before the span's
  // first.
  for (std::size_t back = 1; back <= 5 && back <= span.begin; ++back) {
    const std::size_t slash = span.begin - back;
    if (text[slash] != '\\') continue;
    std::size_t run = 0;
    while (run <= slash && text[slash - run] == '\\') ++run;
    if (run % 2 == 0) return span;  // the last of them is itself escaped
    const std::size_t size = slash + 1 < text.size() && text[slash + 1] == 'u' ? 6 : 2;
    if (slash + size > span.begin) span.begin = slash;
    return span;
  }
  return span;
}

Span past_escape(std::string_view text, Span span) {
  std::size_t run = 0;
  while (run < span.end - span.begin && text[span.end - 1 - run] == '\\') ++run;
  if (run % 2 == 1 && span.end < text.size()) ++span.end;
  return span;
}

bool is_json(std::string_view text) { return nlohmann::json::accept(text); }

bool JsonWalk::is_structural(Place place, Span span) const {
  const std::string_view part = text_.substr(span.begin, span.end - span.begin);
  if (place == Place::number) return !std::ranges::all_of(part, is_number_part);
  if (place == Place::other) return true;
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (part[at] == '"') return true;
    if (part[at] == '\\') ++at;
  }
  return false;
}

Place JsonWalk::place_at(std::size_t offset) {
  while (at_ < offset && at_ < text_.size()) {
    if (text_[at_] == '"') in_string_ = !in_string_;
    at_ += in_string_ && text_[at_] == '\\' ? 2U : 1U;
  }
  if (in_string_) return Place::string;
  return offset < text_.size() && is_number_part(text_[offset]) ? Place::number : Place::other;
}

Span JsonWalk::number_around(Span span) const {
  while (span.begin > 0 && is_number_part(text_[span.begin - 1])) --span.begin;
  while (span.end < text_.size() && is_number_part(text_[span.end])) ++span.end;
  return span;
}

}  // namespace hoop::mask
