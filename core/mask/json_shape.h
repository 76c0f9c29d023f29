// SPDX-License-Identifier: Apache-2.0
// Keeps a field that is JSON valid when a part of it is replaced.
#pragma once

#include <string_view>

#include "core/mask/span.h"

namespace hoop::mask {

/// True if the text begins like JSON. Being wrong costs nothing but a look at what surrounds a hit.
bool looks_like_json(std::string_view text);

/// Widens a span that begins inside an escape (\u00e9, \n) to the whole escape: half of one would
/// break the string.
Span whole_escapes(std::string_view text, Span span);

enum class Place { string, number, other };

/// Walks once from front to back, so that all spans of a field together cost one pass.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : text_(text) {}
  /// What stands at offset; offsets must not decrease.
  Place place_at(std::size_t offset);
  /// The number token around a span that lies in no string.
  Span number_around(Span span) const;

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool in_string_ = false;
};

}  // namespace hoop::mask
