// SPDX-License-Identifier: Apache-2.0
// A JSON document (RFC 8259) in memory, to be changed and written again: members stay in their
// order, numbers as they are.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace hoop::kubernetes {

inline constexpr std::size_t kMostDocumentBytes = std::size_t{16} << 20;  // as one reply is held
inline constexpr std::size_t kMostDocumentDepth = 128;

struct JsonMember;

struct JsonValue {
  enum class Kind { word, number, text, array, object };
  Kind kind = Kind::word;
  std::string text = "null";  // of word (null, true, false) and number as written; of text decoded
  std::vector<JsonValue> elements;
  std::vector<JsonMember> members;

  static JsonValue of_text(std::string text);
  bool is_text() const { return kind == Kind::text; }
  bool is_array() const { return kind == Kind::array; }
  bool is_object() const { return kind == Kind::object; }
  bool is_null() const { return kind == Kind::word && text == "null"; }
  /// Null if it is no object or has no such member.
  JsonValue* member(std::string_view name);
  const JsonValue* member(std::string_view name) const;
  /// The member, if it is a text; else null.
  const std::string* text_of(std::string_view name) const;
};

struct JsonMember {
  std::string name;
  JsonValue value;
};

/// Fails with too_large (kMostDocumentBytes, kMostDocumentDepth), malformed: also for a name that
/// stands twice in one object, of which readers differ in which one counts.
Result<JsonValue> parse_json(std::string_view json);
/// On one line.
std::string write_json(const JsonValue& value);

}  // namespace hoop::kubernetes
