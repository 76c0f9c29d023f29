// SPDX-License-Identifier: Apache-2.0
// application/x-www-form-urlencoded bodies and query strings, both ways.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/error.h"

namespace hoop::http {

/// Names and values in their order. A value type.
class Form {
 public:
  /// At most 100 fields, each at most 64 KiB. Fails with malformed for a bad percent-encoding, a
  /// NUL, what is not UTF-8, or a name that comes twice: which of the two would count differs
  /// between readers.
  static Result<Form> parse(std::string_view text);

  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  std::optional<std::string_view> find(std::string_view name) const;
  /// "a=1&b=x+y".
  std::string encode() const;
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

/// Everything but RFC 3986 unreserved characters becomes %XX.
std::string percent_encode(std::string_view text);
/// nullopt for a '%' that two hexadecimal digits do not follow.
std::optional<std::string> percent_decode(std::string_view text);

}  // namespace hoop::http
