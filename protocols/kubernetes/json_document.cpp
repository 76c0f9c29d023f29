// SPDX-License-Identifier: Apache-2.0
#include "protocols/kubernetes/json_document.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "core/base/encoding.h"

namespace hoop::kubernetes {
namespace {

using Library = nlohmann::json;

/// Builds the tree from what the library's parser, which does not recurse, says of a text.
class TreeBuilder final : public nlohmann::json_sax<Library> {
 public:
  JsonValue root;
  bool is_too_deep = false;

  bool null() override { return add(JsonValue::Kind::word, "null"); }
  bool boolean(bool value) override { return add(JsonValue::Kind::word, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return add(JsonValue::Kind::number, std::to_string(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    return add(JsonValue::Kind::number, std::to_string(value));
  }
  bool number_float(number_float_t, const string_t& written) override {
    return add(JsonValue::Kind::number, written);
  }
  bool string(string_t& text) override { return add(JsonValue::Kind::text, std::move(text)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonValue::Kind::object); }
  bool end_object() override { return has_no_name_twice(*open_.back()) && close(); }
  bool start_array(std::size_t) override { return open(JsonValue::Kind::array); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    open_.back()->members.push_back({std::move(name), {}});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  static bool has_no_name_twice(const JsonValue& object) {
    std::vector<std::string_view> names;
    names.reserve(object.members.size());
    for (const JsonMember& member : object.members) names.emplace_back(member.name);
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }
  /// Pointers into containers that are open stay good: nothing is added to one before what is open
  /// in it is closed.
  JsonValue& next() {
    if (open_.empty()) return root;
    JsonValue& in = *open_.back();
    if (in.is_object()) return in.members.back().value;
    return in.elements.emplace_back();
  }
  bool add(JsonValue::Kind kind, std::string text) {
    JsonValue& value = next();
    value.kind = kind;
    value.text = std::move(text);
    return true;
  }
  bool open(JsonValue::Kind kind) {
    is_too_deep = open_.size() == kMostDocumentDepth;
    if (is_too_deep) return false;
    JsonValue& value = next();
    value.kind = kind;
    value.text.clear();
    open_.push_back(&value);
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::vector<JsonValue*> open_;
};

void write_value(const JsonValue& value, std::string& out) {
  switch (value.kind) {
    case JsonValue::Kind::word:
    case JsonValue::Kind::number: out += value.text; return;
    case JsonValue::Kind::text: append_json_string(out, value.text); return;
    case JsonValue::Kind::array:
      out += '[';
      for (std::size_t i = 0; i < value.elements.size(); ++i) {
        if (i > 0) out += ',';
        write_value(value.elements[i], out);
      }
      out += ']';
      return;
    case JsonValue::Kind::object:
      out += '{';
      for (std::size_t i = 0; i < value.members.size(); ++i) {
        if (i > 0) out += ',';
        append_json_string(out, value.members[i].name);
        out += ':';
        write_value(value.members[i].value, out);
      }
      out += '}';
      return;
  }
}

}  // namespace

JsonValue JsonValue::of_text(std::string text) { return {Kind::text, std::move(text), {}, {}}; }

const JsonValue* JsonValue::member(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &JsonMember::name);
  return found == members.end() ? nullptr : &found->value;
}

JsonValue* JsonValue::member(std::string_view name) {
  return const_cast<JsonValue*>(std::as_const(*this).member(name));
}

const std::string* JsonValue::text_of(std::string_view name) const {
  const JsonValue* found = member(name);
  return found != nullptr && found->is_text() ? &found->text : nullptr;
}

Result<JsonValue> parse_json(std::string_view json) {
  if (json.size() > kMostDocumentBytes)
    return fail(ErrorCode::too_large, "the document is longer than 16 MiB");
  TreeBuilder builder;
  if (Library::sax_parse(json, &builder)) return std::move(builder.root);
  if (builder.is_too_deep) return fail(ErrorCode::too_large, "the document nests deeper than 128");
  return fail(ErrorCode::malformed, "the document is not JSON");
}

std::string write_json(const JsonValue& value) {
  std::string out;
  write_value(value, out);
  return out;
}

}  // namespace hoop::kubernetes
