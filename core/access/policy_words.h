// SPDX-License-Identifier: Apache-2.0
// What the readers of a policy's tables share.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/access/words.h"
#include "core/config/toml_reader.h"

namespace hoop::access {

using Words = std::vector<std::string>;

inline std::string suggest(std::string_view word, const Words& known) {
  if (const auto like = config::nearest(word, known))
    return fmt::format("did you mean '{}'?", *like);
  return fmt::format("one of: {}", fmt::join(known, ", "));
}

template <class Enum, std::size_t N>
std::optional<Enum> read_choice(const config::TomlTable& table, std::string_view key,
                                const std::array<Enum, N>& all) {
  const auto text = table.text(key);
  if (!text) return std::nullopt;
  const auto value = from_word(all, *text);
  if (!value)
    table.complain(key, fmt::format("'{}' cannot be '{}'", key, *text),
                   suggest(*text, words_of(all)));
  return value;
}

inline Words read_names(const config::TomlTable& table, std::string_view key) {
  Words names = table.text_or_list(key);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty())
      table.complain(key, i, fmt::format("an empty text in '{}' matches nothing", key));
  }
  return names;
}

}  // namespace hoop::access
