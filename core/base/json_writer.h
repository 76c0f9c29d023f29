// SPDX-License-Identifier: Apache-2.0
// One JSON object, member by member, in the order given.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/encoding.h"

namespace hoop {

/// By hand and not by a JSON library: a record is made for every statement, and half a microsecond
/// counts there. Names are not checked for repetition. take() ends it.
class JsonWriter {
 public:
  JsonWriter() : JsonWriter(std::string()) {}
  /// Writes where there is room already: what room holds is overwritten.
  explicit JsonWriter(std::string room) : text_(std::move(room)) {
    text_.reserve(256);
    text_ = "{";
  }
  JsonWriter& text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(text_, value);
    return *this;
  }
  JsonWriter& number(std::string_view name, std::uint64_t value) {
    key(name);
    digits(value);
    return *this;
  }
  JsonWriter& integer(std::string_view name, int value) {
    key(name);
    digits(value);
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
  /// More members, as members() gave them.
  JsonWriter& more(std::string_view members) {
    if (text_.size() > 1 && !members.empty()) text_ += ',';
    text_ += members;
    return *this;
  }
  /// What take() answers, without the braces.
  std::string members() { return text_.substr(1); }
  std::string take() {
    text_ += '}';
    return std::move(text_);
  }

 private:
  template <class Number>
  void digits(Number value) {
    std::array<char, 24> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    text_.append(buffer.data(), end);
  }
  void key(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    append_json_string(text_, name);
    text_ += ':';
  }
  std::string text_;
};

}  // namespace hoop
