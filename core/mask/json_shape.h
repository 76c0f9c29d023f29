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

/// Widens a span that ends behind an escape's backslash to what is escaped.
Span past_escape(std::string_view text, Span span);

/// The text is one JSON value, and nothing else.
bool is_json(std::string_view text);

enum class Place { string, number, other };

/// Walks once from front to back, so that all spans of a field together cost one pass.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : text_(text) {}
  /// What stands at offset; offsets must not decrease.
  Place place_at(std::size_t offset);
  /// Whether text without the span, and with something harmless in its place, is JSON no more:
  /// the span, which begins in place, is not within one string or one number.
  bool is_structural(Place place, Span span) const;
  /// The number token around a span that lies in no string.
  Span number_around(Span span) const;

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool in_string_ = false;
};

}  // namespace hoop::mask
