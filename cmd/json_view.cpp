// SPDX-License-Identifier: Apache-2.0
#include "cmd/json_view.h"

namespace hoop::cmd {
namespace {

std::string plain(const identity::Json& json) {
  if (const std::string* text = json.text()) return *text;
  if (const std::int64_t* number = json.integer()) return std::to_string(*number);
  if (const bool* flag = std::get_if<bool>(&json.value)) return *flag ? "true" : "false";
  return {};
}

}  // namespace

Value value_at(const identity::Json& object, std::string_view key) {
  const identity::Json* member = object.find(key);
  if (member == nullptr) return {};
  if (const std::string* text = member->text()) return *text;
  if (const std::int64_t* number = member->integer()) return *number;
  if (const bool* flag = std::get_if<bool>(&member->value)) return *flag;
  std::vector<std::string> list;
  if (const identity::Json::Array* array = member->array()) {
    for (const identity::Json& item : *array) list.push_back(plain(item));
    return list;
  }
  if (const identity::Json::Object* map = member->object()) {
    for (const auto& [name, item] : *map) list.push_back(name + "=" + plain(item));
    return list;
  }
  return {};
}

std::string text_at(const identity::Json& object, std::string_view key) {
  const std::string* text = object.text(key);
  return text != nullptr ? *text : std::string();
}

}  // namespace hoop::cmd
