// SPDX-License-Identifier: Apache-2.0
// A JSON value from an untrusted document: bounded in size, depth and number, and without duplicate
// members.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/error.h"

namespace hoop::identity {

struct Json {
  using Array = std::vector<Json>;
  using Object = std::map<std::string, Json, std::less<>>;
  std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, Array, Object> value =
      nullptr;

  const Array* array() const { return std::get_if<Array>(&value); }
  const Object* object() const { return std::get_if<Object>(&value); }
  const std::string* text() const { return std::get_if<std::string>(&value); }
  const bool* boolean() const { return std::get_if<bool>(&value); }
  const std::int64_t* integer() const { return std::get_if<std::int64_t>(&value); }
  bool operator==(const Json&) const = default;

  /// The member, or nullptr; also if this is not an object.
  const Json* find(std::string_view key) const;
  /// The member's text, or nullptr if there is none or it has another type.
  const std::string* text(std::string_view key) const;
};

/// The defaults hold every token, key set and discovery document seen in the field ten times over.
struct JsonCaps {
  std::size_t bytes = std::size_t{64} << 10;
  std::size_t depth = 16;
  std::size_t values = 8192;
};

/// Reads one document (RFC 8259) in UTF-8. Fails with malformed, also for a duplicate member, an
/// integer beyond 64 bits and anything after the document; with too_large above a cap.
Result<Json> parse_json(std::string_view text, const JsonCaps& caps = {});

}  // namespace hoop::identity
