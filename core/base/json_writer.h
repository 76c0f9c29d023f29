// SPDX-License-Identifier: Apache-2.0
// One JSON object, member by member, in the order given.
#pragma once

#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/base/encoding.h"

namespace hoop {

/// By hand and not by a JSON library: a record is made for every statement, and half a microsecond
/// counts there. Names are not checked for repetition. take() ends it.
class JsonWriter {
 public:
  JsonWriter() { text_ = "{"; }
  JsonWriter& text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(text_, value);
    return *this;
  }
  JsonWriter& number(std::string_view name, std::uint64_t value) {
    key(name);
    fmt::format_to(std::back_inserter(text_), "{}", value);
    return *this;
  }
  JsonWriter& integer(std::string_view name, int value) {
    key(name);
    fmt::format_to(std::back_inserter(text_), "{}", value);
    return *this;
  }
  JsonWriter& list(std::string_view name, const std::vector<std::string>& values) {
    key(name);
    text_ += '[';
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i != 0) text_ += ',';
      append_json_string(text_, values[i]);
    }
    text_ += ']';
    return *this;
  }
  JsonWriter& raw(std::string_view name, std::string_view json) {
    key(name);
    text_ += json;
    return *this;
  }
  std::string take() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  void key(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    append_json_string(text_, name);
    text_ += ':';
  }
  std::string text_;
};

}  // namespace hoop
