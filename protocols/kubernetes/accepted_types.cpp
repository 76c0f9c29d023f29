// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/accepted_types.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/http/field_syntax.h"

namespace hoop::kubernetes {
namespace {

constexpr std::string_view kJsonType = "application/json";
constexpr std::size_t kMostRanges = 16;  // kubectl asks for three

constexpr std::array<std::string_view, 4> kShapes{
    "Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList"};

std::string_view trimmed_blanks(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// What stands before the next mark, and behind it then.
std::string_view take_until(std::string_view& rest, char mark) {
  const std::size_t end = std::min(rest.find(mark), rest.size());
  const std::string_view out = trimmed_blanks(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return out;
}

/// 0 to 1, with three digits behind the dot at most (RFC 9110 §12.4.2).
bool is_weight(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return false;
  return text.size() == 1 ||
         (text[1] == '.' && text.substr(2).find_first_not_of(text[0] == '0' ? "0123456789" : "0") ==
                                std::string_view::npos);
}

struct Range {
  std::string shape, group, version, weight;
};

Range read_range(std::string_view text) {
  Range out;
  take_until(text, ';');
  while (!text.empty()) {
    std::string_view value = take_until(text, ';');
    const std::string_view name = take_until(value, '=');
    if (!http::is_token(value)) continue;
    if (name == "as") out.shape = value;
    if (name == "g") out.group = value;
    if (name == "v") out.version = value;
    if (name == "q" && is_weight(value)) out.weight = value;
  }
  return out;
}

std::string written(const Range& range) {
  std::string out(kJsonType);
  if (std::ranges::find(kShapes, range.shape) != kShapes.end()) {
    out += ";as=" + range.shape;
    if (!range.version.empty()) out += ";v=" + range.version;
    if (!range.group.empty()) out += ";g=" + range.group;
  }
  if (!range.weight.empty()) out += ";q=" + range.weight;
  return out;
}

}  // namespace

std::string accepted_types(const http::Headers& sent) {
  std::vector<std::string> ranges;
  for (const http::Header& field : sent) {
    if (!http::equal_ignoring_case(field.name, "accept")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::string_view one = take_until(rest, ',');
      if (one.empty() || ranges.size() == kMostRanges) continue;
      std::string range = written(read_range(one));
      if (std::ranges::find(ranges, range) == ranges.end()) ranges.push_back(std::move(range));
    }
  }
  std::string out;
  for (const std::string& range : ranges) out += (out.empty() ? "" : ",") + range;
  return out.empty() ? std::string(kJsonType) : out;
}

}  // namespace hoop::kubernetes
